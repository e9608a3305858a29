//! Verification as Standard Webhooks 1.0.0 has it.

use super::encoding::decode;
use super::headers::{malformed, single};
use super::{ASYMMETRIC_MAX, Digest, Encoding, Flaw, Headers, ID_MAX, SIGNATURES_MAX, VerifyError};

/// How many bytes an ed25519 signature has (RFC 8032 §5.1.6).
pub(super) const ED25519_BYTES: usize = 64;

/// The names of the three headers.
pub(super) struct Names {
    pub(super) id: &'static str,
    pub(super) timestamp: &'static str,
    pub(super) signature: &'static str,
}

const STANDARD: Names = Names { id: "webhook-id", timestamp: "webhook-timestamp", signature: "webhook-signature" };
const SVIX: Names = Names { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" };

/// The names this request uses. One set is taken as a whole: an id from one and a signature from the other would be a mix that nobody signs.
pub(super) fn names(headers: &dyn Headers) -> Names {
    if !has_any(headers, &STANDARD) && has_any(headers, &SVIX) { SVIX } else { STANDARD }
}

/// Whether a request has any of the headers.
pub(super) fn is_offered(headers: &dyn Headers) -> bool {
    has_any(headers, &STANDARD) || has_any(headers, &SVIX)
}

fn has_any(headers: &dyn Headers, names: &Names) -> bool {
    [names.id, names.timestamp, names.signature].into_iter().any(|name| !headers.values(name).is_empty())
}

/// The message's id. A dot is refused, for it separates the signed parts: with dots in ids, one signature would fit two messages.
pub(super) fn id<'a>(headers: &'a dyn Headers, name: &str) -> Result<&'a str, VerifyError> {
    let value = message_id(headers, name)?;
    if value.contains('.') { Err(malformed(name, Flaw::Id)) } else { Ok(value) }
}

/// A header that names the message: visible ASCII of a bounded length.
pub(super) fn message_id<'a>(headers: &'a dyn Headers, name: &str) -> Result<&'a str, VerifyError> {
    let value = single(headers, name)?;
    if value.len() > ID_MAX {
        return Err(malformed(name, Flaw::TooLong));
    }
    match str::from_utf8(value) {
        Ok(text) if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(text),
        _ => Err(malformed(name, Flaw::Id)),
    }
}

/// The id in a header that a scheme names, where it names one.
pub(super) fn named_id<'a>(
    headers: &'a dyn Headers,
    name: Option<&str>,
    optional: bool,
) -> Result<Option<&'a str>, VerifyError> {
    let Some(name) = name else { return Ok(None) };
    if optional && headers.values(name).is_empty() {
        return Ok(None);
    }
    message_id(headers, name).map(Some)
}

/// The signatures of the header that are whole.
pub(super) struct Signatures {
    pub(super) v1: Vec<Vec<u8>>,
    pub(super) v1a: Vec<Vec<u8>>,
    /// Whether there is a `v1a` entry at all, whole or broken.
    pub(super) offers_v1a: bool,
    flaw: Flaw,
}

impl Signatures {
    /// The whole ones of a version, of which there must be one.
    pub(super) fn whole<'s>(&self, list: &'s [Vec<u8>], name: &str) -> Result<&'s [Vec<u8>], VerifyError> {
        if list.is_empty() { Err(malformed(name, self.flaw)) } else { Ok(list) }
    }
}

/// Every signature of the header; entries of other versions are passed over, and so are broken ones as long as one is whole.
pub(super) fn signatures(headers: &dyn Headers, name: &str, reads_v1a: bool) -> Result<Signatures, VerifyError> {
    let value = single(headers, name)?;
    let mut found = Signatures { v1: Vec::new(), v1a: Vec::new(), offers_v1a: false, flaw: Flaw::Version };
    for (at, entry) in value.split(|b| *b == b' ').filter(|entry| !entry.is_empty()).enumerate() {
        if at == SIGNATURES_MAX {
            return Err(malformed(name, Flaw::TooMany));
        }
        if let Some(text) = entry.strip_prefix(b"v1,") {
            match decode(Encoding::Base64, text, Digest::Sha256.length()) {
                Ok(signature) => found.v1.push(signature),
                Err(flaw) => found.flaw = flaw,
            }
        } else if let Some(text) = entry.strip_prefix(b"v1a,").filter(|_| reads_v1a) {
            found.offers_v1a = true;
            if found.v1a.len() == ASYMMETRIC_MAX {
                return Err(malformed(name, Flaw::TooMany));
            }
            match decode(Encoding::Base64, text, ED25519_BYTES) {
                Ok(signature) => found.v1a.push(signature),
                Err(flaw) => found.flaw = flaw,
            }
        }
    }
    Ok(found)
}
