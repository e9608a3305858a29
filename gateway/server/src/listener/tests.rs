//! Tests of the listener, over real sockets.

mod certificate;

use super::*;
use axum::Router;
use axum::routing::get;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Served {
    address: SocketAddr,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn config() -> ListenerConfig {
    ListenerConfig {
        address: ([127, 0, 0, 1], 0).into(),
        tls: None,
        connections_max: 16,
        header_timeout: Duration::from_secs(5),
        body_timeout: Duration::from_secs(5),
        body_bytes_max: 1024,
    }
}

async fn serve_with(config: ListenerConfig, router: Router) -> Served {
    let tcp = TcpListener::bind(config.address).await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (shutdown, told) = watch::channel(false);
    let task = tokio::spawn(Listener::new(tcp, config).unwrap().run(router, told));
    Served { address, shutdown, task }
}

async fn serve_hello(config: ListenerConfig) -> Served {
    serve_with(config, Router::new().route("/", get(async || "hello"))).await
}

/// Sends `request` and reads until the server closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read_all(&mut stream).await
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
    // A reset is a way of closing, too; what was read before it is kept.
    drop(read);
    String::from_utf8_lossy(&answer).into_owned()
}

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn serves_http() {
    let served = serve_hello(config()).await;
    let answer = exchange(served.address, REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn heads_are_capped_in_number_and_bytes() {
    let served = serve_hello(config()).await;
    let many = "x: 1\r\n".repeat(200);
    let long = format!("x: {}\r\n", "a".repeat(20 * 1024));
    for headers in [many, long] {
        let answer = exchange(served.address, &format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let served = serve_hello(config()).await;
    let answer = exchange(served.address, "\u{16}\u{3}\u{1} hello\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{answer}");
    let smuggled = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd";
    let answer = exchange(served.address, smuggled).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_sends_no_head_is_closed() {
    let served = serve_hello(config()).await;
    for beginning in ["", "GET / HTTP/1.1\r\nhost:"] {
        let answer = exchange(served.address, beginning).await;
        assert!(!answer.contains("200"), "{answer}");
    }
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_their_turn() {
    let served = serve_hello(ListenerConfig { connections_max: 1, ..config() }).await;
    let mut first = TcpStream::connect(served.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    // The system accepts for the listener; the request is read when the first connection has ended.
    let address = served.address;
    let mut second = tokio::spawn(async move { exchange(address, REQUEST).await });
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut second).await.is_err());
    drop(first);
    assert!(second.await.unwrap().contains("hello"));
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tells, waits) = (Arc::clone(&begun), Arc::clone(&go));
    let slow = Router::new().route(
        "/",
        get(async move || {
            tells.notify_one();
            waits.notified().await;
            "done"
        }),
    );
    let served = serve_with(config(), slow).await;
    let idle = TcpStream::connect(served.address).await.unwrap();
    let (answered, answer) = oneshot::channel();
    let address = served.address;
    tokio::spawn(async move { answered.send(exchange(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await) });
    begun.notified().await;
    served.shutdown.send_replace(true);
    go.notify_one();
    assert!(answer.await.unwrap().contains("done"));
    tokio::time::timeout(PATIENCE, served.task).await.expect("the listener ends").unwrap();
    drop(idle);
    assert!(TcpStream::connect(served.address).await.is_err());
}
