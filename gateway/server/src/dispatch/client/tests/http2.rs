use super::*;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use tokio_rustls::server::TlsStream;

type Stream = TlsStream<TcpStream>;

/// A TLS receiver that agrees on HTTP/2 and does as told with each connection, and counts them.
async fn receiver<F>(behave: impl Fn(Stream, usize) -> F + Send + 'static) -> (Receiver, Client)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (acceptor, authority) = acceptor(&[b"h2"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/hooks?a=b", listener.local_addr().unwrap().port());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            tokio::spawn(behave(stream, number));
        }
    });
    let here = scripted(|_| vec!["127.0.0.1".parse().unwrap()]);
    let client = trusting(&authority, here);
    (Receiver { url, connections }, client)
}

type Asked = Request<RecvStream>;
type Reply = SendResponse<Bytes>;

/// One that serves every connection, each request as told.
async fn serving<F>(
    builder: server::Builder,
    answer: impl Fn(Asked, Reply) -> F + Clone + Send + Sync + 'static,
) -> (Receiver, Client)
where
    F: Future<Output = ()> + Send + 'static,
{
    receiver(move |stream, _| {
        let (builder, answer) = (builder.clone(), answer.clone());
        async move {
            let mut connection: server::Connection<_, Bytes> = builder.handshake(stream).await.unwrap();
            while let Some(Ok((request, reply))) = connection.accept().await {
                tokio::spawn(answer(request, reply));
            }
        }
    })
    .await
}

async fn body_of(request: &mut Asked) -> Vec<u8> {
    let mut read = Vec::new();
    while let Some(Ok(data)) = request.body_mut().data().await {
        let _ = request.body_mut().flow_control().release_capacity(data.len());
        read.extend_from_slice(&data);
    }
    read
}

fn status(status: u16) -> http::Response<()> {
    http::Response::builder().status(status).body(()).unwrap()
}

/// Reads the request and answers 200 with `ok`.
async fn ok(mut request: Asked, mut reply: Reply) {
    body_of(&mut request).await;
    if let Ok(mut stream) = reply.send_response(status(200), false) {
        let _ = stream.send_data(Bytes::from_static(b"ok"), true);
    }
}

fn whole(exchange: &Exchange) {
    assert_eq!((exchange.status, exchange.body.as_slice(), &exchange.failure), (Some(200), b"ok".as_slice(), &None));
}

#[tokio::test]
async fn exchanges_that_begin_together_share_one_connection() {
    let (receiver, client) = serving(server::Builder::new(), ok).await;
    let peer = client.peer(&receiver.url).unwrap();
    for _ in 0..3 {
        let exchanges = (0..50).map(|_| client.exchange(&peer, || post(&peer), LONG));
        futures_util::future::join_all(exchanges).await.iter().for_each(whole);
    }
    assert_eq!((receiver.connections.load(Ordering::SeqCst), client.allowance.taken()), (1, 1));
    drop(peer);
    assert_eq!(client.allowance.taken(), 0);
}

