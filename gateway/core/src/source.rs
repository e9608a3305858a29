//! A source: a partner's way in.

use crate::fetch::FetchPolicy;
use crate::handshake::Handshake;
use crate::id::{SecretId, SourceId};
use crate::secret::{CredentialText, RawSecret};
use crate::signature::Scheme;

/// A source as stored.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// The first path segment under `/webhooks/`; lower-case letters, digits and hyphens.
    pub slug: String,
    /// A name for people.
    pub name: String,
    /// The preset that it was made from, if any: a label, for what it filled in stands in the other members.
    pub preset: Option<String>,
    /// How requests are verified.
    pub verification: Scheme,
    /// The live secrets, newest first; any of them may have signed.
    pub secrets: Vec<SourceSecret>,
    /// The requests by which the partner checks that this way in is ours; answered at once.
    pub handshakes: Vec<Handshake>,
    /// The address that the partner knows us by, for schemes that sign it: what stands before the hook. It is never taken from a request, whose sender could choose it.
    pub public_url: Option<String>,
    /// The inbound plugin that parses its messages.
    pub plugin: String,
    /// The plugin's settings for this source, a JSON object.
    pub settings: serde_json::Value,
    /// Methods it accepts; empty means any.
    pub methods: Vec<String>,
    /// What a plugin failure does to a message.
    pub on_error: OnPluginFailure,
    /// The deadline of one call of the plugin, in milliseconds, where it is not the gateway's usual one.
    pub deadline_ms: Option<u32>,
    /// Whether what this partner tells of a customer (a patient update, a customer event of its plugin) changes ours.
    pub updates_customers: bool,
    /// When an HL7 v2 sender's acknowledgement says that all is well.
    pub ack: Ack,
    /// After how many seconds without a message operators are told, for partners that send heartbeats.
    pub heartbeat_seconds: Option<u32>,
    /// Where and how the partner is asked for what its messages only name, if it may be asked at all.
    pub fetch: Option<FetchPolicy<CredentialText>>,
    /// Whether requests are accepted at all.
    pub active: bool,
    /// Creation, unix milliseconds.
    pub created_at: i64,
    /// Last change, unix milliseconds.
    pub updated_at: i64,
    /// Grows with every change; the `ETag`.
    pub version: i64,
}

/// One of a source's secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSecret {
    /// Its id, by which a message tells which one it was verified with.
    pub id: SecretId,
    /// The secret.
    pub secret: RawSecret,
}

/// When an HL7 v2 sender's acknowledgement says that all is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// Once the message is on disk, whatever the plugin made of it, unless it cannot be read at all. In enhanced mode this is the accept acknowledgement.
    #[default]
    OnPersist,
    /// Only where the plugin has understood it, too. In enhanced mode this is the application acknowledgement.
    OnProcessed,
}

/// What becomes of a message whose plugin failed (trapped, timed out, is missing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPluginFailure {
    /// Kept and reprocessed when a version that passes goes live; the partner hears 202.
    #[default]
    Quarantine,
    /// Kept as rejected; the partner hears 422.
    Reject,
}

/// Whether `slug` can name a source: 1 to 63 of `a-z`, `0-9`, `-`, starting and ending with a letter or digit.
pub fn is_slug(slug: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = slug.as_bytes();
    (1..=63).contains(&bytes.len())
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
