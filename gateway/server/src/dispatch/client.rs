//! The HTTP client of deliveries: no redirect is followed, no proxy of the environment is used, nothing compressed is asked for, and everything that comes back is bounded.
//!
//! It knows nothing of deliveries: a request goes to a [`Peer`], and an [`Exchange`] tells what came of it.

mod content;
mod dial;
mod line;
mod link;
mod meter;
mod own;
mod peer;
mod pool;
mod proxy;
mod resolver;
mod session;
mod sessions;
mod socket;
mod stage;
mod stream;
mod tls;

pub(crate) use peer::Peer;

use super::failure::{Failure, FailureKind};
use crate::config::Proxy;
use bytes::Bytes;
use hookwright_core::delivery_options::TlsOptions;
use hookwright_core::egress::AddressPolicy;
use http::response::Parts;
use http::{HeaderMap, Request};
use http_body_util::Full;
use line::{Line, Terms, Unread};
use link::Broken;
use own::Own;
use pool::Allowance;
use resolver::Resolver;
use socket::Network;
use stage::Stage;
use std::borrow::Cow;
use std::time::Duration;
use tls::Verdict;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The client of all deliveries.
pub(crate) struct Client {
    policy: AddressPolicy,
    own: Own,
    resolver: Resolver,
    network: Network,
    proxy: Option<Proxy>,
    /// The platform's trust.
    platform: Verdict,
    /// What speaks TLS for all subscriptions without certificates of their own.
    tls: Result<TlsConnector, Cow<'static, str>>,
    allowance: Allowance,
    timeouts: Timeouts,
    response_bytes_max: usize,
}

/// What the client goes by.
#[derive(Clone, Debug)]
pub(crate) struct ClientConfig {
    /// Which addresses may be dialled.
    pub(crate) policy: AddressPolicy,
    /// The proxy that everything goes out by, if there is one.
    pub(crate) proxy: Option<Proxy>,
    /// How long each part of an exchange may take.
    pub(crate) timeouts: Timeouts,
    /// How much of an answer's body is kept, in bytes.
    pub(crate) response_bytes_max: usize,
    /// Idle connections, over all peers.
    pub(crate) idle_max: usize,
}

/// How long each part of an exchange may take, within the time of the whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// From resolving a name to a TCP connection.
    pub(crate) connect: Duration,
    /// The TLS handshake.
    pub(crate) tls: Duration,
    /// From the last byte of the request to the first of the answer, if that is not to be as long as the whole exchange.
    pub(crate) first_byte: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), tls: Duration::from_secs(5), first_byte: None }
    }
}

/// What came of a request.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// The status, if the head of an answer came.
    pub(crate) status: Option<u16>,
    /// The answer's headers.
    pub(crate) headers: HeaderMap,
    /// The answer's body, up to the cap; made readable, if it came compressed.
    pub(crate) body: Vec<u8>,
    /// Whether there was more.
    pub(crate) truncated: bool,
    /// Why the answer is not whole.
    pub(crate) failure: Option<Failure>,
}

impl Client {
    /// A client that trusts what the platform trusts.
    pub(crate) fn new(config: ClientConfig) -> Self {
        let platform = tls::platform();
        Self {
            policy: config.policy,
            own: Own::new(),
            resolver: Resolver::system(),
            network: Network::Real,
            proxy: config.proxy,
            tls: tls::connector(&platform, None),
            platform,
            allowance: Allowance::new(config.idle_max),
            timeouts: config.timeouts,
            response_bytes_max: config.response_bytes_max,
        }
    }

    /// A client in the network of the simulation it is used in, whose hosts it finds by their names.
    #[cfg(test)]
    pub(super) fn simulated(config: ClientConfig) -> Self {
        let resolver = Resolver::Scripted(std::sync::Arc::new(|host| vec![turmoil::lookup(host)]));
        Self {
            policy: config.policy,
            resolver,
            network: Network::Simulated,
            own: Own::new(),
            proxy: None,
            // Reading the machine's authorities takes longer than many a simulation.
            platform: Err("a simulated network has no TLS".into()),
            tls: Err("a simulated network has no TLS".into()),
            allowance: Allowance::new(config.idle_max),
            timeouts: config.timeouts,
            response_bytes_max: config.response_bytes_max,
        }
    }