#[tokio::test]
async fn the_request_is_written_as_http2_has_it() {
    let (seen, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let (receiver, client) = serving(server::Builder::new(), move |mut request, reply| {
        let seen = seen.clone();
        async move {
            let body = body_of(&mut request).await;
            seen.send((request.uri().to_string(), request.headers().clone(), body)).unwrap();
            ok(request, reply).await;
        }
    })
    .await;
    whole(&send(&client, &receiver.url, LONG).await);
    let (uri, headers, body) = heard.recv().await.unwrap();
    assert_eq!((uri, body.as_slice()), (receiver.url.clone(), b"{}".as_slice()));
    assert_eq!(headers, HeaderMap::from_iter([(http::header::CONTENT_LENGTH, http::HeaderValue::from_static("2"))]));
}

#[tokio::test]
async fn a_long_request_goes_as_fast_as_it_is_read() {
    let (receiver, client) = serving(server::Builder::new(), |mut request, mut reply| async move {
        let length = body_of(&mut request).await.len();
        let mut stream = reply.send_response(status(200), false).unwrap();
        stream.send_data(Bytes::from(length.to_string()), true).unwrap();
    })
    .await;
    let peer = client.peer(&receiver.url).unwrap();
    let request = || {
        let mut request = post(&peer);
        *request.body_mut() = Full::new(Bytes::from(vec![b'x'; 1 << 20]));
        request
    };
    assert_eq!(client.exchange(&peer, request, LONG).await.body, b"1048576");
}

#[tokio::test]
async fn a_peer_s_limit_on_streams_is_kept() {
    let mut builder = server::Builder::new();
    builder.max_concurrent_streams(2);
    let (receiver, client) = serving(builder, ok).await;
    let peer = client.peer(&receiver.url).unwrap();
    for _ in 0..3 {
        let exchanges = (0..40).map(|_| client.exchange(&peer, || post(&peer), LONG));
        for exchange in futures_util::future::join_all(exchanges).await {
            // Before its settings are there, nobody knows of the limit; what it refuses then is tried once more.
            assert!(exchange.failure.is_none(), "{:?}", exchange.failure);
        }
    }
    let connections = receiver.connections.load(Ordering::SeqCst);
    assert!(connections <= 8 && peer.sessions.len() <= 4, "{connections}");
}

#[tokio::test]
async fn a_connection_that_says_goodbye_is_replaced() {
    let (receiver, client) = receiver(|stream, _| async move {
        let mut connection: server::Connection<_, Bytes> = server::handshake(stream).await.unwrap();
        let (request, reply) = connection.accept().await.unwrap().unwrap();
        tokio::spawn(ok(request, reply));
        connection.graceful_shutdown();
        while connection.accept().await.is_some() {}
    })
    .await;
    let peer = client.peer(&receiver.url).unwrap();
    for _ in 0..5 {
        whole(&client.exchange(&peer, || post(&peer), LONG).await);
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_request_that_was_refused_or_lost_is_sent_once_more_over_another_connection() {
    for lose in [false, true] {
        let (receiver, client) = receiver(move |stream, number| async move {
            let mut connection: server::Connection<_, Bytes> = server::handshake(stream).await.unwrap();
            let mut served = 0;
            while let Some(Ok((request, mut reply))) = connection.accept().await {
                served += 1;
                match (number, served, lose) {
                    (1, 2, false) => reply.send_reset(Reason::REFUSED_STREAM),
                    (1, 2, true) => return,
                    _ => drop(tokio::spawn(ok(request, reply))),
                }
            }
        })
        .await;
        let peer = client.peer(&receiver.url).unwrap();
        for _ in 0..3 {
            whole(&client.exchange(&peer, || post(&peer), LONG).await);
        }
        assert_eq!(receiver.connections.load(Ordering::SeqCst), 2, "{lose}");
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_is_a_reset_and_leaves_the_connection_be() {
    for after_head in [false, true] {
        let (receiver, client) = serving(server::Builder::new(), move |_, mut reply| async move {
            if after_head {
                let mut stream = reply.send_response(status(200), false).unwrap();
                stream.send_data(Bytes::from_static(b"some"), false).unwrap();
                // The data would be thrown away with the reset.
                tokio::time::sleep(SHORT).await;
                stream.send_reset(Reason::INTERNAL_ERROR);
            } else {
                reply.send_reset(Reason::INTERNAL_ERROR);
            }
        })
        .await;
        let peer = client.peer(&receiver.url).unwrap();
        for _ in 0..3 {
            let exchange = client.exchange(&peer, || post(&peer), LONG).await;
            assert_eq!(kind(&exchange), FailureKind::Reset, "{:?}", exchange.failure);
            assert_eq!(exchange.status, after_head.then_some(200));
        }
        assert_eq!(receiver.connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_cap_and_the_connection_serves_on() {
    let (receiver, client) = serving(server::Builder::new(), |_, mut reply| async move {
        let mut stream = reply.send_response(status(200), false).unwrap();
        loop {
            stream.reserve_capacity(10_000);
            match std::future::poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(Ok(room)) if stream.send_data(Bytes::from(vec![b'x'; room]), false).is_ok() => {}
                _ => return,
            }
        }
    })
    .await;
    let peer = client.peer(&receiver.url).unwrap();
    for _ in 0..20 {
        let exchange = client.exchange(&peer, || post(&peer), LONG).await;
        assert_eq!((exchange.body.len(), exchange.truncated, exchange.failure), (1_000, true, None));
    }
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_a_protocol_failure() {
    for (fields, length) in [(70, 10), (3, 9_000)] {
        let (receiver, client) = serving(server::Builder::new(), move |_, mut reply| async move {
            let mut answer = status(200);
            for field in 0..fields {
                let name = http::HeaderName::try_from(format!("x-{field}")).unwrap();
                answer.headers_mut().insert(name, "y".repeat(length).parse().unwrap());
            }
            let _ = reply.send_response(answer, true);
        })
        .await;
        let exchange = send(&client, &receiver.url, LONG).await;
        assert_eq!(kind(&exchange), FailureKind::Protocol, "{fields}: {:?}", exchange.failure);
    }
}

#[tokio::test]
async fn silence_ends_at_its_time_and_its_connection_is_not_trusted_again() {
    let (receiver, mut client) = serving(server::Builder::new(), |request, reply| async move {
        // Both are held, so that the stream stays open.
        std::future::pending::<()>().await;
        drop((request, reply));
    })
    .await;
    let peer = client.peer(&receiver.url).unwrap();
    let exchange = client.exchange(&peer, || post(&peer), SHORT).await;
    assert_eq!(exchange.failure.unwrap().detail, "no whole answer within 300 ms");
    client.timeouts.first_byte = Some(SHORT);
    let exchange = client.exchange(&peer, || post(&peer), LONG).await;
    assert_eq!(exchange.failure.unwrap().detail, "no first byte of an answer within 300 ms");
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_is_dialled_anew() {
    let (receiver, client) = receiver(|stream, number| async move {
        let mut connection: server::Connection<_, Bytes> = server::handshake(stream).await.unwrap();
        let mut served = 0;
        while let Some(Ok((request, reply))) = connection.accept().await {
            served += 1;
            tokio::spawn(ok(request, reply));
            if (number, served) == (1, 2) {
                // As if the machine had lost its power: what was read is not answered, and nothing is closed.
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    let peer = client.peer(&receiver.url).unwrap();
    whole(&client.exchange(&peer, || post(&peer), LONG).await);
    assert_eq!(kind(&client.exchange(&peer, || post(&peer), SHORT).await), FailureKind::Timeout);
    whole(&client.exchange(&peer, || post(&peer), LONG).await);
    assert_eq!(receiver.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_connection_nobody_needs_is_closed() {
    let (closed, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let (receiver, client) = receiver(move |stream, _| {
        let closed = closed.clone();
        async move {
            let mut connection: server::Connection<_, Bytes> = server::handshake(stream).await.unwrap();
            while let Some(Ok((request, reply))) = connection.accept().await {
                tokio::spawn(ok(request, reply));
            }
            closed.send(()).unwrap();
        }
    })
    .await;
    whole(&send(&client, &receiver.url, LONG).await);
    timeout(LONG, hears.recv()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_know_http2_is_spoken_to_as_it_can() {
    let (acceptor, authority) = acceptor(&[b"http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"{}") {
                    stream.read_buf(&mut request).await.unwrap();
                }
                stream.write_all(OK).await.unwrap();
            });
        }
    });
    let here = scripted(|_| vec!["127.0.0.1".parse().unwrap()]);
    let client = trusting(&authority, here);
    let peer = client.peer(&url).unwrap();
    let exchanges = (0..10).map(|_| client.exchange(&peer, || post(&peer), LONG));
    futures_util::future::join_all(exchanges).await.iter().for_each(whole);
}

/// A frame's bytes.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A peer that agrees on HTTP/2 and then says the same thing for ever.
async fn flooding(opening: Vec<u8>, flood: Vec<u8>) -> (Receiver, Client) {
    receiver(move |stream, _| {
        let (opening, flood) = (opening.clone(), flood.repeat(200));
        async move {
            let (mut reads, mut writes) = tokio::io::split(stream);
            let reading = async move {
                let mut read = [0; 4_096];
                while reads.read(&mut read).await.is_ok_and(|bytes| bytes > 0) {}
            };
            let writing = async move {
                let _ = writes.write_all(&opening).await;
                while writes.write_all(&flood).await.is_ok() {}
            };
            tokio::join!(reading, writing);
        }
    })
    .await
}

#[tokio::test]
async fn floods_end_the_exchange_long_before_its_time() {
    let settings = frame(4, 0, 0, &[]);
    // A literal field `:status` of three digits, by its index in the static table.
    let head = |digits: &[u8; 3]| [&[0x08, 0x03], digits.as_slice()].concat();
    let floods = [
        ("pings", frame(6, 0, 0, &[7; 8])),
        ("settings", frame(4, 0, 0, &[0, 4, 0, 1, 0, 0])),
        ("window updates", frame(8, 0, 0, &[0, 0, 0, 1])),
        ("unknown frames", frame(0xbb, 0, 0, &[0; 100])),
        ("priorities", frame(2, 0, 1, &[0, 0, 0, 3, 5])),
        ("interim answers", frame(1, 4, 1, &head(b"103"))),
        ("resets of streams there are not", frame(3, 0, 99, &[0; 4])),
        ("continuations", frame(9, 0, 1, &[0x00, 0x01, b'x', 0x01, b'y'])),
        ("empty data", frame(0, 0, 1, &[])),
        ("padding", frame(0, 8, 1, &[&[250], [0; 251].as_slice()].concat())),
        ("nonsense", b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        ("too large a frame", frame(0, 0, 1, &vec![0; 20_000])),
        ("data without a stream", frame(0, 0, 0, b"x")),
    ];
    for (name, flood) in floods {
        let opening = match name {
            "continuations" => [settings.clone(), frame(1, 0, 1, &head(b"200"))].concat(),
            "empty data" | "padding" => [settings.clone(), frame(1, 4, 1, &head(b"200"))].concat(),
            _ => settings.clone(),
        };
        let (receiver, client) = flooding(opening, flood).await;
        let began = tokio::time::Instant::now();
        let exchange = send(&client, &receiver.url, LONG).await;
        let took = began.elapsed();
        assert!(exchange.failure.is_some() && took < LONG / 4, "{name}: {:?} after {took:?}", exchange.failure);
        assert_ne!(kind(&exchange), FailureKind::Timeout, "{name}");
    }
}
