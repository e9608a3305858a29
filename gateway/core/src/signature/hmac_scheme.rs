//! The generic HMAC scheme: which header holds the signature, how it is written, and what it is made over.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::BadScheme;
use super::scheme::TOLERANCE_SECONDS;

/// The widest window that still keeps replays out (one day).
pub(super) const TOLERANCE_MAX_SECONDS: u32 = 86_400;
const NAME_MAX: usize = 128;
const TEXT_MAX: usize = 128;
const PARTS_MAX: usize = 16;

/// One HMAC over parts of the request, in one header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HmacScheme {
    /// The header that holds the signature.
    pub header: String,
    /// What stands before the signature in that header, such as `sha256=`. It must be there.
    #[serde(default)]
    pub prefix: String,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The hash function.
    #[serde(default)]
    pub digest: Digest,
    /// The header that holds the time of signing, if the partner sends one.
    #[serde(default)]
    pub timestamp_header: Option<String>,
    /// What that time counts.
    #[serde(default)]
    pub timestamp_unit: TimestampUnit,
    /// What is signed, in order. Left out: the body, or `{timestamp}.{body}` where there is a timestamp header.
    #[serde(default)]
    pub signed_content: Option<Vec<Part>>,
    /// The header that names the message, for de-duplication. If set, it must be there.
    #[serde(default)]
    pub id_header: Option<String>,
    /// How far the signed time may be from now, in seconds, on either side. Left out: 300. `null`: any time will do, for partners
    /// that redeliver with the first attempt's time.
    #[serde(default = "tolerance_seconds")]
    pub tolerance_seconds: Option<u32>,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits, in either case.
    #[default]
    Hex,
    /// Base64 of the standard alphabet, padded.
    Base64,
}

/// The hash function of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// How many bytes a code has.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// What a timestamp counts, since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestampUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// One part of what is signed: `{body}`, `{timestamp}`, `{header:Name}`, or any other text, which stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Part {
    /// The raw body.
    Body,
    /// The value of the timestamp header, as it was sent.
    Timestamp,
    /// The one value of a header, as it was sent.
    Header(String),
    /// This text.
    Literal(String),
}

impl TryFrom<String> for Part {
    type Error = BadScheme;

    fn try_from(text: String) -> Result<Self, BadScheme> {
        const WHY: &str = "a part in braces must be {body}, {timestamp} or {header:Name}";
        let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return Ok(Self::Literal(text));
        };
        match (inner, inner.strip_prefix("header:")) {
            ("body", _) => Ok(Self::Body),
            ("timestamp", _) => Ok(Self::Timestamp),
            (_, Some(name)) => Ok(Self::Header(name.to_owned())),
            _ => Err(BadScheme { field: "signed_content", why: WHY }),
        }
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("{body}"),
            Self::Timestamp => f.write_str("{timestamp}"),
            Self::Header(name) => write!(f, "{{header:{name}}}"),
            Self::Literal(text) => f.write_str(text),
        }
    }
}

impl HmacScheme {
    /// What is signed, with the default written out.
    pub(super) fn parts(&self) -> Vec<Part> {
        match (&self.signed_content, &self.timestamp_header) {
            (Some(parts), _) => parts.clone(),
            (None, None) => vec![Part::Body],
            (None, Some(_)) => vec![Part::Timestamp, Part::Literal(".".to_owned()), Part::Body],
        }
    }

    pub(super) fn check(&self) -> Result<(), BadScheme> {
        check_name("header", &self.header)?;
        if let Some(name) = &self.timestamp_header {
            check_name("timestamp_header", name)?;
        }
        if let Some(name) = &self.id_header {
            check_name("id_header", name)?;
        }
        if self.prefix.len() > TEXT_MAX || !self.prefix.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(BadScheme { field: "prefix", why: "must be at most 128 characters of visible ASCII" });
        }
        if self.prefix.starts_with(' ') {
            return Err(BadScheme { field: "prefix", why: "must not begin with a blank, which HTTP drops" });
        }
        if self.tolerance_seconds.is_some_and(|seconds| !(1..=TOLERANCE_MAX_SECONDS).contains(&seconds)) {
            return Err(BadScheme { field: "tolerance_seconds", why: "must be from 1 to 86400" });
        }
        self.check_parts()
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
                Part::Timestamp if self.timestamp_header.is_none() => {
                    return bad("{timestamp} needs a timestamp_header");
                }
                Part::Body | Part::Timestamp | Part::Literal(_) => {}
            }
        }
        // Without the body, anybody who saw one request could send another body under its signature.
        if !parts.contains(&Part::Body) {
            return bad("must contain {body}");
        }
        // A time that is not signed can be replaced by a fresh one, and keeps no replay out.
        let signs_time = |name: &String| {
            parts.iter().any(|part| match part {
                Part::Timestamp => true,
                Part::Header(signed) => signed.eq_ignore_ascii_case(name),
                Part::Body | Part::Literal(_) => false,
            })
        };
        match &self.timestamp_header {
            Some(name) if !signs_time(name) => bad("must contain {timestamp} where there is a timestamp_header"),
            _ => Ok(()),
        }
    }
}

fn check_name(field: &'static str, name: &str) -> Result<(), BadScheme> {
    const WHY: &str = "must be a header's name: 1 to 128 letters, digits and !#$%&'*+-.^_`|~";
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err(BadScheme { field, why: WHY })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "serde's default must have the type of the field")]
const fn tolerance_seconds() -> Option<u32> {
    Some(TOLERANCE_SECONDS)
}
