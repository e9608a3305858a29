//! A subscriber's host: its URL, the addresses it was found at, and the connections to it that are idle.

use super::pool::{Allowance, Pool};
use super::sessions::Sessions;
use crate::dispatch::failure::{Failure, FailureKind};
use hookwright_core::egress::{AddressPolicy, TargetUrl, UrlFault, check_url};
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

/// How long the addresses of a name are used before it is looked up again. They were judged, and only they are dialled.
const ADDRESSES_FRESH: Duration = Duration::from_secs(10);

/// A subscriber's host.
pub(crate) struct Peer {
    pub(super) url: TargetUrl,
    /// Idle HTTP/1.1 connections.
    pub(super) pool: Pool,
    /// HTTP/2 connections.
    pub(super) sessions: Sessions,
    /// How many connections may be kept.
    pub(super) allowance: Allowance,
    pub(super) server_name: ServerName<'static>,
    /// What speaks TLS for it, or why nothing can.
    pub(super) tls: Result<TlsConnector, Cow<'static, str>>,
    /// One exchange looks a name up; those that begin meanwhile wait for what it finds.
    pub(super) addresses: Mutex<Option<Found>>,
    authority: HeaderValue,
    path: Uri,
    target: Uri,
}

/// Addresses that were judged and found good.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) addresses: Vec<SocketAddr>,
    at: Instant,
}

impl Found {
    pub(super) fn now(addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, at: Instant::now() }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.at.elapsed() < ADDRESSES_FRESH
    }
}

impl Peer {
    pub(super) fn new(
        url: &str,
        policy: &AddressPolicy,
        tls: Result<TlsConnector, Cow<'static, str>>,
        allowance: Allowance,
    ) -> Result<Self, Failure> {
        let url = check_url(url, policy).map_err(|fault| {
            let kind = match fault {
                UrlFault::Address(_) | UrlFault::Plaintext => FailureKind::EgressRefused,
                _ => FailureKind::Protocol,
            };
            Failure::new(kind, fault.to_string())
        })?;
        let unfit = || Failure::new(FailureKind::Protocol, "the URL cannot be written as a request");
        let path = Uri::try_from(url.path_and_query()).map_err(|_| unfit())?;
        let target = Uri::try_from(url.as_str()).map_err(|_| unfit())?;
        let authority = HeaderValue::from_str(url.authority()).map_err(|_| unfit())?;
        let server_name = match url.literal() {
            Some(address) => ServerName::from(address),
            None => ServerName::try_from(url.host().to_owned()).map_err(|_| unfit())?,
        };
        Ok(Self {
            url,
            pool: Pool::new(allowance.clone()),
            sessions: Sessions::new(),
            allowance,
            server_name,
            tls,
            addresses: Mutex::new(None),
            authority,
            path,
            target,
        })
    }

    /// The request line's target.
    pub(in crate::dispatch) fn path(&self) -> &Uri {
        &self.path
    }

    /// The whole URL, which HTTP/2 takes apart itself.
    pub(super) fn target(&self) -> &Uri {
        &self.target
    }

    /// The `Host` header.
    pub(crate) fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
        self.sessions.sweep();
    }
}
