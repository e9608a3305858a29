//! Requests written byte by byte, for what no client library would send.

use crate::harness::Gateway;
use crate::harness::patience::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A raw connection to the public listener.
pub(super) struct Wire(TcpStream);

impl Wire {
    pub(super) async fn open(gateway: &Gateway) -> Self {
        Self(TcpStream::connect(gateway.running.public).await.unwrap())
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        // A server that has refused already may have closed: what it said is read all the same.
        drop(self.0.write_all(bytes).await);
    }

    /// Everything until the server closes.
    pub(super) async fn read(mut self) -> String {
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut answer)).await;
        drop(read.expect("the server closes the connection"));
        String::from_utf8_lossy(&answer).into_owned()
    }
}
