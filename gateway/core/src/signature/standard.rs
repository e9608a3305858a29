//! Verification as Standard Webhooks 1.0.0 has it.

use super::encoding::decode;
use super::headers::{malformed, single};
use super::{Digest, Encoding, Flaw, Headers, ID_MAX, SIGNATURES_MAX, VerifyError};

/// The names of the three headers.
pub(super) struct Names {
    pub(super) id: &'static str,
    pub(super) timestamp: &'static str,
    pub(super) signature: &'static str,
}

const STANDARD: Names = Names { id: "webhook-id", timestamp: "webhook-timestamp", signature: "webhook-signature" };
const SVIX: Names = Names { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" };

/// The names this request uses. One set is taken as a whole: an id from one and a signature from the other would be a mix that nobody signs.
pub(super) fn names(headers: &(impl Headers + ?Sized)) -> Names {
    let has = |name: &str| !headers.values(name).is_empty();
    let standard = [STANDARD.id, STANDARD.timestamp, STANDARD.signature].into_iter().any(has);
    if !standard && [SVIX.id, SVIX.timestamp, SVIX.signature].into_iter().any(has) { SVIX } else { STANDARD }
}

/// The message's id. A dot is refused, for it separates the signed parts: with dots in ids, one signature would fit two messages.
pub(super) fn id<'a>(headers: &'a (impl Headers + ?Sized), name: &str) -> Result<&'a str, VerifyError> {
    let value = message_id(headers, name)?;
    if value.contains('.') { Err(malformed(name, Flaw::Id)) } else { Ok(value) }
}

/// A header that names the message: visible ASCII of a bounded length.
pub(super) fn message_id<'a>(headers: &'a (impl Headers + ?Sized), name: &str) -> Result<&'a str, VerifyError> {
    let value = single(headers, name)?;
    if value.len() > ID_MAX {
        return Err(malformed(name, Flaw::TooLong));
    }
    match str::from_utf8(value) {
        Ok(text) if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(text),
        _ => Err(malformed(name, Flaw::Id)),
    }
}

/// Every `v1` signature of the header; entries of other versions are passed over, and so are broken ones as long as one is whole.
pub(super) fn signatures(headers: &(impl Headers + ?Sized), name: &str) -> Result<Vec<Vec<u8>>, VerifyError> {
    let value = single(headers, name)?;
    let (mut found, mut flaw) = (Vec::new(), Flaw::Version);
    for (at, entry) in value.split(|b| *b == b' ').filter(|entry| !entry.is_empty()).enumerate() {
        if at == SIGNATURES_MAX {
            return Err(malformed(name, Flaw::TooMany));
        }
        let Some(text) = entry.strip_prefix(b"v1,") else { continue };
        match decode(Encoding::Base64, text, Digest::Sha256.length()) {
            Ok(signature) => found.push(signature),
            Err(reason) => flaw = reason,
        }
    }
    if found.is_empty() { Err(malformed(name, flaw)) } else { Ok(found) }
}
