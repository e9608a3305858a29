//! Asking a partner back: what a plugin wants to know, where a source may ask, with which credentials, and the bounds of it. No I/O happens here.
//!
//! A notification that only names things is cheap to forge and could make the gateway hammer a partner, or carry the partner's credentials to somebody else. So a
//! source lists what may be asked, everything else is denied, and the rate is bounded.

mod allow;
mod patience;
mod policy;
mod retry;
#[cfg(test)]
mod tests;

pub use allow::{Denied, resolve};
pub use patience::Patience;
pub use policy::{
    ALLOW_MAX, ATTEMPTS_DEFAULT, ATTEMPTS_MAX, BadPolicy, ClientAuthentication, Credentials, FetchPolicy,
    GIVE_UP_SECONDS_DEFAULT, GIVE_UP_SECONDS_MAX, JwtAlgorithm, RATE_DEFAULT, RATE_MAX, TIMEOUT_MS_DEFAULT,
    TIMEOUT_MS_MAX,
};
pub use retry::{Verdict, judge, pause_ms};

use serde::{Deserialize, Serialize};
use std::fmt;

/// How often a message may be resumed; a plugin that wants more is going in circles.
pub const ROUNDS_MAX: u32 = 4;
/// The largest answer that a plugin is given, in bytes.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A request that a plugin wants made in the partner's API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// The plugin's name for it.
    pub id: String,
    /// The HTTP method.
    pub method: String,
    /// Absolute, or a path under the source's base address.
    pub url: String,
    /// Headers, but for the credentials.
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    #[serde(with = "base64_bytes::optional", default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Vec<u8>>,
}

/// What a message waits for while the partner is asked. It is stored with the message, so that a crash in between loses nothing: the partner is asked once more.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingFetch {
    /// What to ask.
    pub fetches: Vec<Fetch>,
    /// What the plugin wants to find again.
    #[serde(with = "base64_bytes")]
    pub state: Vec<u8>,
    /// How many times the message will have been resumed when these are answered.
    pub round: u32,
    /// The partner's own id of the message, for de-duplication.
    pub partner_id: Option<String>,
    /// Searchable keys and values that hold no PHI.
    pub metadata: Vec<(String, String)>,
}

/// Addresses and states may name a patient.
impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetch").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for PendingFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingFetch")
            .field("fetches", &self.fetches.len())
            .field("round", &self.round)
            .finish_non_exhaustive()
    }
}

/// Bytes as text in JSON, a third longer instead of four times.
mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(|_| de::Error::custom("not base64"))
    }

    pub(super) mod optional {
        use super::{Deserialize, Deserializer, Engine, STANDARD, Serializer, de};

        #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
        pub(in crate::fetch) fn serialize<S: Serializer>(
            bytes: &Option<Vec<u8>>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match bytes {
                Some(bytes) => super::serialize(bytes, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub(in crate::fetch) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Vec<u8>>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| STANDARD.decode(text).map_err(|_| de::Error::custom("not base64"))).transpose()
        }
    }
}
