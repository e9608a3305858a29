//! The generic scheme of signatures: where one stands, how it is written, and what it is made over.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::scheme::TOLERANCE_SECONDS;
use super::{
    BadScheme, BodyDigest, Digest, Encoding, Format, KeyDerivation, Part, Place, TimestampUnit, is_header_name,
};

/// The widest window that still keeps replays out (one day).
pub(super) const TOLERANCE_MAX_SECONDS: u32 = 86_400;
const TEXT_MAX: usize = 128;
const PARTS_MAX: usize = 16;

/// A signature over parts of the request: an HMAC, or Ed25519.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a knob of its own that the partner turned; none excludes another"
)]
pub struct SignatureScheme {
    /// The header that holds the signature; empty where `location` says where it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// Where the signature is, if not in the one header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Place>,
    /// What stands before the signature in that header, such as `sha256=`. It must be there.
    #[serde(default)]
    pub prefix: String,
    /// What stands behind each signature, such as the `:` that ends a byte sequence of RFC 8941. It must be there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
    /// How that place is written, if it is more than one signature.
    #[serde(default, skip_serializing_if = "Format::is_plain")]
    pub format: Format,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// Whether base64 may lack its padding.
    #[serde(default, skip_serializing_if = "is_false")]
    pub padding_optional: bool,
    /// The hash function of an HMAC.
    #[serde(default)]
    pub digest: Digest,
    /// Hash functions that the signature itself may name, as in `sha1=…`; then `digest` does not count. Which one is accepted is said here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Digest>,
    /// How a secret becomes the key.
    #[serde(default, skip_serializing_if = "KeyDerivation::is_utf8")]
    pub key: KeyDerivation,
    /// The header that holds the time of signing, if the partner sends one.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// How that time is written; also where it stands beside the signature.
    #[serde(default)]
    pub timestamp_unit: TimestampUnit,
    /// What is signed, in order. Left out: the body, or `{timestamp}.{body}` where there is a time of signing.
    #[serde(default)]
    pub signed_content: Option<Vec<Part>>,
    /// A digest of the body that the request brings and that is signed in the body's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_digest: Option<BodyDigest>,
    /// Whether a signed URL may have been signed with its scheme's default port written out, or left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub either_port: bool,
    /// Whether the body is not covered by the signature, which then proves no more than a static credential does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub body_unsigned: bool,
    /// The header that names the message, for de-duplication. If set, it must be there.
    #[serde(default)]
    pub id_header: Option<String>,
    /// Whether that header may be missing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub id_optional: bool,
    /// How far the signed time may be from now, in seconds, on either side. Left out: 300. `null`: any time will do, for partners
    /// that redeliver with the first attempt's time.
    #[serde(default = "tolerance_seconds")]
    pub tolerance_seconds: Option<u32>,
}

impl SignatureScheme {
    /// An HMAC-SHA-256 of the body in hexadecimal digits, in a header: what all else is a change of.
    pub fn new(header: impl Into<String>) -> Self {
        Self {
            header: header.into(),
            location: None,
            prefix: String::new(),
            suffix: String::new(),
            format: Format::Plain,
            encoding: Encoding::Hex,
            padding_optional: false,
            digest: Digest::Sha256,
            methods: Vec::new(),
            key: KeyDerivation::Utf8,
            timestamp_header: None,
            timestamp_unit: TimestampUnit::Seconds,
            signed_content: None,
            body_digest: None,
            either_port: false,
            body_unsigned: false,
            id_header: None,
            id_optional: false,
            tolerance_seconds: Some(TOLERANCE_SECONDS),
        }
    }

