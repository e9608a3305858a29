//! Signatures in the headers of other senders, for receivers that still verify as they did before they came to us.
//!
//! What differs from one sender to the next is data: the header, how its value is written, and what is signed. Always HMAC-SHA-256.

mod secret;
mod template;
#[cfg(test)]
mod tests;

use super::encoding::encode;
use super::mac::Keyed;
use super::{Digest, Encoding};
use crate::secret::{RawSecret, SigningKey};
use serde::{Deserialize, Serialize};

use template::Piece;
pub use template::{BadTemplate, Template};

/// The most headers of this kind on one subscription.
pub const LEGACY_MAX: usize = 4;

/// One header in the way of another sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacySignature {
    /// The header's name, in lower case.
    pub header: String,
    /// How its value is written.
    pub template: Template,
    /// What is signed.
    #[serde(default)]
    pub content: SignedContent,
    /// The key, byte for byte as it was given. Without one, the bytes of the subscription's newest secret, which must be symmetric then.
    #[serde(default, with = "secret")]
    pub secret: Option<RawSecret>,
}

/// What is signed. `timestamp` is that of the attempt, in unix seconds, and `id` that of the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignedContent {
    /// The body alone: GitHub, Shopify.
    #[default]
    #[serde(rename = "body")]
    Body,
    /// `timestamp.body`: Stripe.
    #[serde(rename = "timestamp.body")]
    TimestampBody,
    /// `id.timestamp.body`: Svix.
    #[serde(rename = "id.timestamp.body")]
    IdTimestampBody,
    /// `v0:timestamp:body`: Slack, Zoom.
    #[serde(rename = "v0:timestamp:body")]
    V0TimestampBody,
}

impl SignedContent {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("body", Self::Body),
        ("timestamp.body", Self::TimestampBody),
        ("id.timestamp.body", Self::IdTimestampBody),
        ("v0:timestamp:body", Self::V0TimestampBody),
    ];

    /// What is signed before the body.
    fn head(self, id: &str, timestamp_secs: i64) -> String {
        match self {
            Self::Body => String::new(),
            Self::TimestampBody => format!("{timestamp_secs}."),
            Self::IdTimestampBody => format!("{id}.{timestamp_secs}."),
            Self::V0TimestampBody => format!("v0:{timestamp_secs}:"),
        }
    }
}

impl LegacySignature {
    /// Whether it is made with the subscription's own secret.
    pub fn needs_signing_key(&self) -> bool {
        self.secret.is_none() && self.template.has_signature()
    }
}

/// A [`LegacySignature`] with its key prepared.
pub struct LegacySigner {
    template: Template,
    content: SignedContent,
    key: Option<Keyed>,
}

impl LegacySigner {
    /// Prepares it; `newest` is the subscription's newest secret. `None` where there is no key to sign with.
    pub fn new(signature: &LegacySignature, newest: Option<&SigningKey>) -> Option<Self> {
        let key = match (&signature.secret, newest) {
            _ if !signature.template.has_signature() => None,
            (Some(secret), _) => Some(Keyed::new(Digest::Sha256, secret.key())),
            (None, Some(SigningKey::Hmac(secret))) => Some(Keyed::new(Digest::Sha256, secret.key())),
            (None, _) => return None,
        };
        Some(Self { template: signature.template.clone(), content: signature.content, key })
    }

    /// Whether the value holds a signature, which is nobody's to read.
    pub fn has_signature(&self) -> bool {
        self.key.is_some()
    }

    /// The header's value.
    pub fn sign(&self, id: &str, now_ms: i64, body: &[u8]) -> String {
        let timestamp_secs = now_ms.div_euclid(1000);
        let code = self.key.as_ref().map(|key| key.of(&[self.content.head(id, timestamp_secs).as_bytes(), body]));
        let code = code.unwrap_or_default();
        let mut value = String::new();
        for piece in self.template.pieces() {
            match piece {
                Piece::Literal(text) => value.push_str(text),
                Piece::Id => value.push_str(id),
                Piece::Timestamp => value.push_str(&timestamp_secs.to_string()),
                Piece::Hex => value.push_str(&encode(Encoding::Hex, &code)),
                Piece::Base64 => value.push_str(&encode(Encoding::Base64, &code)),
            }
        }
        value
    }
}

impl std::fmt::Debug for LegacySigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LegacySigner({})", self.template)
    }
}