    /// Why no `https` URL can be reached, if that is so.
    pub(crate) fn tls_fault(&self) -> Option<&str> {
        self.tls.as_ref().err().map(AsRef::as_ref)
    }

    /// The peer of a URL.
    #[cfg(test)]
    pub(super) fn peer(&self, url: &str) -> Result<Peer, Failure> {
        self.peer_with(url, None)
    }

    /// The peer of a URL, with a subscription's own certificates.
    pub(crate) fn peer_with(&self, url: &str, own: Option<&TlsOptions>) -> Result<Peer, Failure> {
        let tls = own.map_or_else(|| self.tls.clone(), |own| tls::connector(&self.platform, Some(own)));
        Peer::new(url, &self.policy, tls, self.allowance.clone())
    }

    /// Sends a request and reads its answer, all before the deadline. `request` is called again where a connection turns out to have been closed before.
    pub(crate) async fn exchange(
        &self,
        peer: &Peer,
        request: impl Fn() -> Request<Full<Bytes>>,
        deadline: Duration,
    ) -> Exchange {
        let mut exchange = Exchange::default();
        let mut stage = Stage::default();
        exchange.failure = match timeout(deadline, self.talk(peer, request, &mut exchange, &mut stage)).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure),
            Err(_) => Some(stage.ran_out(deadline)),
        };
        exchange
    }

    async fn talk(
        &self,
        peer: &Peer,
        request: impl Fn() -> Request<Full<Bytes>>,
        exchange: &mut Exchange,
        stage: &mut Stage,
    ) -> Result<(), Failure> {
        let (mut line, head, body) = self.send(peer, request, stage).await?;
        *stage = Stage::Reading;
        exchange.status = Some(head.status.as_u16());
        exchange.headers = head.headers;
        if !body.is_empty() {
            exchange.truncated = line.read(body, self.terms(), &mut exchange.body).await?;
        }
        let cut = exchange.truncated;
        line.release(peer, cut).await;
        if let Some(decoded) = content::decode(&exchange.headers, &exchange.body, cut, self.response_bytes_max) {
            (exchange.body, exchange.truncated) = (decoded.body, decoded.truncated);
        }
        Ok(())
    }

    /// Sends a request over a connection there is, or else over a new one.
    async fn send(
        &self,
        peer: &Peer,
        request: impl Fn() -> Request<Full<Bytes>>,
        stage: &mut Stage,
    ) -> Result<(Line, Parts, Unread), Failure> {
        if let Some(mut line) = Self::known(peer).await {
            match line.send(peer, request(), self.terms()).await {
                Ok(answer) => return Ok(answered(line, answer)),
                // The peer closed it as we took it up: a fresh connection decides. Should it have read the request all the same, it knows the repeat by its `webhook-id`.
                Err(Broken::Unsent | Broken::Closed(_)) => {}
                Err(Broken::Failed(failure)) => return Err(failure),
            }
        }
        // Dialling is rare and its future is large.
        let mut line = Box::pin(self.fresh(peer, stage)).await?;
        match line.send(peer, request(), self.terms()).await {
            Ok(answer) => Ok(answered(line, answer)),
            Err(Broken::Closed(failure) | Broken::Failed(failure)) => Err(failure),
            Err(Broken::Unsent) => Err(Failure::new(FailureKind::Reset, "the connection was closed at once")),
        }
    }

    /// A connection to a peer that is there and, as far as one can see, takes another request.
    async fn known(peer: &Peer) -> Option<Line> {
        if !peer.url.plaintext()
            && let Some(lease) = peer.sessions.lease()
        {
            return Some(Line::Shared(lease));
        }
        while let Some(mut link) = peer.pool.take() {
            if link.is_ready().await {
                return Some(Line::Own(link));
            }
        }
        None
    }

    fn terms(&self) -> Terms {
        Terms { bytes_max: self.response_bytes_max, patience: self.timeouts.first_byte }
    }
}

fn answered(line: Line, answer: http::Response<Unread>) -> (Line, Parts, Unread) {
    let (head, body) = answer.into_parts();
    (line, head, body)
}

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
