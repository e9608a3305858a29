//! What a subscription says of its deliveries beyond where they go: each member has a default that most keep.

use crate::signature::LegacySignature;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The highest rate that can be asked for, in attempts a second.
pub const RATE_MAX: u32 = 100_000;
/// The most attempts that the head of a line may be given before the line moves on.
pub const HEAD_ATTEMPTS_MAX: u32 = 50;

/// What a subscription says of its deliveries beyond where they go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryOptions {
    /// The method of a request that no transform shaped.
    pub method: DeliveryMethod,
    /// How many attempts may begin in a second, on average; as many as a tenth of a second's may begin at once.
    pub rate_per_second: Option<u32>,
    /// Whether deliveries keep an order.
    pub ordering: Ordering,
    /// What becomes of those behind a delivery that fails, where they keep an order.
    pub head_of_line: HeadOfLine,
    /// Statuses after which a delivery is not tried again, beside 410.
    pub permanent_statuses: Vec<u16>,
    /// How long after its creation a delivery may still be tried, in seconds.
    pub max_age_secs: Option<u64>,
    /// Signatures in the headers of other senders, beside our own.
    pub legacy_signatures: Vec<LegacySignature>,
    /// Whom to trust and how to prove who we are, where the URL is https.
    pub tls: Option<TlsOptions>,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DeliveryMethod {
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
}

/// Whether deliveries keep an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordering {
    /// They go as soon as they can.
    #[default]
    None,
    /// Those whose events share an `ordering_key` go one at a time, in the order of their events' commits.
    Key,
}

/// What becomes of those behind a delivery that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeadOfLine {
    /// What is done.
    pub policy: HeadPolicy,
    /// After how many failed attempts; [`HeadPolicy::Block`] has no use for it.
    pub attempts: u32,
}

impl Default for HeadOfLine {
    fn default() -> Self {
        Self { policy: HeadPolicy::Block, attempts: 3 }
    }
}

/// What becomes of those behind a delivery that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadPolicy {
    /// They wait until it is delivered or its attempts are spent.
    #[default]
    Block,
    /// They pass it; it is tried on by itself, out of order.
    SkipAfterN,
    /// It ends as failed, for an operator to look at, and they go on.
    DeadLetter,
}

/// Whom to trust and how to prove who we are. All three are PEM.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsOptions {
    /// The certificates to trust instead of the platform's.
    pub ca: Option<String>,
    /// Our certificate, leaf first.
    pub certificate: Option<String>,
    /// Its private key.
    pub key: Option<String>,
}

/// The key is a secret.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca", &self.ca.is_some())
            .field("certificate", &self.certificate.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_before_there_were_options_reads_as_the_usual_ones() {
        let options: DeliveryOptions = serde_json::from_str("{}").unwrap();
        assert_eq!(options, DeliveryOptions::default());
        assert_eq!(options.head_of_line, HeadOfLine { policy: HeadPolicy::Block, attempts: 3 });
        let said = r#"{"method":"PUT","ordering":"key","head_of_line":{"policy":"skip_after_n"},"rate_per_second":5}"#;
        let options: DeliveryOptions = serde_json::from_str(said).unwrap();
        assert_eq!((options.method, options.ordering), (DeliveryMethod::Put, Ordering::Key));
        assert_eq!(options.head_of_line, HeadOfLine { policy: HeadPolicy::SkipAfterN, attempts: 3 });
    }

    #[test]
    fn a_private_key_shows_in_no_debug_text() {
        let tls = TlsOptions { key: Some("-----BEGIN PRIVATE KEY-----".to_owned()), ..TlsOptions::default() };
        assert_eq!(format!("{tls:?}"), "TlsOptions { ca: false, certificate: false, .. }");
    }
}
