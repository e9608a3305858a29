//! A subscription as the dispatcher uses it: everything that is the same for all its deliveries, prepared once for each version of it.

use super::client::{Client, Peer};
use super::failure::Failure;
use hookwright_core::signature::{LegacySigner, Signer};
use hookwright_core::subscription::Subscription;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Uri, header};
use std::sync::Arc;
use std::time::Duration;

/// What we say we are.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Hookwright/", env!("CARGO_PKG_VERSION")));

/// The names of Standard Webhooks.
pub(super) const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
/// See [`WEBHOOK_ID`].
pub(super) const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// See [`WEBHOOK_ID`].
pub(super) const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Headers that frame the message, or are the gateway's own: neither an operator's nor a plugin's.
const RESERVED: [HeaderName; 15] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::USER_AGENT,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    WEBHOOK_ID,
    WEBHOOK_TIMESTAMP,
    WEBHOOK_SIGNATURE,
];

/// A version of a subscription, ready for use.
pub(super) struct Endpoint {
    subscription: Arc<Subscription>,
    peer: Result<Peer, Failure>,
    signer: Signer,
    /// Signatures in the headers of other senders.
    legacy: Vec<(HeaderName, LegacySigner)>,
    /// The headers that all its requests have.
    common: HeaderMap,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("subscription", &self.subscription.id).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Prepares a subscription. A URL that can no longer be reached shows in its attempts.
    pub(super) fn new(subscription: &Arc<Subscription>, client: &Client) -> Self {
        let peer = client.peer_with(&subscription.url, subscription.options.tls.as_ref());
        let mut common = HeaderMap::with_capacity(8 + subscription.headers.len());
        if let Ok(peer) = &peer {
            common.insert(header::HOST, peer.authority().clone());
        }
        common.insert(header::USER_AGENT, USER_AGENT);
        for (name, value) in custom(&subscription.headers) {
            common.append(name, value);
        }
        let newest = subscription.secrets.first().map(|newest| &newest.key);
        let legacy = subscription.options.legacy_signatures.iter().filter_map(|signature| {
            Some((HeaderName::try_from(&signature.header).ok()?, LegacySigner::new(signature, newest)?))
        });
        Self {
            subscription: Arc::clone(subscription),
            peer,
            signer: Signer::new(&subscription.secrets),
            legacy: legacy.collect(),
            common,
        }
    }

    /// The subscription, as of this version.
    pub(super) fn subscription(&self) -> &Arc<Subscription> {
        &self.subscription
    }

    /// Where its requests go, or why they cannot.
    pub(super) fn peer(&self) -> Result<&Peer, &Failure> {
        self.peer.as_ref()
    }

    /// The request line's target.
    pub(super) fn path(&self) -> Uri {
        self.peer.as_ref().map(|peer| peer.path().clone()).unwrap_or_default()
    }

    /// What signs its bodies.
    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What signs them in the ways of other senders, each with its header.
    pub(super) fn legacy(&self) -> &[(HeaderName, LegacySigner)] {
        &self.legacy
    }

    /// The headers that all its requests have.
    pub(super) fn common_headers(&self) -> &HeaderMap {
        &self.common
    }

    /// The deadline of one exchange.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(u64::from(self.subscription.timeout_ms))
    }
}

/// The headers that may be sent of those that an operator or a plugin names.
pub(super) fn custom(headers: &[(String, String)]) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok().filter(|name| !RESERVED.contains(name))?;
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(headers: &[(&str, &str)]) -> Vec<String> {
        let owned: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        custom(&owned).map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn what_frames_or_proves_the_message_is_nobody_else_s() {
        assert_eq!(
            sent(&[("X-Tenant", "7"), ("Authorization", "Bearer x")]),
            ["x-tenant: 7", "authorization: Bearer x"]
        );
        for name in
            ["Host", "content-length", "Transfer-Encoding", "connection", "Webhook-Signature", "webhook-id", "TE"]
        {
            assert!(sent(&[(name, "x")]).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_left_out() {
        assert!(sent(&[("bad name", "x"), ("x", "two\r\nlines"), ("", "x")]).is_empty());
    }
}
