//! One HTTP/2 connection, shared by exchanges of one subscriber.
//!
//! Unlike an HTTP/1.1 connection it has a task of its own, for it serves many exchanges at once. What a peer can make it do is bounded: frames and headers by the
//! protocol's own settings, and floods of anything (pings, settings, resets, interim answers) by the bytes that may come in for the exchanges under way.

use super::link::{Broken, HEADERS_MAX, io_failure};
use super::meter::Meter;
use super::pool::Allowance;
use super::stream::{Carrier, Stream};
use crate::dispatch::failure::{Failure, FailureKind};
use bytes::Bytes;
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, HOST, HeaderName};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// Exchanges at once over one connection, whatever more the peer allows.
const STREAMS_MAX: usize = 100;
/// Interim answers (1xx) before an answer.
const INTERIM_MAX: usize = 8;
/// What may come in for one exchange beside the body that is kept: head, window, frames of the connection.
const OVERHEAD_BYTES: usize = 192 * 1024;
/// The longest head of an answer, as a setting has it.
const HEAD_BYTES: u32 = 16 * 1024;
/// How much of a body may be under way to us, in bytes.
const WINDOW: u32 = 64 * 1024 - 1;
/// The same over all streams of a connection.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What we buffer of what we send, in bytes.
const SEND_BUFFER: usize = 128 * 1024;
/// Streams we have reset, of which frames may still be under way.
const RESET_STREAMS_MAX: usize = 32;
/// How long a connection that nobody needs any more may take to say goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// One connection.
pub(super) struct Session {
    sender: SendRequest<Bytes>,
    meter: Arc<Meter>,
    /// Exchanges under way.
    streams: AtomicUsize,
    /// Whether something is wrong with it, so that no exchange is to begin on it.
    retired: AtomicBool,
    born: Instant,
    /// When an exchange last ended, in milliseconds since it was made.
    used_ms: AtomicU64,
    allowance: Option<Allowance>,
    /// Dropped with it, which tells its task.
    _wanted: oneshot::Sender<()>,
}

/// One exchange's share of a connection.
pub(super) struct Lease {
    session: Arc<Session>,
    read_before: u64,
    heard: bool,
}

impl Session {
    /// Speaks HTTP/2 over a fresh connection, once the peer has said what it allows.
    pub(super) async fn new(carrier: Carrier, allowance: &Allowance) -> Result<Arc<Self>, Failure> {
        let meter = Meter::new(false);
        meter.allow(OVERHEAD_BYTES);
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(16 * 1024)
            .max_header_list_size(HEAD_BYTES)
            .header_table_size(4_096)
            .max_send_buffer_size(SEND_BUFFER)
            .initial_max_send_streams(0)
            .max_concurrent_reset_streams(RESET_STREAMS_MAX)
            .max_local_error_reset_streams(Some(RESET_STREAMS_MAX));
        let stream = Stream::new(carrier, Arc::clone(&meter));
        let (sender, connection) = builder.handshake(stream).await.map_err(|error| failure(&error))?;
        let (wanted, unwanted) = oneshot::channel();
        let (settled, settings) = oneshot::channel();
        tokio::spawn(serve(connection, settled, unwanted));
        if settings.await.is_err() {
            return Err(Failure::new(FailureKind::Protocol, "the connection ended before HTTP/2 began"));
        }
        Ok(Arc::new(Self {
            sender,
            meter,
            streams: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
            born: Instant::now(),
            used_ms: AtomicU64::new(0),
            allowance: allowance.take().then(|| allowance.clone()),
            _wanted: wanted,
        }))
    }

    /// Exchanges under way.
    pub(super) fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    /// Whether it takes another exchange at once.
    pub(super) fn has_room(&self) -> bool {
        self.streams() < self.sender.current_max_send_streams().min(STREAMS_MAX)
    }

