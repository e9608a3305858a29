//! Hash functions, and a digest of the body that came with it.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest as legacy_digest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::encoding::{decode_loosely, encode};
use super::request::{Request, text_at};
use super::signature_scheme::check_suffix;
use super::{BadScheme, Encoding, Flaw, Place, VerifyError};
use crate::secret::constant_time_eq;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-1, which as an HMAC is not broken and which some vendors still sign with.
    Sha1,
}

impl Digest {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 4] =
        [("sha256", Self::Sha256), ("sha384", Self::Sha384), ("sha512", Self::Sha512), ("sha1", Self::Sha1)];

    /// How many bytes a digest, or an HMAC made with it, has.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
        }
    }

    /// The word for it, as in `sha256=…`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sha1 => "sha1",
        }
    }

    /// The function of that word, in any case.
    pub(super) fn of_word(word: &[u8]) -> Option<Self> {
        Self::WORDS.into_iter().find(|(own, _)| own.as_bytes().eq_ignore_ascii_case(word)).map(|(_, digest)| digest)
    }

    /// The digest of some bytes.
    pub(super) fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
            Self::Sha1 => legacy_digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec(),
        }
    }
}

/// A digest of the body that the request brings, as a header or in its query. It is always computed anew and compared: a digest that is only
/// signed proves nothing of the body beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyDigest {
    /// Where it stands.
    pub location: Place,
    /// What stands before it, such as `SHA-256=`; the case of letters does not count.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What stands behind it, such as the `:` of `sha-256=:…:` (RFC 9530).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// The hash function.
    #[serde(default)]
    pub digest: Digest,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
}

impl BodyDigest {
    pub(super) fn check(&self) -> Result<(), BadScheme> {
        let bad = |why| Err(BadScheme { field: "body_digest", why });
        if !matches!(self.location, Place::Header(_) | Place::Query(_)) {
            return bad("must stand in a header or in the query");
        }
        if self.prefix.len() > 128 || !self.prefix.bytes().all(|b| b.is_ascii_graphic()) {
            return bad("must have a prefix of at most 128 characters of visible ASCII");
        }
        check_suffix("body_digest", &self.suffix)
    }

    /// Compares it with the body.
    pub(super) fn verify(&self, request: &Request<'_>) -> Result<(), VerifyError> {
        let value = text_at(request, &self.location)?;
        let malformed = |flaw| VerifyError::at(&self.location, flaw);
        let (prefix, text) = value.split_at_checked(self.prefix.len()).ok_or_else(|| malformed(Flaw::Prefix))?;
        if !prefix.eq_ignore_ascii_case(self.prefix.as_bytes()) {
            return Err(malformed(Flaw::Prefix));
        }
        let text = text.strip_suffix(self.suffix.as_bytes()).ok_or_else(|| malformed(Flaw::Suffix))?;
        let told = decode_loosely(self.encoding, text, self.digest.length()).map_err(malformed)?;
        if constant_time_eq(&told, &self.digest.of(request.body)) { Ok(()) } else { Err(malformed(Flaw::BodyDigest)) }
    }

    /// The text for a body.
    pub(super) fn text(&self, body: &[u8]) -> String {
        format!("{}{}{}", self.prefix, encode(self.encoding, &self.digest.of(body)), self.suffix)
    }
}
