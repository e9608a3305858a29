//! A connection's bytes, in the clear or through TLS, and metered.

use super::meter::Meter;
use super::socket::Socket;
use super::tls;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

/// A connection's bytes.
pub(super) struct Stream {
    carrier: Carrier,
    meter: Arc<Meter>,
}

/// What carries them.
pub(super) enum Carrier {
    /// A socket, in the clear.
    Plain(Socket),
    /// TLS.
    Secure(Box<TlsStream<Socket>>),
}

/// Does the same with either carrier.
macro_rules! either {
    ($carrier:expr, $io:ident => $done:expr) => {
        match $carrier {
            Carrier::Plain($io) => $done,
            Carrier::Secure($io) => $done,
        }
    };
}

impl Carrier {
    /// Whether HTTP/2 was agreed on.
    pub(super) fn is_http2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Secure(tls) => tls.get_ref().1.alpn_protocol() == Some(tls::HTTP_2),
        }
    }
}

impl Stream {
    /// The bytes of a carrier, metered.
    pub(super) fn new(carrier: Carrier, meter: Arc<Meter>) -> Self {
        Self { carrier, meter }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        this.meter.check()?;
        let before = buf.filled().len();
        ready!(either!(&mut this.carrier, io => Pin::new(io).poll_read(cx, buf)))?;
        this.meter.note_read(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = ready!(either!(&mut this.carrier, io => Pin::new(io).poll_write(cx, buf)));
        this.meter.note_written();
        Poll::Ready(written)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = ready!(either!(&mut this.carrier, io => Pin::new(io).poll_write_vectored(cx, bufs)));
        this.meter.note_written();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        either!(&self.carrier, io => io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(&mut self.get_mut().carrier, io => Pin::new(io).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(&mut self.get_mut().carrier, io => Pin::new(io).poll_shutdown(cx))
    }
}