    /// Whether an exchange may begin on it: it is not closed, not suspect and not too old.
    pub(super) fn is_open(&self, age_max: Duration) -> bool {
        let mut sender = self.sender.clone();
        let closed =
            matches!(sender.poll_ready(&mut Context::from_waker(std::task::Waker::noop())), Poll::Ready(Err(_)));
        !closed && !self.retired.load(Ordering::Relaxed) && self.born.elapsed() < age_max
    }

    /// Whether it has been without an exchange for so long.
    pub(super) fn is_idle(&self, idle_max: Duration) -> bool {
        let used = Duration::from_millis(self.used_ms.load(Ordering::Relaxed));
        self.streams() == 0 && self.born.elapsed().saturating_sub(used) >= idle_max
    }

    /// Whether it counts among the connections that may be kept.
    pub(super) fn is_kept(&self) -> bool {
        self.allowance.is_some()
    }

    /// Begins an exchange.
    pub(super) fn lease(self: &Arc<Self>) -> Lease {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Lease { session: Arc::clone(self), read_before: self.meter.total(), heard: false }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(allowance) = &self.allowance {
            allowance.give_back(1);
        }
    }
}

impl Lease {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        target: &Uri,
        bytes_max: usize,
        patience: Option<Duration>,
    ) -> Result<Response<RecvStream>, Broken> {
        let sender = self.session.sender.clone();
        let mut sender = sender.ready().await.map_err(|_| self.lost(Broken::Unsent))?;
        self.session.meter.allow(self.session.streams() * (OVERHEAD_BYTES + bytes_max));
        let (request, body) = plain(request, target).await;
        let sent = sender.send_request(request, body.is_empty());
        let (answer, stream) = sent.map_err(|error| self.lost(broken(&error)))?;
        let answer = answered(answer, upload(stream, body));
        let answer = match patience {
            None => answer.await,
            Some(patience) => timeout(patience, answer).await.unwrap_or_else(|_| {
                let detail = format!("no first byte of an answer within {} ms", patience.as_millis());
                Err(Broken::Failed(Failure::new(FailureKind::Timeout, detail)))
            }),
        };
        let answer = answer.map_err(|broken| self.lost(broken))?;
        self.heard = true;
        if answer.headers().len() > HEADERS_MAX {
            return Err(Broken::Failed(Failure::new(
                FailureKind::Protocol,
                "the answer's head is longer than 16 KiB or has more than 64 fields",
            )));
        }
        Ok(answer)
    }

    /// Reads a body into `kept`, up to `bytes_max`; true if there is more.
    pub(super) async fn read(
        &mut self,
        mut body: RecvStream,
        bytes_max: usize,
        kept: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        while let Some(data) = body.data().await {
            let data = data.map_err(|error| failure(&error))?;
            let room = bytes_max - kept.len();
            kept.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok(true);
            }
            // It fails where the stream has ended, which the next turn sees.
            let _ = body.flow_control().release_capacity(data.len());
        }
        Ok(false)
    }

    /// A connection that did not bring an answer through is not used again, unless it was the stream alone that failed.
    fn lost(&self, broken: Broken) -> Broken {
        if matches!(broken, Broken::Unsent | Broken::Closed(_)) {
            self.session.retired.store(true, Ordering::Relaxed);
        }
        broken
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let session = &self.session;
        // A peer that said nothing at all may be gone without a word: the next exchange finds out on another connection.
        if !self.heard && session.meter.total() == self.read_before {
            session.retired.store(true, Ordering::Relaxed);
        }
        let used = u64::try_from(session.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        session.used_ms.store(used, Ordering::Relaxed);
        session.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs a connection until it ends, or is not wanted any more and has had its time to say so. Tells when exchanges may begin.
async fn serve(
    mut connection: Connection<Stream, Bytes>,
    settled: oneshot::Sender<()>,
    unwanted: oneshot::Receiver<()>,
) {
    let mut settled = Some(settled);
    let mut running = pin!(poll_fn(|cx| {
        let ended = Pin::new(&mut connection).poll(cx).is_ready();
        if connection.max_concurrent_send_streams() > 0
            && let Some(settled) = settled.take()
        {
            // Whoever made it may have run out of time meanwhile.
            let _ = settled.send(());
        }
        // Why it ended reaches whoever waits for an answer.
        if ended { Poll::Ready(()) } else { Poll::Pending }
    }));
    tokio::select! {
        () = &mut running => {}
        _ = unwanted => drop(timeout(GOODBYE_MAX, running).await),
    }
}

/// The request as HTTP/2 has it: without the fields that speak of a connection, and its body beside it.
async fn plain(request: Request<Full<Bytes>>, target: &Uri) -> (Request<()>, Bytes) {
    let (mut head, mut body) = request.into_parts();
    let body = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        _ => Bytes::new(),
    };
    head.uri = whole(target, head.uri);
    head.version = http::Version::HTTP_2;
    head.headers.remove(HOST);
    head.headers.remove(HeaderName::from_static("proxy-connection"));
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    (Request::from_parts(head, ()), body)
}

/// The address of a request, with the peer's scheme and host.
fn whole(target: &Uri, path: Uri) -> Uri {
    let mut parts = target.clone().into_parts();
    parts.path_and_query = path.into_parts().path_and_query.or(parts.path_and_query);
    // Each part comes from an address that was one.
    Uri::from_parts(parts).unwrap_or_else(|_| target.clone())
}

/// Sends a body as fast as the peer takes it.
async fn upload(mut stream: SendStream<Bytes>, mut body: Bytes) -> Result<(), h2::Error> {
    while !body.is_empty() {
        stream.reserve_capacity(body.len().min(SEND_BUFFER));
        match poll_fn(|cx| stream.poll_capacity(cx)).await {
            Some(Ok(room)) => {
                let piece = body.split_to(room.min(body.len()));
                stream.send_data(piece, body.is_empty())?;
            }
            Some(Err(error)) => return Err(error),
            // The peer wants no more of it; what it says to it is in the answer.
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Waits for an answer while the body is sent, and counts the interim ones.
async fn answered(
    mut answer: ResponseFuture,
    upload: impl Future<Output = Result<(), h2::Error>>,
) -> Result<Response<RecvStream>, Broken> {
    let (mut upload, mut uploading, mut interim) = (pin!(upload), true, 0);
    poll_fn(|cx| {
        if uploading && upload.as_mut().poll(cx).is_ready() {
            // What broke it shows in the answer, which may be whole all the same.
            uploading = false;
        }
        while let Poll::Ready(Some(Ok(_))) = answer.poll_informational(cx) {
            interim += 1;
            if interim > INTERIM_MAX {
                let failure = Failure::new(FailureKind::Protocol, "more than 8 interim answers came before the answer");
                return Poll::Ready(Err(Broken::Failed(failure)));
            }
        }
        Pin::new(&mut answer).poll(cx).map_err(|error| broken(&error))
    })
    .await
}

/// Whether another connection may take the request, and if not, what happened.
fn broken(error: &h2::Error) -> Broken {
    let unread = error.reason() == Some(Reason::REFUSED_STREAM) || (error.is_go_away() && error.is_remote());
    let failure = failure(error);
    if unread || (error.is_io() && failure.kind == FailureKind::Reset) {
        Broken::Closed(failure)
    } else {
        Broken::Failed(failure)
    }
}

/// What an error of the protocol machine means.
fn failure(error: &h2::Error) -> Failure {
    use FailureKind::{Protocol, Reset};
    if let Some(io) = error.get_io() {
        return io_failure(io).unwrap_or(Failure::new(Protocol, "the answer is not HTTP/2"));
    }
    if error.is_remote() {
        let what = if error.is_go_away() { "the connection was closed" } else { "the request's stream was reset" };
        return Failure::new(Reset, what);
    }
    if error.is_library() {
        return Failure::new(Protocol, "the answer is not HTTP/2, or its head is longer than 16 KiB");
    }
    Failure::new(Reset, "the connection was closed")
}
