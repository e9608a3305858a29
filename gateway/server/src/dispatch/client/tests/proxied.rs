use super::*;
use crate::config::ProxyKind;
use std::net::SocketAddr;
use std::sync::Mutex;

/// A proxy that does as told with each connection.
async fn proxy<F>(kind: ProxyKind, behave: impl Fn(TcpStream) -> F + Send + 'static) -> Proxy
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let scheme = if kind == ProxyKind::Connect { "http" } else { "socks5" };
    let receiver = receiver(move |stream, _| behave(stream)).await;
    let address = receiver.url.split('/').nth(2).unwrap();
    named(&format!("{scheme}://ada:s3cret@{address}"))
}

fn named(text: &str) -> Proxy {
    let mut raw = crate::config::raw::Raw::default();
    raw.flag("test", "egress.proxy", text);
    crate::config::Loaded::check(raw).unwrap().config.delivery.proxy.unwrap()
}

type Asked = Arc<Mutex<Vec<String>>>;

async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut read).await? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&read).into_owned())
}

/// A proxy by CONNECT that does what it should, and notes what it was asked.
async fn http_proxy(asked: &Asked) -> Proxy {
    let asked = Arc::clone(asked);
    proxy(ProxyKind::Connect, move |mut stream| {
        let asked = Arc::clone(&asked);
        async move {
            let request = head(&mut stream).await?;
            let target = request.split(' ').nth(1).unwrap().to_owned();
            asked.lock().unwrap().push(request);
            let mut onward = TcpStream::connect(target).await?;
            stream.write_all(b"HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n").await?;
            tokio::io::copy_bidirectional(&mut stream, &mut onward).await.map(drop)
        }
    })
    .await
}

/// A proxy by SOCKS5 that does what it should, and notes what it was asked.
async fn socks_proxy(asked: &Asked) -> Proxy {
    let asked = Arc::clone(asked);
    proxy(ProxyKind::Socks5, move |mut stream| {
        let asked = Arc::clone(&asked);
        async move {
            let mut methods = [0; 4];
            stream.read_exact(&mut methods).await?;
            assert_eq!(methods, [5, 2, 0, 2]);
            stream.write_all(&[5, 2]).await?;
            let mut login = [0; 12];
            stream.read_exact(&mut login).await?;
            assert_eq!(&login, b"\x01\x03ada\x06s3cret");
            stream.write_all(&[1, 0]).await?;
            let mut request = [0; 10];
            stream.read_exact(&mut request).await?;
            let [5, 1, 0, 1, a, b, c, d, high, low] = request else { panic!("{request:?}") };
            let target = SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])));
            asked.lock().unwrap().push(target.to_string());
            let mut onward = TcpStream::connect(target).await?;
            // It may say by a name from where it connects.
            stream.write_all(&[5, 0, 0, 3, 4, b'h', b'e', b'r', b'e', 0, 1]).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut onward).await.map(drop)
        }
    })
    .await
}

fn through(proxy: Proxy, client: Client) -> Client {
    Client { proxy: Some(proxy), ..client }
}

#[tokio::test]
async fn a_proxy_is_told_the_address_that_was_judged_and_never_the_name() {
    for kind in [ProxyKind::Connect, ProxyKind::Socks5] {
        let (receiver, asked) = (answering(OK.to_vec()).await, Asked::default());
        let proxy = match kind {
            ProxyKind::Connect => http_proxy(&asked).await,
            ProxyKind::Socks5 => socks_proxy(&asked).await,
        };
        let here = scripted(|_| vec!["127.0.0.1".parse().unwrap()]);
        let client = through(proxy, client_with(here, &["127.0.0.1"]));
        let peer = client.peer(&receiver.url.replace("127.0.0.1", "hooks.example.com")).unwrap();
        for _ in 0..3 {
            assert_eq!(client.exchange(&peer, || post(&peer), LONG).await.status, Some(200));
        }
        let asked = asked.lock().unwrap();
        let address = receiver.url.split('/').nth(2).unwrap();
        let expected = match kind {
            ProxyKind::Connect => format!(
                "CONNECT {address} HTTP/1.1\r\nhost: {address}\r\nproxy-authorization: Basic YWRhOnMzY3JldA==\r\n\r\n"
            ),
            ProxyKind::Socks5 => address.to_owned(),
        };
        // Once: the connection is kept.
        assert_eq!(*asked, [expected]);
    }
}

