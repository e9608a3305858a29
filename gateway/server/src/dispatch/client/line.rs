//! What an exchange goes over: an HTTP/1.1 connection of its own, or a share of an HTTP/2 connection.

use super::link::{Broken, Link};
use super::peer::Peer;
use super::session::Lease;
use crate::dispatch::failure::Failure;
use bytes::Bytes;
use h2::RecvStream;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use std::time::Duration;

/// What an exchange goes over.
pub(super) enum Line {
    /// HTTP/1.1.
    Own(Link),
    /// HTTP/2.
    Shared(Lease),
}

/// An answer's body, not read yet.
pub(super) enum Unread {
    /// By HTTP/1.1.
    Own(Incoming),
    /// By HTTP/2.
    Shared(RecvStream),
}

/// How an exchange is to be made.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// How much of a body is kept, in bytes.
    pub(super) bytes_max: usize,
    /// How long the first byte of an answer is waited for, if not as long as the whole of it.
    pub(super) patience: Option<Duration>,
}

impl Unread {
    /// Whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Shared(body) => body.is_end_stream(),
        }
    }
}

impl Line {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        peer: &Peer,
        request: Request<Full<Bytes>>,
        terms: Terms,
    ) -> Result<Response<Unread>, Broken> {
        match self {
            Self::Own(link) => link.send(request, terms.patience).await.map(|answer| answer.map(Unread::Own)),
            // Large futures, and rarer than the others.
            Self::Shared(lease) => Box::pin(lease.send(request, peer.target(), terms.bytes_max, terms.patience))
                .await
                .map(|answer| answer.map(Unread::Shared)),
        }
    }

    /// Reads a body into `kept`, up to a length; true if there is more.
    pub(super) async fn read(&mut self, body: Unread, terms: Terms, kept: &mut Vec<u8>) -> Result<bool, Failure> {
        match (self, body) {
            (Self::Own(link), Unread::Own(body)) => link.read(body, terms.bytes_max, kept).await,
            (Self::Shared(lease), Unread::Shared(body)) => Box::pin(lease.read(body, terms.bytes_max, kept)).await,
            // A body is read over the line it came by.
            _ => Ok(false),
        }
    }

    /// Keeps what can be used again, after an answer that was read to its end or was `cut`.
    pub(super) async fn release(self, peer: &Peer, cut: bool) {
        // What is left of a longer body would be in the way of the next answer.
        if let Self::Own(mut link) = self
            && !cut
            && link.is_ready().await
        {
            peer.pool.put(link);
        }
    }
}
