//! One exchange with a partner: within the egress rules, bounded in time and size, no redirect followed.

use crate::dispatch::client::{Client, Peer};
use crate::dispatch::failure::FailureKind;
use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::{Position, Url};

/// Partners' hosts whose connections are kept. Beyond it all are forgotten, which costs new connections and nothing else.
const PEERS_MAX: usize = 256;
const OWN_NAME: HeaderValue = HeaderValue::from_static(concat!("Hookwright/", env!("CARGO_PKG_VERSION")));

/// Why there is no answer: the word that a plugin is told, and whether another try may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoAnswer {
    pub(super) code: &'static str,
    pub(super) may_pass: bool,
}

impl NoAnswer {
    pub(super) const fn lasting(code: &'static str) -> Self {
        Self { code, may_pass: false }
    }
}

/// What came back, whole.
#[derive(Clone)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A request to be sent.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) timeout: Duration,
}

/// Makes exchanges.
pub(super) struct Exchanges {
    client: Client,
    peers: Mutex<HashMap<String, Arc<Peer>>>,
}

impl Exchanges {
    pub(super) fn new(client: Client) -> Self {
        Self { client, peers: Mutex::new(HashMap::new()) }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn make(&self, asked: Asked<'_>) -> Result<Answered, NoAnswer> {
        let peer = self.peer(asked.url)?;
        let path = Uri::try_from(&asked.url[Position::BeforePath..Position::AfterQuery])
            .map_err(|_| NoAnswer::lasting("denied"))?;
        let mut headers = asked.headers;
        headers.insert(HOST, peer.authority().clone());
        headers.entry(USER_AGENT).or_insert(OWN_NAME);
        let request = || {
            let mut request = Request::new(Full::new(asked.body.clone()));
            *request.method_mut() = asked.method.clone();
            *request.uri_mut() = path.clone();
            *request.headers_mut() = headers.clone();
            request
        };
        let exchange = self.client.exchange(&peer, request, asked.timeout).await;
        match (exchange.failure, exchange.status) {
            (Some(failure), _) => Err(no_answer(failure.kind)),
            (None, Some(_)) if exchange.truncated => Err(NoAnswer::lasting("too-large")),
            (None, Some(status)) => Ok(Answered { status, headers: exchange.headers, body: exchange.body.into() }),
            (None, None) => Err(NoAnswer { code: "unreachable", may_pass: true }),
        }
    }

    /// The host of an address, and its connections.
    fn peer(&self, url: &Url) -> Result<Arc<Peer>, NoAnswer> {
        let origin = &url[..Position::AfterPort];
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get(origin) {
            peer.sweep();
            return Ok(Arc::clone(peer));
        }
        let peer = self.client.peer_with(&format!("{origin}/"), None).map_err(|failure| no_answer(failure.kind))?;
        if peers.len() >= PEERS_MAX {
            peers.clear();
        }
        let peer = Arc::new(peer);
        peers.insert(origin.to_owned(), Arc::clone(&peer));
        Ok(peer)
    }
}

const fn no_answer(kind: FailureKind) -> NoAnswer {
    match kind {
        FailureKind::EgressRefused => NoAnswer::lasting("denied"),
        FailureKind::Timeout => NoAnswer { code: "timeout", may_pass: true },
        FailureKind::Protocol => NoAnswer::lasting("bad-answer"),
        FailureKind::Dns | FailureKind::Proxy | FailureKind::Connect | FailureKind::Tls | FailureKind::Reset => {
            NoAnswer { code: "unreachable", may_pass: true }
        }
    }
}

/// Headers of a plugin's request. The host has checked that they are legal; what is the gateway's own is left out.
pub(super) fn headers(given: &[(String, String)]) -> HeaderMap {
    const OWN: [&str; 9] = [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "authorization",
        "proxy-authorization",
        "cookie",
        "upgrade",
        "te",
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in given.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    headers
}