    /// Where the signature is.
    pub fn place(&self) -> Cow<'_, Place> {
        match &self.location {
            Some(place) => Cow::Borrowed(place),
            None => Cow::Owned(Place::Header(self.header.clone())),
        }
    }

    /// What is signed, with the default written out.
    pub(super) fn parts(&self) -> Vec<Part> {
        match &self.signed_content {
            Some(parts) => parts.clone(),
            None if self.has_timestamp() => vec![Part::Timestamp, Part::Literal(".".to_owned()), Part::Body],
            None => vec![Part::Body],
        }
    }

    /// Whether the time of signing is told.
    pub(super) const fn has_timestamp(&self) -> bool {
        self.timestamp_header.is_some() || self.format.has_timestamp()
    }

    /// Whether what is signed holds a text that no challenge can: with it, no answer to a handshake is ever a signature.
    pub(crate) fn is_apart_from_challenges(&self) -> bool {
        let challenge = |text: &String| text.bytes().all(crate::handshake::is_challenge_byte);
        self.parts().iter().any(|part| matches!(part, Part::Literal(text) if !challenge(text)))
    }

    /// Whether the body itself is among what is signed.
    pub(crate) fn signs_whole_body(&self) -> bool {
        self.parts().contains(&Part::Body)
    }

    pub(super) fn check(&self) -> Result<(), BadScheme> {
        let bad = |field, why| Err(BadScheme { field, why });
        match &self.location {
            None => check_name("header", &self.header)?,
            Some(_) if !self.header.is_empty() => return bad("location", "must not be there beside a header"),
            Some(Place::NumberedHeaders(_)) if self.format.has_timestamp() => {
                return bad("format", "must not hold a time where several headers do");
            }
            Some(_) => {}
        }
        for (field, name) in [("timestamp_header", &self.timestamp_header), ("id_header", &self.id_header)] {
            if let Some(name) = name {
                check_name(field, name)?;
            }
        }
        self.format.check()?;
        self.check_prefix()?;
        check_suffix("suffix", &self.suffix)?;
        check_tolerance(self.tolerance_seconds)?;
        if self.timestamp_header.is_some() && self.format.has_timestamp() {
            return bad("timestamp_header", "must not be there where the signature's own place holds the time");
        }
        if let Some(digest) = &self.body_digest {
            digest.check()?;
        }
        self.check_parts()
    }

    /// An asymmetric signature has no digest and no key to choose.
    pub(super) fn check_ed25519(&self) -> Result<(), BadScheme> {
        let bad = |field, why| Err(BadScheme { field, why });
        if self.digest != Digest::Sha256 || !self.methods.is_empty() {
            return bad("digest", "must not be chosen for ed25519");
        }
        if self.key != KeyDerivation::Utf8 {
            return bad("key", "must not be chosen for ed25519, whose public keys tell how they are written");
        }
        self.check()
    }

    fn check_prefix(&self) -> Result<(), BadScheme> {
        let bad = |why| Err(BadScheme { field: "prefix", why });
        if self.prefix.len() > TEXT_MAX || !self.prefix.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return bad("must be at most 128 characters of visible ASCII");
        }
        if self.prefix.starts_with(' ') {
            return bad("must not begin with a blank, which HTTP drops");
        }
        if !self.prefix.is_empty() && !self.methods.is_empty() {
            return bad("must not be there where the signature names its method");
        }
        if !self.prefix.is_empty() && !self.format.takes_prefix() {
            return bad("must not be there in a format that names its signatures");
        }
        Ok(())
    }

    fn check_parts(&self) -> Result<(), BadScheme> {
        let bad = |why| Err(BadScheme { field: "signed_content", why });
        let parts = self.parts();
        if parts.len() > PARTS_MAX {
            return bad("must not have more than 16 parts");
        }
        for part in &parts {
            match part {
                Part::Header(name) => check_name("signed_content", name)?,
                Part::Literal(text) if text.len() > TEXT_MAX => return bad("a text must not be longer than 128 bytes"),
                Part::Timestamp if !self.has_timestamp() => return bad("{timestamp} needs a timestamp_header"),
                _ => {}
            }
        }
        // Without the body, anybody who saw one request could send another body under its signature.
        if !self.body_unsigned && !parts.iter().any(|part| self.covers_body(part)) {
            return bad("must contain {body}");
        }
        if self.methods.len() > Digest::WORDS.len() {
            return Err(BadScheme { field: "methods", why: "must not name a method twice" });
        }
        // A time that is not signed can be replaced by a fresh one, and keeps no replay out.
        let signs_time = parts.iter().any(|part| match part {
            Part::Timestamp => true,
            Part::Header(signed) => {
                self.timestamp_header.as_ref().is_some_and(|name| signed.eq_ignore_ascii_case(name))
            }
            _ => false,
        });
        if self.has_timestamp() && !signs_time {
            return bad("must contain {timestamp} where there is a timestamp_header");
        }
        Ok(())
    }

    /// Whether a part binds the signature to the body, by itself or by the digest that is compared with it.
    fn covers_body(&self, part: &Part) -> bool {
        let digest_at = self.body_digest.as_ref().map(|digest| &digest.location);
        part.covers_body()
            || match (part, digest_at) {
                (Part::Header(name), Some(Place::Header(holder))) => name.eq_ignore_ascii_case(holder),
                (Part::Url | Part::Query, Some(Place::Query(_))) => true,
                (Part::At(place), Some(holder)) => place == holder,
                _ => false,
            }
    }
}

pub(super) fn check_tolerance(tolerance_seconds: Option<u32>) -> Result<(), BadScheme> {
    if tolerance_seconds.is_some_and(|seconds| !(1..=TOLERANCE_MAX_SECONDS).contains(&seconds)) {
        return Err(BadScheme { field: "tolerance_seconds", why: "must be from 1 to 86400" });
    }
    Ok(())
}

/// What ends a text can neither be blank, which HTTP drops, nor be read as a part of the text.
pub(super) fn check_suffix(field: &'static str, suffix: &str) -> Result<(), BadScheme> {
    let encoded = |b: u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b);
    if suffix.len() > TEXT_MAX || !suffix.bytes().all(|b| b.is_ascii_graphic() && !encoded(b)) {
        return Err(BadScheme {
            field,
            why: "must have a suffix of at most 128 characters of punctuation but for + / - _ =",
        });
    }
    Ok(())
}

pub(super) fn check_name(field: &'static str, name: &str) -> Result<(), BadScheme> {
    const WHY: &str = "must be a header's name: 1 to 128 letters, digits and !#$%&'*+-.^_`|~";
    if is_header_name(name) { Ok(()) } else { Err(BadScheme { field, why: WHY }) }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::unnecessary_wraps, reason = "serde's default must have the type of the field")]
const fn tolerance_seconds() -> Option<u32> {
    Some(TOLERANCE_SECONDS)
}
