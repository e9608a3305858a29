mod addresses;
mod authority;
mod behaviour;
mod credentials;
mod hostile;
mod http2;
mod proxied;

use super::*;
use crate::dispatch::failure::FailureKind;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn client_with(resolver: Resolver, allow: &[&str]) -> Client {
    let policy = AddressPolicy { allow: allow.iter().map(|range| range.parse().unwrap()).collect() };
    let config =
        ClientConfig { policy, proxy: None, timeouts: Timeouts::default(), response_bytes_max: 1_000, idle_max: 4 };
    Client { resolver, ..Client::new(config) }
}

fn client() -> Client {
    client_with(Resolver::system(), &["127.0.0.0/8"])
}

fn post(peer: &Peer) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from_static(b"{}")));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = peer.path().clone();
    request.headers_mut().insert(http::header::HOST, peer.authority().clone());
    request
}

/// A receiver that does as told with each connection, and counts them.
struct Receiver {
    url: String,
    connections: Arc<AtomicUsize>,
}

async fn receiver<F>(behave: impl Fn(TcpStream, usize) -> F + Send + 'static) -> Receiver
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks?a=b", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            // A sender that hangs up is what some of these tests are about.
            tokio::spawn(behave(stream, number));
        }
    });
    Receiver { url, connections }
}

/// Reads one request; its head, or nothing at the end of the connection.
async fn request_of(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut read = Vec::new();
    while !read.ends_with(b"{}") {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&read).into_owned()))
}

/// A receiver that answers every request on a connection with these bytes.
async fn answering(answer: Vec<u8>) -> Receiver {
    receiver(move |mut stream, _| {
        let answer = answer.clone();
        async move {
            while request_of(&mut stream).await?.is_some() {
                stream.write_all(&answer).await?;
            }
            Ok(())
        }
    })
    .await
}

async fn send(client: &Client, url: &str, deadline: Duration) -> Exchange {
    let peer = client.peer(url).unwrap();
    client.exchange(&peer, || post(&peer), deadline).await
}

fn kind(exchange: &Exchange) -> FailureKind {
    exchange.failure.as_ref().expect("a failure").kind
}

