//! A way out through a proxy: it is told an address that was judged, never a name, so that it has nothing to decide. TLS goes through it to the receiver.

use super::resolver::Resolver;
use super::socket::{Network, Socket};
use crate::config::{Proxy, ProxyKind};
use crate::dispatch::failure::{Failure, FailureKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

/// The longest head of a proxy's answer, in bytes.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// The most addresses of a proxy that are tried.
const TRIES_MAX: usize = 4;

/// A connection to an address by way of a proxy.
pub(super) async fn connect(
    proxy: &Proxy,
    network: Network,
    resolver: &Resolver,
    address: SocketAddr,
    deadline: Instant,
) -> Result<Socket, Failure> {
    let mut socket = reach(proxy, network, resolver, deadline).await?;
    match proxy.kind {
        ProxyKind::Connect => by_http(&mut socket, proxy, address).await?,
        ProxyKind::Socks5 => by_socks(&mut socket, proxy, address).await?,
    }
    Ok(socket)
}

/// A connection to the proxy itself.
async fn reach(proxy: &Proxy, network: Network, resolver: &Resolver, deadline: Instant) -> Result<Socket, Failure> {
    let addresses = match proxy.host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, proxy.port)],
        Err(_) => resolver
            .look_up(&proxy.host, proxy.port, deadline)
            .await
            .map_err(|_| failed("the proxy's name has no address"))?,
    };
    for address in addresses.into_iter().take(TRIES_MAX) {
        if let Ok(socket) = network.connect(address).await
            && socket.set_nodelay().is_ok()
        {
            return Ok(socket);
        }
    }
    Err(failed("no connection to the proxy"))
}

async fn by_http(socket: &mut Socket, proxy: &Proxy, address: SocketAddr) -> Result<(), Failure> {
    let authorization = proxy.credentials.as_ref().map_or_else(String::new, |(user, password)| {
        format!("proxy-authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{password}")))
    });
    let request = format!("CONNECT {address} HTTP/1.1\r\nhost: {address}\r\n{authorization}\r\n");
    socket.write_all(request.as_bytes()).await.map_err(|_| broke())?;
    let mut head = Vec::new();
    let end = loop {
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if head.len() >= HEAD_BYTES_MAX {
            return Err(failed("the proxy's answer is longer than 8 KiB"));
        }
        let mut piece = [0; 1_024];
        match socket.read(&mut piece).await {
            Ok(0) | Err(_) => return Err(broke()),
            Ok(length) => head.extend_from_slice(&piece[..length]),
        }
    };
    match status(&head) {
        Some(200..=299) if head.len() > end => Err(failed("the proxy spoke before the receiver was asked anything")),
        Some(200..=299) => Ok(()),
        // tinyproxy says 401 where 407 is meant.
        Some(401 | 407) => Err(failed("the proxy did not accept the user name and password")),
        Some(status) => Err(failed(format!("the proxy answered {status}"))),
        None => Err(failed("the proxy's answer is not HTTP")),
    }
}

/// The status of an answer's head.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(1..))?;
    let digits = rest.strip_prefix(b" ").and_then(|rest| rest.get(..3))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

async fn by_socks(socket: &mut Socket, proxy: &Proxy, address: SocketAddr) -> Result<(), Failure> {
    let methods: &[u8] = if proxy.credentials.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    socket.write_all(methods).await.map_err(|_| broke())?;
    match (answer::<2>(socket).await?, &proxy.credentials) {
        ([5, 0], _) => {}
        ([5, 2], Some((user, password))) => {
            let mut request = vec![1];
            for text in [user, password] {
                // Neither is longer, or the configuration would have been refused.
                request.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
                request.extend_from_slice(text.as_bytes());
            }
            socket.write_all(&request).await.map_err(|_| broke())?;
            if answer::<2>(socket).await?[1] != 0 {
                return Err(failed("the proxy did not accept the user name and password"));
            }
        }
        ([5, _], _) => return Err(failed("the proxy asks for another way to log in")),
        _ => return Err(failed("the proxy's answer is not SOCKS5")),
    }
    let mut request = vec![5, 1, 0];
    match address.ip() {
        IpAddr::V4(ip) => {
            request.push(1);
            request.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            request.push(4);
            request.extend_from_slice(&ip.octets());
        }
    }
    request.extend_from_slice(&address.port().to_be_bytes());
    socket.write_all(&request).await.map_err(|_| broke())?;
    let [version, outcome, _, form] = answer::<4>(socket).await?;
    if version != 5 {
        return Err(failed("the proxy's answer is not SOCKS5"));
    }
    if outcome != 0 {
        return Err(failed(refusal(outcome)));
    }
    // The address it connects from is nobody's business, but it must be out of the way; the port is two bytes more.
    let length = match form {
        1 => 4,
        4 => 16,
        3 => usize::from(answer::<1>(socket).await?[0]),
        _ => return Err(failed("the proxy's answer is not SOCKS5")),
    };
    let mut bound = vec![0; length + 2];
    socket.read_exact(&mut bound).await.map_err(|_| broke())?;
    Ok(())
}

async fn answer<const N: usize>(socket: &mut Socket) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    socket.read_exact(&mut bytes).await.map_err(|_| broke())?;
    Ok(bytes)
}

/// What a reply says (RFC 1928, section 6).
const fn refusal(outcome: u8) -> &'static str {
    match outcome {
        2 => "the proxy's rules do not allow the connection",
        3 | 4 => "the proxy cannot reach the host",
        5 => "the proxy's connection was refused",
        6 => "the proxy's connection took too long",
        _ => "the proxy made no connection",
    }
}

fn failed(detail: impl Into<Cow<'static, str>>) -> Failure {
    Failure::new(FailureKind::Proxy, detail)
}

fn broke() -> Failure {
    failed("the connection to the proxy broke")
}
