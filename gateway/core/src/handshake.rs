//! Handshakes: the requests by which a partner checks that an address is ours before it sends anything there, as data.
//!
//! A handshake says when a request is one, where its challenge stands, what must hold before it is answered, and what is answered. It is
//! answered at once and makes no message.
//!
//! Two things are kept apart on purpose. What is echoed is plain text of a bounded length without markup. And where the answer is an HMAC of
//! the challenge under the very secret that signs bodies, an answer must never be usable as the signature of a body: a challenge of that
//! kind has letters, digits and `-._~+/` only, and what a source takes as a signed body is never written in these alone
//! (see [`is_mac_challenge`]).

mod answer;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use answer::{Refusal, Reply, answer, check_apart, is_mac_challenge};
pub use token::{BadToken, TokenDigest};

use crate::signature::{Digest, Encoding, Place, is_header_name};

/// The most handshakes of one source.
pub const HANDSHAKES_MAX: usize = 8;
const CONDITIONS_MAX: usize = 8;
const TEXT_MAX: usize = 128;
const ECHOED_HEADERS_MAX: usize = 4;
const TEMPLATE_MAX: usize = 1024;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// One handshake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    /// A word for it, for logs and counters: lower-case letters, digits and `_`.
    pub name: String,
    /// Which requests are this handshake.
    pub when: When,
    /// Where the challenge stands.
    pub challenge: Place,
    /// What must hold before it is answered.
    #[serde(default)]
    pub proof: Proof,
    /// What is answered.
    #[serde(default)]
    pub answer: Template,
}

/// Which requests are a handshake: all that is stated must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The method.
    pub method: String,
    /// Parameters of the query that must be there; with a text, that text and no other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Option<String>>,
    /// JSON pointers into the body where a text must be; with a text, that text and no other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub body: BTreeMap<String, Option<String>>,
}

/// What must hold before a handshake is answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// The request verifies as any message of the source must. A source that verifies nothing has no such handshake.
    #[default]
    Signature,
    /// The same if the request offers anything of the source's scheme; one that offers nothing is answered all the same, for partners that are not known to sign
    /// when they ask. What the answer gives away must be worth nothing, as with none.
    SignatureIfOffered,
    /// A token in the request is a live secret of the source.
    Secret {
        /// Where it stands.
        at: Place,
    },
    /// A token in the request is one that was agreed for this purpose alone, so that it may stand in an address without giving away a secret.
    VerifyToken {
        /// Where it stands.
        at: Place,
        /// The digest of the token. Without one, no request is answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<TokenDigest>,
    },
    /// Nothing: anybody may ask. What the answer gives away must be worth nothing.
    None {},
}

/// What is answered, with status 200.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// A JSON object in which the texts `{challenge}` and `{mac}` are replaced; without it the challenge is echoed as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<BTreeMap<String, String>>,
    /// What `{mac}` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacOfChallenge>,
    /// Headers of the request that are sent back as they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub echo_headers: Vec<String>,
}

/// An HMAC of the challenge under the secret that the proof was made with, or the newest where it needs none; its text is the key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MacOfChallenge {
    /// The hash function.
    #[serde(default)]
    pub digest: Digest,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before it, such as `sha256=`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

/// What is wrong with a handshake: the field, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadHandshake {
    /// The field, as a path below the handshake, such as `when/method`.
    pub field: &'static str,
    /// Why it cannot be.
    pub why: &'static str,
}

impl Handshake {
    /// Checks what the types cannot say.
    pub fn check(&self) -> Result<(), BadHandshake> {
        let bad = |field, why| Err(BadHandshake { field, why });
        let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !(1..=40).contains(&self.name.len()) || !self.name.bytes().all(word) {
            return bad("name", "must be 1 to 40 lower-case letters, digits and _");
        }
        self.when.check()?;
        if matches!(self.challenge, Place::NumberedHeaders(_)) {
            return bad("challenge", "must be one place");
        }
        if let Proof::Secret { at: Place::NumberedHeaders(_) }
        | Proof::VerifyToken { at: Place::NumberedHeaders(_), .. } = self.proof
        {
            return bad("proof/at", "must be one place");
        }
        self.answer.check()
    }

    /// Whether it wants a token that is agreed for it alone.
    pub const fn takes_verify_token(&self) -> bool {
        matches!(self.proof, Proof::VerifyToken { .. })
    }

    /// Sets that token; `false` where it wants none.
    pub fn agree(&mut self, agreed: &TokenDigest) -> bool {
        let Proof::VerifyToken { token, .. } = &mut self.proof else { return false };
        *token = Some(agreed.clone());
        true
    }

    /// Whether the answer is made with a secret of the source.
    pub const fn answers_with_mac(&self) -> bool {
        self.answer.mac.is_some()
    }
}

impl When {
    fn check(&self) -> Result<(), BadHandshake> {
        let bad = |field, why| Err(BadHandshake { field, why });
        if !METHODS.contains(&self.method.as_str()) {
            return bad("when/method", "must be GET, POST, PUT, PATCH or DELETE");
        }
        // A condition on nothing but the method would take messages for handshakes.
        if self.query.is_empty() && self.body.is_empty() {
            return bad("when", "must state a parameter of the query or a pointer into the body");
        }
        for (field, conditions) in [("when/query", &self.query), ("when/body", &self.body)] {
            let fits = |text: &String| (1..=TEXT_MAX).contains(&text.len());
            if conditions.len() > CONDITIONS_MAX || !conditions.iter().all(|(k, v)| fits(k) && v.iter().all(fits)) {
                return bad(field, "must have at most 8 conditions of 1 to 128 bytes");
            }
        }
        if self.body.keys().any(|pointer| !pointer.starts_with('/')) {
            return bad("when/body", "must be JSON pointers, which begin with /");
        }
        Ok(())
    }
}

impl Template {
    fn check(&self) -> Result<(), BadHandshake> {
        let bad = |field, why| Err(BadHandshake { field, why });
        let mentions = |what: &str| self.json.iter().flatten().any(|(_, text)| text.contains(what));
        if self.json.as_ref().is_some_and(|json| json.is_empty() || json_bytes(json) > TEMPLATE_MAX) {
            return bad("answer/json", "must have members, of at most 1024 bytes together");
        }
        if mentions("{mac}") != self.mac.is_some() {
            return bad("answer/mac", "must be there where answer/json holds {mac}, and only there");
        }
        if self.json.is_some() && !mentions("{challenge}") && !mentions("{mac}") {
            return bad("answer/json", "must hold {challenge} or {mac}");
        }
        if self.mac.as_ref().is_some_and(|mac| mac.prefix.len() > TEXT_MAX) {
            return bad("answer/mac", "must not have a prefix longer than 128 bytes");
        }
        if self.echo_headers.len() > ECHOED_HEADERS_MAX || !self.echo_headers.iter().all(|name| may_be_echoed(name)) {
            return bad("answer/echo_headers", "must be at most 4 names of headers that begin with x-");
        }
        Ok(())
    }
}

fn json_bytes(json: &BTreeMap<String, String>) -> usize {
    json.iter().map(|(name, text)| name.len() + text.len()).sum()
}

/// Nobody but the partner's own headers: a `Set-Cookie` or a `Location` of the caller's choice must not come back from us.
fn may_be_echoed(name: &str) -> bool {
    is_header_name(name) && name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-"))
}

/// Whether a challenge that is answered with an HMAC may hold this byte.
pub(crate) const fn is_challenge_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=')
}
