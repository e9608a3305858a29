//! A receiver of webhooks: it verifies, tells what came, and answers as it is told. For the command of that name, the demo and the tests.

use bytes::Bytes;
use hookwright_core::secret::{RawSecret, SigningSecret};
use hookwright_core::signature::{self, Scheme, VerifyError, verify};
use hookwright_store::Clock;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// The largest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Requests that wait to be looked at; senders are answered once theirs is in the queue.
const QUEUE: usize = 1024;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its number, from 1.
    pub number: u64,
    /// When its body was complete, unix milliseconds.
    pub at_ms: i64,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers in their order; values as text.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
    /// Whether the signature fits; `None` where there is no secret to check it with.
    pub verified: Option<Result<(), VerifyError>>,
    /// The status it was answered with.
    pub answered: StatusCode,
}

impl Delivered {
    /// The one value of a header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the signature was checked and fits.
    pub const fn is_verified(&self) -> bool {
        matches!(self.verified, Some(Ok(())))
    }

    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// How long the answer is held back.
    pub delay: Duration,
}

impl Reply {
    /// This status, at once, without a body.
    pub const fn status(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), delay: Duration::ZERO }
    }
}

/// Decides the answer to a request; `answered` in what it is shown is not set yet.
pub type Answerer = Arc<dyn Fn(&Delivered) -> Reply + Send + Sync>;

/// A running receiver.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    received: mpsc::Receiver<Delivered>,
    server: JoinHandle<()>,
    /// Every connection holds a receiver of it: when none is left, every answer is sent.
    ending: watch::Sender<bool>,
}

struct Shared {
    secrets: Vec<SigningSecret>,
    clock: Arc<dyn Clock>,
    answerer: Answerer,
    count: std::sync::atomic::AtomicU64,
    queue: mpsc::Sender<Delivered>,
}

impl Sink {
    /// Receives on `listener`. With secrets, a signature of any of them fits.
    pub fn start(
        listener: TcpListener,
        secrets: Vec<SigningSecret>,
        clock: Arc<dyn Clock>,
        answerer: Answerer,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (queue, received) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared { secrets, clock, answerer, count: std::sync::atomic::AtomicU64::new(0), queue });
        let (ending, ended) = watch::channel(false);
        let server = tokio::spawn(accept(listener, shared, ended));
        Ok(Self { address, received, server, ending })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next request; waits for it.
    pub async fn next(&mut self) -> Option<Delivered> {
        self.received.recv().await
    }

    /// Accepts nothing more, and waits until what is under way is answered, at most so long.
    pub async fn settle(&mut self, at_most: Duration) {
        self.server.abort();
        self.ending.send_replace(true);
        if tokio::time::timeout(at_most, self.ending.closed()).await.is_err() {
            tracing::debug!("a connection to the receiver was still open at the end");
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, ended: watch::Receiver<bool>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&shared), ended.clone()));
            }
            // Out of file descriptors, most likely: a pause lets some be closed.
            Err(error) => {
                tracing::warn!(%error, "the receiver cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut ended: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(receive(request, &shared).await) }
    });
    let mut served = std::pin::pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(TokioIo::new(stream), service)
    );
    let ending = async { drop(ended.wait_for(|ended| *ended).await) };
    let early = tokio::select! {
        outcome = served.as_mut() => Some(outcome),
        () = ending => None,
    };
    let outcome = if let Some(outcome) = early {
        outcome
    } else {
        served.as_mut().graceful_shutdown();
        served.await
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection to the receiver ended");
    }
}

async fn receive(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
        return respond(Reply::status(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let at_ms = shared.clock.now_ms();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = body.to_bytes();
    let verified = (!shared.secrets.is_empty()).then(|| check(&shared.secrets, &headers, &body, at_ms));
    let mut delivered = Delivered {
        number: shared.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1,
        at_ms,
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        headers,
        body,
        verified,
        answered: StatusCode::OK,
    };
    let reply = (shared.answerer)(&delivered);
    delivered.answered = reply.status;
    if shared.queue.send(delivered).await.is_err() {
        return respond(Reply::status(StatusCode::SERVICE_UNAVAILABLE));
    }
    tokio::time::sleep(reply.delay).await;
    respond(reply)
}

/// Verifies as Standard Webhooks has it: any of the secrets, within five minutes.
pub fn check(
    secrets: &[SigningSecret],
    headers: &[(String, String)],
    body: &[u8],
    now_ms: i64,
) -> Result<(), VerifyError> {
    let secrets: Vec<RawSecret> = secrets.iter().filter_map(|secret| RawSecret::parse(&secret.reveal()).ok()).collect();
    verify(&Scheme::STANDARD, &secrets, &signature::Request::new(&headers, body, now_ms.div_euclid(1000))).map(|_| ())
}

fn respond(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
