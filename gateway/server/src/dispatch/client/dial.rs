//! From a URL to a connection: resolve, judge every address, dial one that was judged, and see that it is the one that answered.

use super::Client;
use super::line::Line;
use super::link::{Link, alerted};
use super::peer::{Found, Peer};
use super::proxy;
use super::session::Session;
use super::sessions::Spoken;
use super::socket::Socket;
use super::stage::Stage;
use super::stream::Carrier;
use crate::dispatch::failure::{Failure, FailureKind};
use rustls::{CertificateError, Error as TlsError};
use std::io::ErrorKind;
use std::net::SocketAddr;
use tokio::time::{Instant, timeout, timeout_at};

/// The most addresses of one host that are tried for one exchange.
const TRIES_MAX: usize = 4;

impl Client {
    /// A line to a peer none of whose connections can be used: a fresh one, or one that another exchange has made meanwhile.
    pub(super) async fn fresh(&self, peer: &Peer, stage: &mut Stage) -> Result<Line, Failure> {
        if peer.url.plaintext() || peer.sessions.spoken() == Spoken::Http1 {
            return self.dial(peer, stage).await;
        }
        *stage = Stage::Connecting;
        // If it speaks HTTP/2, one connection is enough for all who begin now; if that one takes too long, each fends for itself.
        let turn = timeout(self.timeouts.connect, peer.sessions.dialling.lock()).await;
        if peer.sessions.spoken() == Spoken::Http1 {
            drop(turn);
        } else if let Some(lease) = peer.sessions.lease() {
            *stage = Stage::Waiting;
            return Ok(Line::Shared(lease));
        }
        self.dial(peer, stage).await
    }

    async fn dial(&self, peer: &Peer, stage: &mut Stage) -> Result<Line, Failure> {
        *stage = Stage::Connecting;
        let deadline = Instant::now() + self.timeouts.connect;
        let addresses = self.addresses(peer, deadline).await?;
        let tcp = match self.connect(&addresses, deadline).await {
            Ok(tcp) => tcp,
            Err(failure) => {
                // The name may have moved.
                peer.addresses.lock().await.take();
                return Err(failure);
            }
        };
        let carrier = if peer.url.plaintext() {
            Carrier::Plain(tcp)
        } else {
            *stage = Stage::Securing;
            self.secure(peer, tcp).await?
        };
        *stage = Stage::Waiting;
        if carrier.is_http2() {
            peer.sessions.heard(Spoken::Http2);
            let session = timeout(self.timeouts.tls, Session::new(carrier, &peer.allowance)).await;
            let late = |_| Failure::new(FailureKind::Protocol, "HTTP/2 did not begin in time");
            let session = session.map_err(late)??;
            return Ok(Line::Shared(peer.sessions.open(session)));
        }
        peer.sessions.heard(Spoken::Http1);
        Link::new(carrier, self.timeouts.first_byte.is_some()).await.map(Line::Own)
    }

    /// Where the peer may be reached: one bad address among many refuses them all, since whoever mixes them means to slip through.
    async fn addresses(&self, peer: &Peer, deadline: Instant) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(address) = peer.url.literal() {
            self.judge(peer, &[SocketAddr::new(address, peer.url.port())])?;
            return Ok(vec![SocketAddr::new(address, peer.url.port())]);
        }
        let late = |_| Failure::new(FailureKind::Dns, "the host's name was not resolved in time");
        let mut known = timeout_at(deadline, peer.addresses.lock()).await.map_err(late)?;
        if let Some(found) = known.as_ref().filter(|found| found.is_fresh()) {
            return Ok(found.addresses.clone());
        }
        let addresses = self.resolver.look_up(peer.url.host(), peer.url.port(), deadline).await?;
        self.judge(peer, &addresses)?;
        *known = Some(Found::now(addresses.clone()));
        Ok(addresses)
    }

    fn judge(&self, peer: &Peer, addresses: &[SocketAddr]) -> Result<(), Failure> {
        addresses.iter().try_for_each(|address| {
            peer.url
                .admits(&self.policy, address.ip())
                .map_err(|refusal| Failure::new(FailureKind::EgressRefused, refusal.to_string()))?;
            if self.own.holds(address.ip()) && !self.policy.allows(address.ip()) {
                let detail = "the address is not allowed (one of this machine's own)";
                return Err(Failure::new(FailureKind::EgressRefused, detail));
            }
            Ok(())
        })
    }

    /// Connects to the first address that answers; each has its share of the time that is left.
    async fn connect(&self, addresses: &[SocketAddr], deadline: Instant) -> Result<Socket, Failure> {
        let late = match self.proxy {
            None => Failure::new(FailureKind::Connect, "no connection in time"),
            Some(_) => Failure::new(FailureKind::Proxy, "the proxy made no connection in time"),
        };
        let mut failure = late.clone();
        let tries = addresses.len().min(TRIES_MAX);
        for (at, address) in addresses.iter().take(tries).enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let until = Instant::now() + left / u32::try_from(tries - at).unwrap_or(1);
            match timeout_at(until, self.reach(*address, until)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(broken)) => failure = broken,
                Err(_) => failure = late.clone(),
            }
        }
        Err(failure)
    }

    async fn reach(&self, address: SocketAddr, deadline: Instant) -> Result<Socket, Failure> {
        if let Some(proxy) = &self.proxy {
            return proxy::connect(proxy, self.network, &self.resolver, address, deadline).await;
        }
        match self.network.connect(address).await {
            Ok(tcp) => checked(tcp, address),
            Err(error) => Err(Failure::new(FailureKind::Connect, connect_fault(error.kind()))),
        }
    }

    async fn secure(&self, peer: &Peer, tcp: Socket) -> Result<Carrier, Failure> {
        let tls = |detail: &'static str| Failure::new(FailureKind::Tls, detail);
        let connector = peer.tls.as_ref().map_err(|fault| Failure::new(FailureKind::Tls, fault.clone()))?;
        let handshake = connector.connect(peer.server_name.clone(), tcp);
        match timeout(self.timeouts.tls, handshake).await {
            Ok(Ok(stream)) => Ok(Carrier::Secure(Box::new(stream))),
            Ok(Err(error)) => Err(tls(tls_fault(&error))),
            Err(_) => Err(tls("the TLS handshake took too long")),
        }
    }
}

/// The connection must be to the address that was judged, whatever lies between.
fn checked(tcp: Socket, address: SocketAddr) -> Result<Socket, Failure> {
    match tcp.peer_addr() {
        Ok(reached) if reached == address => {
            tcp.set_nodelay().map_err(|_| Failure::new(FailureKind::Connect, "the connection broke"))?;
            Ok(tcp)
        }
        Ok(_) => Err(Failure::new(FailureKind::EgressRefused, "another address answered than the one dialled")),
        Err(_) => Err(Failure::new(FailureKind::Connect, "the connection broke")),
    }
}

const fn connect_fault(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "the connection was refused",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "the host is not reachable"
        }
        ErrorKind::TimedOut => "no connection in time",
        ErrorKind::ConnectionReset => "the connection was reset",
        _ => "no connection",
    }
}

fn tls_fault(error: &std::io::Error) -> &'static str {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<TlsError>());
    match cause {
        Some(TlsError::InvalidCertificate(fault)) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            CertificateError::UnknownIssuer => "the certificate's issuer is not trusted",
            CertificateError::Revoked => "the certificate was revoked",
            _ => "the certificate is not valid",
        },
        Some(TlsError::AlertReceived(alert)) => alerted(*alert),
        Some(_) => "the TLS handshake failed",
        None => "the connection broke during the TLS handshake",
    }
}
