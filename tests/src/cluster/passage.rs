//! The way from one node to the database: a TCP proxy that can be cut.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It arrives.
    Open,
    /// Nothing arrives, either way, not even that a connection has ended; new connections are made and hear nothing. As where a cable is out.
    Silent,
    /// Connections end, and new ones end at once. As where a host is down.
    Severed,
}

/// A proxy; it ends when it is dropped.
pub(super) struct Passage {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Passage {
    /// One that leads to a port of this machine.
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, states) = watch::channel(State::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry_both(near, port, states.clone()));
            }
        });
        Self { address, state, accepting }
    }

    /// Where the node connects to.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on.
    pub(super) fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The first state that is not silence. The proxy's end severs.
async fn heard(states: &mut watch::Receiver<State>) -> State {
    states.wait_for(|state| *state != State::Silent).await.map_or(State::Severed, |state| *state)
}

async fn severed(mut states: watch::Receiver<State>) {
    // The error is the proxy's end.
    let _ = states.wait_for(|state| *state == State::Severed).await;
}

async fn carry_both(near: TcpStream, port: u16, mut states: watch::Receiver<State>) {
    if heard(&mut states).await == State::Severed {
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    if near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).is_err() {
        return;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    // The end of either direction ends both, as PostgreSQL and its clients have no use for one alone.
    tokio::select! {
        () = carry(near_in, far_out, states.clone()) => {}
        () = carry(far_in, near_out, states.clone()) => {}
        () = severed(states) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut states: watch::Receiver<State>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        if heard(&mut states).await == State::Severed || read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_silent_passage_keeps_what_is_sent_and_a_severed_one_ends() {
    use crate::harness::eventually;
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let passage = Passage::to(echo.local_addr().unwrap().port()).await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = echo.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let mut stream = TcpStream::connect(("127.0.0.1", passage.port())).await.unwrap();
    let mut answer = [0; 3];
    stream.write_all(b"one").await.unwrap();
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"one");
    passage.set(State::Silent);
    stream.write_all(b"two").await.unwrap();
    let mut other = TcpStream::connect(("127.0.0.1", passage.port())).await.unwrap();
    other.write_all(b"new").await.unwrap();
    let short = std::time::Duration::from_millis(100);
    assert!(tokio::time::timeout(short, stream.read_exact(&mut answer)).await.is_err(), "nothing arrives");
    passage.set(State::Open);
    for (stream, said) in [(&mut stream, b"two"), (&mut other, b"new")] {
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, said);
    }
    passage.set(State::Severed);
    assert_eq!(stream.read(&mut answer).await.unwrap_or(0), 0, "it ends");
    let ends = async || {
        let mut stream = TcpStream::connect(("127.0.0.1", passage.port())).await.ok()?;
        (stream.read(&mut [0; 1]).await.unwrap_or(0) == 0).then_some(())
    };
    eventually("new connections end, too", ends).await;
}
