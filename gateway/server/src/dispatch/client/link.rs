//! One HTTP/1.1 connection.
//!
//! Its protocol machine runs inside the task of the exchange that uses it: there is no task for each connection and no hop between two of them. While it is idle nobody
//! polls it, so what the peer did meanwhile shows when it is taken up again.

use super::meter::{Excess, Meter};
use super::stream::{Carrier, Stream};
use crate::dispatch::failure::{Failure, FailureKind};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::{AlertDescription, Error as TlsError};
use std::error::Error as _;
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// The most header fields of an answer.
pub(super) const HEADERS_MAX: usize = 64;
/// What a connection buffers, in bytes.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// One connection.
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    machine: Machine,
    meter: Arc<Meter>,
    /// When it was made.
    pub(super) born: Instant,
    /// When it was last given back.
    pub(super) idle_since: Instant,
}

/// The protocol machine of a connection, until it has ended. It is large and is passed around; hence the box.
struct Machine(Option<Box<Connection<TokioIo<Stream>, Full<Bytes>>>>);

/// Why a request brought no answer over a connection.
pub(super) enum Broken {
    /// It was never begun: another connection may take it as if nothing had been.
    Unsent,
    /// It was sent, at least in part, and the peer ended the connection without a word.
    Closed(Failure),
    /// Anything else.
    Failed(Failure),
}

impl Machine {
    /// Lets it read and write what it can.
    fn advance(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && Pin::new(connection.as_mut()).poll(cx).is_ready()
        {
            // Why it ended reaches whoever waits for an answer; an idle connection that ends is none of anybody's business.
            self.0 = None;
        }
    }

    /// Runs the machine until `work`, which waits for it, is done.
    async fn run<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            self.advance(cx);
            work.as_mut().poll(cx)
        })
        .await
    }
}

impl Link {
    /// Speaks HTTP over a fresh connection; `timed` if a first byte will be waited for.
    pub(super) async fn new(carrier: Carrier, timed: bool) -> Result<Self, Failure> {
        let meter = Meter::new(timed);
        let stream = Stream::new(carrier, Arc::clone(&meter));
        let mut builder = Builder::new();
        builder.max_headers(HEADERS_MAX).max_header_size(HEAD_BYTES_MAX).max_buf_size(BUFFER_BYTES_MAX);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| failure(&error))?;
        let now = Instant::now();
        let machine = Machine(Some(Box::new(connection)));
        Ok(Self { sender, machine, meter, born: now, idle_since: now })
    }

    /// Whether the connection, as far as one can see now, takes another request. What the peer did while it was idle is looked at.
    pub(super) async fn is_ready(&mut self) -> bool {
        std::future::poll_fn(|cx| {
            self.machine.advance(cx);
            Poll::Ready(self.machine.0.is_some() && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(()))))
        })
        .await
    }

    /// Sends a request and waits for the head of its answer, and for its first byte no longer than `patience`.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        patience: Option<Duration>,
    ) -> Result<Response<Incoming>, Broken> {
        self.meter.expect_head();
        let mut answer = pin!(self.machine.run(self.sender.try_send_request(request)));
        let early = match patience {
            Some(patience) => first_byte(answer.as_mut(), &self.meter, patience).await?,
            None => None,
        };
        let answer = match early {
            Some(answer) => answer,
            None => answer.await,
        };
        self.meter.expect_body();
        answer.map_err(|mut refused| {
            if refused.take_message().is_some() {
                return Broken::Unsent;
            }
            let failure = failure(refused.error());
            if failure.kind == FailureKind::Reset { Broken::Closed(failure) } else { Broken::Failed(failure) }
        })
    }

    /// Reads a body into `kept`, up to `bytes_max`; true if there is more. The connection is not to be used again then.
    pub(super) async fn read(
        &mut self,
        mut body: Incoming,
        bytes_max: usize,
        kept: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        while let Some(frame) = self.machine.run(body.frame()).await {
            let Ok(data) = frame.map_err(|error| failure(&error))?.into_data() else { continue };
            let room = bytes_max - kept.len();
            kept.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Waits for the first byte of an answer, counted from the last byte that was sent; gives the answer, if that came with it.
async fn first_byte<F: Future>(
    mut answer: Pin<&mut F>,
    meter: &Meter,
    patience: Duration,
) -> Result<Option<F::Output>, Broken> {
    loop {
        let due = meter.written_at() + patience;
        if let Ok(answered) = timeout_at(due, answer.as_mut()).await {
            return Ok(Some(answered));
        }
        if meter.has_read() {
            return Ok(None);
        }
        if meter.written_at() + patience <= due {
            let detail = format!("no first byte of an answer within {} ms", patience.as_millis());
            return Err(Broken::Failed(Failure::new(FailureKind::Timeout, detail)));
        }
    }
}

/// What an error of the protocol machine means.
fn failure(error: &hyper::Error) -> Failure {
    use FailureKind::{Protocol, Reset};
    if error.is_parse_too_large() {
        return Failure::new(Protocol, "the answer's head is longer than 16 KiB or has more than 64 fields");
    }
    if error.is_parse() {
        return Failure::new(Protocol, "the answer is not HTTP/1.1");
    }
    if error.is_incomplete_message() {
        return Failure::new(Reset, "the connection was closed before the answer was whole");
    }
    let io = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    match io {
        Some(io) => io_failure(io).unwrap_or(Failure::new(Protocol, "the answer is not HTTP/1.1")),
        None if error.is_canceled() || error.is_closed() => Failure::new(Reset, "the connection was closed"),
        None => Failure::new(Protocol, "the answer is not HTTP/1.1"),
    }
}

/// What an error of a connection means; nothing, if it is about what came over it.
pub(super) fn io_failure(io: &std::io::Error) -> Option<Failure> {
    if Excess::is_in(io) {
        return Some(Failure::new(FailureKind::Protocol, "the answer's head and what came before it are too long"));
    }
    let cause = io.get_ref().and_then(|cause| cause.downcast_ref::<TlsError>());
    if let Some(TlsError::AlertReceived(alert)) = cause {
        return Some(Failure::new(FailureKind::Tls, alerted(*alert)));
    }
    let detail = match io.kind() {
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => "the connection was reset",
        ErrorKind::UnexpectedEof => "the connection was closed without a TLS goodbye",
        ErrorKind::InvalidInput | ErrorKind::InvalidData => return None,
        _ => "the connection broke",
    };
    Some(Failure::new(FailureKind::Reset, detail))
}

/// Why a peer ended a TLS session. It may do so after the handshake, as ours is over before it has looked at our certificate.
pub(super) const fn alerted(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => "the receiver asks for a client certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => "the receiver did not accept our certificate",
        _ => "the receiver ended the TLS session",
    }
}
