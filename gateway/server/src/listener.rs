//! A listener: accepts connections, speaks TLS if it has a certificate, and serves HTTP/1.1 within bounds.
//!
//! Whoever connects can hold one connection and a bounded piece of memory, for a bounded time: connections are counted, the handshake, the headers and the body each have
//! a deadline, and heads are capped in bytes and number.

mod tls;

pub use tls::ListenerError;
use tls::Tls;

use crate::config::{ListenerConfig, TlsFiles};
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::{Service, ServiceExt};

/// From the first byte of a TLS connection to the end of its handshake.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// A request's head, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers that are read at all; one more, and the connection ends with a bare 431. The way in allows half as many, and says so in a problem.
const HEADERS_MAX: usize = 128;
/// When the system has no more file descriptors, accepting at once would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Whether certificate and key are there and fit together.
pub fn check_tls(files: &TlsFiles) -> Result<(), ListenerError> {
    Tls::load(files).map(drop)
}

/// A bound listener with all that it needs to serve.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    config: ListenerConfig,
    tls: Option<Arc<Tls>>,
}

impl Listener {
    /// Reads the certificate, if there is one; nothing is accepted yet.
    pub fn new(tcp: TcpListener, config: ListenerConfig) -> Result<Self, ListenerError> {
        let tls = config.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
        Ok(Self { tcp, config, tls })
    }

    /// Serves until `shutdown` turns true or its sender is gone; returns when every connection has ended. What is under way is finished first; whoever cannot wait drops
    /// the future, which closes what is left.
    pub async fn run<S: Serves>(self, service: S, mut shutdown: watch::Receiver<bool>) {
        let Self { tcp, config, tls } = self;
        let room = Arc::new(Semaphore::new(config.connections_max));
        let mut connections = JoinSet::new();
        if let Some(tls) = &tls {
            connections.spawn(Arc::clone(tls).reload(shutdown.clone()));
        }
        loop {
            let (stream, permit) = tokio::select! {
                accepted = accept(&tcp, &room) => accepted,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                () = stopped(&mut shutdown) => break,
            };
            let server = server(&config);
            connections.spawn(connection(stream, permit, tls.clone(), server, service.clone(), shutdown.clone()));
        }
        // From here on the system refuses connections, so that a balancer goes elsewhere.
        drop(tcp);
        while connections.join_next().await.is_some() {}
    }
}

fn server(config: &ListenerConfig) -> http1::Builder {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    server
}

/// The next connection, once there is room for it.
async fn accept(tcp: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else {
            // Nobody closes the semaphore.
            continue;
        };
        match tcp.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The peer gave up before it was accepted.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What a listener serves: a router, or something like it.
pub trait Serves:
    Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Serves for S where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

async fn connection<S: Serves>(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    tls: Option<Arc<Tls>>,
    server: http1::Builder,
    service: S,
    shutdown: watch::Receiver<bool>,
) {
    let _room = permit;
    // Answers are small and written whole: waiting for more to send would only add delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection cannot be set to send at once");
    }
    let Some(tls) = tls else {
        return serve(stream, server, service, None, shutdown).await;
    };
    match tokio::time::timeout(HANDSHAKE_DEADLINE, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let certificate = shown.map(|certificate| PeerCertificate(Arc::from(certificate.as_ref())));
            serve(stream, server, service, certificate, shutdown).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// The certificate that a client has shown and that was verified, in DER; among the extensions of its requests.
#[derive(Clone)]
pub(crate) struct PeerCertificate(pub(crate) Arc<[u8]>);

async fn serve<T, S>(
    stream: T,
    server: http1::Builder,
    service: S,
    certificate: Option<PeerCertificate>,
    mut shutdown: watch::Receiver<bool>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Serves,
{
    let service = service.map_request(move |mut request: Request<Incoming>| {
        if let Some(certificate) = &certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        request.map(Body::new)
    });
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut shutdown) => {
            // The request under way is answered, and no other is read.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended in an error");
    }
}

/// Waits until the listener is to stop, or nobody is left who could say so.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    drop(shutdown.wait_for(|stop| *stop).await);
}

#[cfg(test)]
mod tests;