#[tokio::test]
async fn tls_goes_through_to_the_name_of_the_url() {
    let (port, authority) = secure_receiver().await;
    let asked = Asked::default();
    let here = || scripted(|_| vec!["127.0.0.1".parse().unwrap()]);
    let client = through(http_proxy(&asked).await, trusting(&authority, here()));
    assert_eq!(send(&client, &format!("https://localhost:{port}/"), LONG).await.status, Some(200));
    let (port, _) = secure_receiver().await;
    let elsewhere = send(&client, &format!("https://example.com:{port}/"), LONG).await;
    assert_eq!(elsewhere.failure.unwrap(), Failure::new(FailureKind::Tls, "the certificate is for another name"));
}

#[tokio::test]
async fn an_address_that_is_refused_is_not_asked_of_the_proxy() {
    let asked = Asked::default();
    for proxy in [http_proxy(&asked).await, socks_proxy(&asked).await] {
        for address in ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let client = through(proxy.clone(), client_with(scripted(|_| vec![address.parse().unwrap()]), &[]));
            let exchange = send(&client, "https://hooks.example.com/", LONG).await;
            assert_eq!(kind(&exchange), FailureKind::EgressRefused);
        }
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_proxy_does_wrong_is_said_to_be_its_fault() {
    use ProxyKind::{Connect, Socks5};
    let long = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &vec![b'y'; 20_000]].concat();
    for (kind, says, detail) in [
        (Connect, b"HTTP/1.1 407 Who\r\n\r\n".to_vec(), "the proxy did not accept the user name and password"),
        (Connect, b"HTTP/1.1 502 Bad\r\n\r\n".to_vec(), "the proxy answered 502"),
        (Connect, b"HTTP/1.1 302 F\r\nlocation: http://x/\r\n\r\n".to_vec(), "the proxy answered 302"),
        (Connect, b"SSH-2.0\r\n\r\n".to_vec(), "the proxy's answer is not HTTP"),
        (Connect, b"HTTP/1.1 200 OK\r\n".to_vec(), "the connection to the proxy broke"),
        (Connect, long, "the proxy's answer is longer than 8 KiB"),
        (Connect, [b"HTTP/1.1 200 OK\r\n\r\n", OK].concat(), "the proxy spoke before the receiver was asked anything"),
        (Socks5, vec![5, 255], "the proxy asks for another way to log in"),
        (Socks5, vec![4, 90], "the proxy's answer is not SOCKS5"),
        (Socks5, vec![5, 2, 1, 1], "the proxy did not accept the user name and password"),
        (Socks5, vec![5, 0, 5, 2, 0, 1], "the proxy's rules do not allow the connection"),
        (Socks5, vec![5, 0, 5, 5, 0, 1], "the proxy's connection was refused"),
        (Socks5, vec![5, 0, 5, 0, 0, 9], "the proxy's answer is not SOCKS5"),
        (Socks5, vec![5, 0, 5, 0, 0, 1, 0], "the connection to the proxy broke"),
    ] {
        let proxy = proxy(kind, move |mut stream| {
            let says = says.clone();
            async move {
                stream.write_all(&says).await?;
                // What was not read would turn the end into a reset, and what was said might be lost.
                stream.shutdown().await?;
                let mut rest = [0; 1_024];
                while stream.read(&mut rest).await? > 0 {}
                Ok(())
            }
        })
        .await;
        let exchange = send(&through(proxy, client()), "http://127.0.0.1:9/", LONG).await;
        assert_eq!(exchange.failure.unwrap(), Failure::new(FailureKind::Proxy, detail));
    }
}

async fn hanging(stream: TcpStream) -> std::io::Result<()> {
    std::future::pending::<()>().await;
    drop(stream);
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_hangs_or_is_not_there_ends_in_its_time() {
    let mut client = through(proxy(ProxyKind::Connect, hanging).await, client());
    client.timeouts.connect = SHORT;
    let exchange = send(&client, "http://127.0.0.1:9/", LONG).await;
    assert_eq!(exchange.failure.unwrap(), Failure::new(FailureKind::Proxy, "the proxy made no connection in time"));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = through(named(&format!("socks5://{nobody}")), client);
    let exchange = send(&client, "http://127.0.0.1:9/", LONG).await;
    assert_eq!(exchange.failure.unwrap(), Failure::new(FailureKind::Proxy, "no connection to the proxy"));
}
