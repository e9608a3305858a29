//! A TCP connection; in a test, possibly one of a simulated network.

use std::io::{IoSlice, Result};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The network that connections are made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// The machine's own.
    Real,
    /// That of the simulation the caller runs in.
    #[cfg(test)]
    Simulated,
}

/// A TCP connection.
pub(super) enum Socket {
    /// Through the kernel.
    Real(TcpStream),
    /// Through a simulation.
    #[cfg(test)]
    Simulated(turmoil::net::TcpStream),
}

impl Network {
    /// Connects to an address.
    pub(super) async fn connect(self, address: SocketAddr) -> Result<Socket> {
        match self {
            Self::Real => TcpStream::connect(address).await.map(Socket::Real),
            #[cfg(test)]
            Self::Simulated => turmoil::net::TcpStream::connect(address).await.map(Socket::Simulated),
        }
    }
}

/// Does the same with either kind of connection.
macro_rules! either {
    ($socket:expr, $tcp:ident => $done:expr) => {
        match $socket {
            Socket::Real($tcp) => $done,
            #[cfg(test)]
            Socket::Simulated($tcp) => $done,
        }
    };
}

impl Socket {
    /// The address at the other end.
    pub(super) fn peer_addr(&self) -> Result<SocketAddr> {
        either!(self, tcp => tcp.peer_addr())
    }

    /// Sends what is written at once.
    pub(super) fn set_nodelay(&self) -> Result<()> {
        either!(self, tcp => tcp.set_nodelay(true))
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        either!(self.get_mut(), tcp => Pin::new(tcp).poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        either!(self.get_mut(), tcp => Pin::new(tcp).poll_write(cx, buf))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        either!(self.get_mut(), tcp => Pin::new(tcp).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        either!(self, tcp => tcp.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(self.get_mut(), tcp => Pin::new(tcp).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        either!(self.get_mut(), tcp => Pin::new(tcp).poll_shutdown(cx))
    }
}