#[tokio::test]
async fn exchanges_share_a_connection() {
    let (receiver, client) = (answering(OK.to_vec()).await, client());
    let peer = client.peer(&receiver.url).unwrap();
    for _ in 0..10 {
        let exchange = client.exchange(&peer, || post(&peer), LONG).await;
        assert_eq!((exchange.status, exchange.body.as_slice(), exchange.failure), (Some(200), b"ok".as_slice(), None));
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_request_is_written_as_asked() {
    let (seen, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let receiver = receiver(move |mut stream, _| {
        let seen = seen.clone();
        async move {
            seen.send(request_of(&mut stream).await?.unwrap()).unwrap();
            stream.write_all(OK).await
        }
    })
    .await;
    assert_eq!(send(&client(), &receiver.url, LONG).await.status, Some(200));
    let host = receiver.url.split('/').nth(2).unwrap();
    let expected = format!("POST /hooks?a=b HTTP/1.1\r\nhost: {host}\r\ncontent-length: 2\r\n\r\n{{}}");
    assert_eq!(heard.recv().await.unwrap(), expected);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    for reads_first in [false, true] {
        let receiver = receiver(move |mut stream, number| async move {
            request_of(&mut stream).await?;
            stream.write_all(OK).await?;
            // The first connection ends after its first answer, at once or when the next request is there.
            if number == 1 && !reads_first {
                return Ok(());
            }
            request_of(&mut stream).await?;
            if number > 1 {
                stream.write_all(OK).await?;
            }
            Ok(())
        })
        .await;
        let client = client();
        let peer = client.peer(&receiver.url).unwrap();
        for _ in 0..3 {
            let exchange = client.exchange(&peer, || post(&peer), LONG).await;
            assert_eq!((exchange.status, exchange.failure), (Some(200), None));
        }
        assert_eq!(receiver.connections.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_more() {
    let target = answering(OK.to_vec()).await;
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url);
    let receiver = answering(answer.into_bytes()).await;
    assert_eq!(send(&client(), &receiver.url, LONG).await.status, Some(302));
    assert_eq!(target.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let receiver = receiver(|mut stream, _| async move {
        while request_of(&mut stream).await?.is_some() {}
        Ok(())
    })
    .await;
    let exchange = send(&client(), &receiver.url, SHORT).await;
    assert_eq!((kind(&exchange), exchange.status), (FailureKind::Timeout, None));
}

#[tokio::test]
async fn dripping_ends_at_the_deadline() {
    let receiver = receiver(|mut stream, _| async move {
        request_of(&mut stream).await?;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n").await?;
        loop {
            stream.write_all(b".").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let exchange = send(&client(), &receiver.url, SHORT).await;
    assert_eq!((kind(&exchange), exchange.status), (FailureKind::Timeout, Some(200)));
    assert!(!exchange.body.is_empty() && exchange.body.len() < 900);
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap_and_its_connection_closed() {
    for framing in ["transfer-encoding: chunked", "content-length: 99999999999", "x: y"] {
        let (closed, mut hears) = tokio::sync::mpsc::unbounded_channel();
        let receiver = receiver(move |mut stream, _| {
            let closed = closed.clone();
            async move {
                request_of(&mut stream).await?;
                stream.write_all(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes()).await?;
                let piece = if framing.starts_with('t') { "4\r\nabcd\r\n" } else { "abcd" };
                while stream.write_all(piece.repeat(100).as_bytes()).await.is_ok() {}
                closed.send(()).unwrap();
                Ok(())
            }
        })
        .await;
        let exchange = send(&client(), &receiver.url, LONG).await;
        assert_eq!((exchange.status, exchange.truncated, &exchange.failure), (Some(200), true, &None), "{framing}");
        assert_eq!(exchange.body.len(), 1_000);
        hears.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_body_of_the_cap_exactly_is_whole() {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}", "x".repeat(1_000));
    let receiver = answering(answer.into_bytes()).await;
    let exchange = send(&client(), &receiver.url, LONG).await;
    assert_eq!((exchange.body.len(), exchange.truncated, exchange.failure), (1_000, false, None));
}

#[tokio::test]
async fn a_compressed_body_is_kept_readable_within_the_cap() {
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, text).unwrap();
        encoder.finish().unwrap()
    };
    let client = client();
    for (body, kept, truncated) in [
        (gzip(b"no such order"), b"no such order".to_vec(), false),
        (gzip(&vec![b'0'; 100_000]), vec![b'0'; 1_000], true),
        // What is longer than the cap before it is read is cut before it is read.
        (gzip(&vec![b'0'; 10_000_000]), vec![b'0'; 1_000], true),
        (b"not compressed".to_vec(), b"not compressed".to_vec(), false),
    ] {
        let head = format!("HTTP/1.1 500 Oh\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
        let receiver = answering([head.into_bytes(), body].concat()).await;
        let exchange = send(&client, &receiver.url, LONG).await;
        assert_eq!((exchange.status, exchange.truncated, exchange.failure), (Some(500), truncated, None));
        assert!(exchange.body == kept, "{} bytes for {}", exchange.body.len(), kept.len());
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    let many = "x: y\r\n".repeat(70);
    for answer in [
        "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
        "HTTP/1.1 two hundred\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx".to_owned(),
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(17 * 1_024)),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
    ] {
        let receiver = answering(answer.clone().into_bytes()).await;
        let exchange = send(&client(), &receiver.url, LONG).await;
        assert_eq!((kind(&exchange), exchange.status), (FailureKind::Protocol, None), "{answer:.60}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_early_is_a_reset() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"] {
        let receiver = receiver(move |mut stream, _| async move {
            request_of(&mut stream).await?;
            stream.write_all(answer.as_bytes()).await
        })
        .await;
        let exchange = send(&client(), &receiver.url, LONG).await;
        assert_eq!(kind(&exchange), FailureKind::Reset, "{answer:?}: {:?}", exchange.failure);
        assert_eq!(receiver.connections.load(Ordering::SeqCst), 1, "a fresh connection is not tried again");
    }
}

#[tokio::test]
async fn a_reset_by_the_peers_kernel_is_a_reset() {
    let receiver = receiver(|mut stream, _| async move {
        request_of(&mut stream).await?;
        stream.set_zero_linger()
    })
    .await;
    assert_eq!(kind(&send(&client(), &receiver.url, LONG).await), FailureKind::Reset);
}

#[tokio::test]
async fn interim_answers_are_passed_over_and_a_flood_of_them_is_a_protocol_failure() {
    let one = [b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".as_slice(), OK].concat();
    let receiver = answering(one).await;
    assert_eq!(send(&client(), &receiver.url, LONG).await.status, Some(200));
    let flood = self::receiver(|mut stream, _| async move {
        request_of(&mut stream).await?;
        loop {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            tokio::task::yield_now().await;
        }
    })
    .await;
    let exchange = send(&client(), &flood.url, LONG).await;
    assert_eq!(kind(&exchange), FailureKind::Protocol);
    assert!(exchange.failure.unwrap().detail.ends_with("are too long"));
}

#[tokio::test]
async fn a_long_body_in_one_read_with_its_head_is_not_taken_for_a_long_head() {
    // Each answer is longer than the head may be with all that comes before it, and comes as fast as the kernel takes it.
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n{}", "x".repeat(200_000));
    let receiver = answering(answer.into_bytes()).await;
    let client = Client { response_bytes_max: 1 << 20, ..client() };
    let peer = client.peer(&receiver.url).unwrap();
    for _ in 0..50 {
        let exchange = client.exchange(&peer, || post(&peer), LONG).await;
        assert_eq!((exchange.body.len(), exchange.truncated, exchange.failure), (200_000, false, None));
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 1);
}

/// A client that gives up on a part of an exchange long before the whole.
fn impatient(part: impl Fn(&mut Timeouts)) -> Client {
    let mut client = client();
    part(&mut client.timeouts);
    client
}

/// A receiver that reads whatever comes and says nothing.
async fn silent() -> Receiver {
    receiver(|mut stream, _| async move {
        let mut read = [0; 4_096];
        while stream.read(&mut read).await? > 0 {}
        Ok(())
    })
    .await
}

#[tokio::test]
async fn each_part_has_its_own_time_and_says_which_it_was() {
    let silent = silent().await;
    let exchange = send(&impatient(|timeouts| timeouts.first_byte = Some(SHORT)), &silent.url, LONG).await;
    assert_eq!(
        exchange.failure.unwrap(),
        Failure::new(FailureKind::Timeout, "no first byte of an answer within 300 ms")
    );
    let secure = silent.url.replace("http:", "https:");
    let exchange = send(&impatient(|timeouts| timeouts.tls = SHORT), &secure, LONG).await;
    assert_eq!(exchange.failure.unwrap(), Failure::new(FailureKind::Tls, "the TLS handshake took too long"));
    // The whole exchange has the last word, and says on what it was spent.
    for (url, detail) in [
        (&secure, "no whole answer within 300 ms: there was no TLS session yet"),
        (&silent.url, "no whole answer within 300 ms"),
    ] {
        let exchange = send(&client(), url, SHORT).await;
        assert_eq!(exchange.failure.unwrap(), Failure::new(FailureKind::Timeout, detail));
    }
}

#[tokio::test]
async fn an_answer_that_has_begun_is_no_longer_waited_for_by_its_first_byte() {
    let receiver = receiver(|mut stream, _| async move {
        while request_of(&mut stream).await?.is_some() {
            stream.write_all(&OK[..10]).await?;
            tokio::time::sleep(2 * SHORT).await;
            stream.write_all(&OK[10..]).await?;
        }
        Ok(())
    })
    .await;
    let client = impatient(|timeouts| timeouts.first_byte = Some(SHORT));
    let peer = client.peer(&receiver.url).unwrap();
    for _ in 0..2 {
        assert_eq!(client.exchange(&peer, || post(&peer), LONG).await.status, Some(200));
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_request_that_is_read_slowly_is_not_waited_for_until_it_is_sent() {
    let receiver = receiver(|mut stream, _| async move {
        // Far more than the kernel's buffers take at once.
        let (mut read, mut all) = (vec![0; 1 << 20], 0);
        while all < 30 << 20 {
            all += stream.read(&mut read).await?;
            tokio::time::sleep(SHORT / 60).await;
        }
        stream.write_all(OK).await
    })
    .await;
    let client = impatient(|timeouts| timeouts.first_byte = Some(SHORT));
    let peer = client.peer(&receiver.url).unwrap();
    let long = Bytes::from(vec![b'x'; 30 << 20]);
    let request = || {
        let mut request = post(&peer);
        *request.body_mut() = Full::new(long.clone());
        request
    };
    let exchange = client.exchange(&peer, request, LONG).await;
    assert_eq!((exchange.status, exchange.failure), (Some(200), None));
}

#[tokio::test]
async fn nothing_listens_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let exchange = send(&client(), &url, LONG).await;
    assert_eq!(kind(&exchange), FailureKind::Connect);
    assert_eq!(exchange.failure.unwrap().detail, "the connection was refused");
}

#[tokio::test]
async fn plain_text_is_no_tls() {
    let receiver = receiver(|mut stream, _| async move { stream.write_all(OK).await }).await;
    let exchange = send(&client(), &receiver.url.replace("http:", "https:"), LONG).await;
    assert_eq!(kind(&exchange), FailureKind::Tls);
}

#[test]
fn addresses_in_a_url_are_judged_at_once() {
    let client = client_with(Resolver::system(), &[]);
    for url in
        ["https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "https://0x7f.1/", "http://8.8.8.8/"]
    {
        let refused = client.peer(url).err().map(|failure| failure.kind);
        assert_eq!(refused, Some(FailureKind::EgressRefused), "{url}");
    }
}

/// A client that trusts one authority, and finds every name where a test says.
fn trusting(authority: &CertificateDer<'static>, resolver: Resolver) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let platform = tls::only(roots);
    Client { tls: tls::connector(&platform, None), platform, ..client_with(resolver, &["127.0.0.1"]) }
}

fn scripted(answers: impl Fn(usize) -> Vec<IpAddr> + Send + Sync + 'static) -> Resolver {
    let asked = AtomicUsize::new(0);
    Resolver::Scripted(Arc::new(move |_| answers(asked.fetch_add(1, Ordering::SeqCst))))
}

#[tokio::test]
async fn one_bad_address_among_good_ones_refuses_the_name() {
    let canary = answering(OK.to_vec()).await;
    let port = canary.url.split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let public: IpAddr = "192.0.2.1".parse().unwrap();
    for answers in [vec![loopback], vec![public, loopback], vec!["::ffff:127.0.0.1".parse().unwrap()]] {
        let client = client_with(scripted(move |_| answers.clone()), &["192.0.2.1"]);
        let exchange = send(&client, &format!("https://example.com:{port}/"), LONG).await;
        assert_eq!(kind(&exchange), FailureKind::EgressRefused);
    }
    assert_eq!(canary.connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn plaintext_by_name_reaches_only_what_is_on_the_allow_list() {
    let (listed, canary) = (answering(OK.to_vec()).await, answering(OK.to_vec()).await);
    let client = client_with(scripted(|_| vec!["127.0.0.1".parse().unwrap()]), &["127.0.0.1"]);
    let by_name = |url: &str| url.replace("127.0.0.1", "hooks.example.com");
    assert_eq!(send(&client, &by_name(&listed.url), LONG).await.status, Some(200));
    let elsewhere = client_with(scripted(|_| vec!["8.8.8.8".parse().unwrap()]), &["127.0.0.1"]);
    assert_eq!(kind(&send(&elsewhere, &by_name(&canary.url), LONG).await), FailureKind::EgressRefused);
}

#[tokio::test]
async fn a_name_that_moves_inside_is_not_followed() {
    // The connection is closed after each answer, so that each exchange dials.
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec();
    let receiver = answering(answer).await;
    let rebinding = scripted(|asked| {
        let address = if asked == 0 { "127.0.0.1" } else { "127.0.0.2" };
        vec![address.parse().unwrap()]
    });
    let client = client_with(rebinding, &["127.0.0.1"]);
    let peer = client.peer(&receiver.url.replace("127.0.0.1", "rebind.example.com")).unwrap();
    for _ in 0..3 {
        // Within a moment the addresses that were judged are used again.
        assert_eq!(client.exchange(&peer, || post(&peer), LONG).await.status, Some(200));
    }
    peer.addresses.lock().await.take();
    assert_eq!(kind(&client.exchange(&peer, || post(&peer), LONG).await), FailureKind::EgressRefused);
}

#[tokio::test]
async fn a_name_without_an_address_is_said_so() {
    let exchange = send(&client_with(Resolver::system(), &[]), "https://no-such-host.invalid/", LONG).await;
    assert_eq!(kind(&exchange), FailureKind::Dns);
}

#[tokio::test]
async fn idle_connections_are_bounded() {
    let (receiver, client) = (answering(OK.to_vec()).await, client());
    let peer = client.peer(&receiver.url).unwrap();
    let exchanges = (0..10).map(|_| client.exchange(&peer, || post(&peer), LONG));
    for exchange in futures_util::future::join_all(exchanges).await {
        assert_eq!(exchange.status, Some(200));
    }
    assert!(peer.pool.len() <= 4, "{}", peer.pool.len());
    drop(peer);
    assert_eq!(client.allowance.taken(), 0);
}

/// What accepts TLS as `localhost`, and the certificate of nobody's it does so by.
fn acceptor(protocols: &[&[u8]]) -> (tokio_rustls::TlsAcceptor, CertificateDer<'static>) {
    let pem = include_str!("../../listener/tests/first.certificate.pem");
    let key = include_str!("../../listener/tests/first.key.pem");
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    (tokio_rustls::TlsAcceptor::from(Arc::new(config)), certificate)
}

/// A TLS receiver that speaks HTTP/1.1.
async fn secure_receiver() -> (u16, CertificateDer<'static>) {
    let (acceptor, certificate) = acceptor(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A handshake that fails is what some of these tests are about.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                stream.read_buf(&mut request).await.unwrap();
            }
            stream.write_all(OK).await.unwrap();
        }
    });
    (port, certificate)
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_this_name() {
    let (port, authority) = secure_receiver().await;
    let here = || scripted(|_| vec!["127.0.0.1".parse().unwrap()]);
    let trusting = trusting(&authority, here());
    assert_eq!(send(&trusting, &format!("https://localhost:{port}/"), LONG).await.status, Some(200));
    let exchange = send(&trusting, &format!("https://example.com:{port}/"), LONG).await;
    assert_eq!(exchange.failure.unwrap(), Failure::new(FailureKind::Tls, "the certificate is for another name"));
    let usual = client_with(here(), &["127.0.0.1"]);
    let exchange = send(&usual, &format!("https://localhost:{port}/"), LONG).await;
    assert_eq!(kind(&exchange), FailureKind::Tls, "{:?}", exchange.failure);
}
