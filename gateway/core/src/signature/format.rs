//! How the place of a signature is written: one signature, or a list of things of which some are signatures.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::encoding::{decode, decode_loosely};
use super::headers::{bounded, malformed, trim};
use super::request::{Request, text_at};
use super::{ASYMMETRIC_MAX, BadScheme, Digest, Flaw, Place, SIGNATURES_MAX, SignatureScheme, VerifyError};

/// The most items of a list that are looked at.
const ITEMS_MAX: usize = 32;

/// How the place of a signature is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Format {
    /// One signature, behind the scheme's prefix.
    #[default]
    Plain,
    /// Names and values, such as Stripe's `t=1700000000,v1=…`. Items of other names do not count.
    Pairs {
        /// What separates the items: `,` or `;`.
        delimiter: char,
        /// The name of a signature; there may be several.
        key: String,
        /// The name of the time of signing, which must be there once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timestamp: Option<String>,
    },
    /// Items separated by blanks, each a word, a comma and a value, as Standard Webhooks has it: `v1,… v1,…`. Items of other words do not count.
    Tagged {
        /// The word of a signature.
        tag: String,
    },
    /// Items that are known by their place: all are signatures, or the first is the time of signing. The scheme's prefix stands before the first
    /// signature, and may stand before the others.
    Positional {
        /// What separates the items: `,` or `;`.
        delimiter: char,
        /// What stands before the time of signing, such as `t=`, where the first item is one; empty where nothing does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timestamp_prefix: Option<String>,
    },
}

impl Format {
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }

    /// Whether the time of signing stands beside the signature.
    pub(super) const fn has_timestamp(&self) -> bool {
        matches!(self, Self::Pairs { timestamp: Some(_), .. } | Self::Positional { timestamp_prefix: Some(_), .. })
    }

    /// Whether the scheme's prefix stands before each signature.
    pub(super) const fn takes_prefix(&self) -> bool {
        matches!(self, Self::Plain | Self::Positional { .. })
    }

    pub(super) fn check(&self) -> Result<(), BadScheme> {
        let bad = |why| Err(BadScheme { field: "format", why });
        let word = |text: &str| {
            (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        match self {
            Self::Pairs { delimiter, .. } | Self::Positional { delimiter, .. } if !matches!(delimiter, ',' | ';') => {
                bad("must have the delimiter , or ;")
            }
            Self::Pairs { key, timestamp, .. } if !word(key) || timestamp.iter().any(|name| !word(name)) => {
                bad("must have names of 1 to 32 letters, digits, - and _")
            }
            Self::Pairs { key, timestamp: Some(timestamp), .. } if key == timestamp => {
                bad("must have two names for the signature and its time")
            }
            Self::Tagged { tag } if !word(tag) => bad("must have a tag of 1 to 32 letters, digits, - and _"),
            Self::Positional { timestamp_prefix: Some(prefix), .. }
                if prefix.len() > 32 || !prefix.bytes().all(|b| b.is_ascii_graphic()) =>
            {
                bad("must have a timestamp_prefix of at most 32 characters of visible ASCII")
            }
            _ => Ok(()),
        }
    }
}

/// What stands at the place of a signature.
pub(super) struct Found<'a> {
    /// The signatures that are whole.
    pub(super) signatures: Vec<Vec<u8>>,
    /// The hash function they were made with.
    pub(super) digest: Digest,
    /// The time of signing, where it stands there.
    pub(super) timestamp: Option<Cow<'a, [u8]>>,
}

/// Reads the place of a scheme's signature; `length` is that of a signature, where it is none of a digest.
pub(super) fn find<'a>(
    scheme: &SignatureScheme,
    request: &Request<'a>,
    length: Option<usize>,
) -> Result<Found<'a>, VerifyError> {
    let place = scheme.place();
    if let Place::NumberedHeaders(start) = &*place {
        return numbered(scheme, request, start, length);
    }
    let value = text_at(request, &place)?;
    let mut reader = Reader::new(scheme, length);
    let timestamp = match value {
        Cow::Borrowed(value) => reader.read(value).map(|time| time.map(Cow::Borrowed)),
        Cow::Owned(value) => reader.read(&value).map(|time| time.map(|time| Cow::Owned(time.to_vec()))),
    };
    let timestamp = timestamp.map_err(|flaw| VerifyError::at(&place, flaw))?;
    reader.finish(timestamp).map_err(|flaw| VerifyError::at(&place, flaw))
}

/// The headers `start1`, `start2`, … until one is not there.
fn numbered<'a>(
    scheme: &SignatureScheme,
    request: &Request<'a>,
    start: &str,
    length: Option<usize>,
) -> Result<Found<'a>, VerifyError> {
    let mut reader = Reader::new(scheme, length);
    for number in 1..=SIGNATURES_MAX {
        let name = format!("{start}{number}");
        match request.headers.values(&name).as_slice() {
            [] if number == 1 => return Err(VerifyError::MissingHeader { header: name }),
            [] => break,
            [value] => {
                reader.read(bounded(&name, value)?).map_err(|flaw| malformed(&name, flaw))?;
            }
            _ => return Err(malformed(&name, Flaw::Duplicate)),
        }
    }
    reader.finish(None).map_err(|flaw| malformed(&format!("{start}1"), flaw))
}

/// Collects signatures. A broken one is passed over as long as another is whole.
struct Reader<'s> {
    scheme: &'s SignatureScheme,
    length: Option<usize>,
    /// The hash function of what was collected; where signatures name theirs, the strongest that was named.
    digest: Digest,
    named: bool,
    signatures: Vec<Vec<u8>>,
    flaw: Flaw,
}

impl<'s> Reader<'s> {
    const fn new(scheme: &'s SignatureScheme, length: Option<usize>) -> Self {
        Self { scheme, length, digest: scheme.digest, named: false, signatures: Vec::new(), flaw: Flaw::NoSignature }
    }

    /// Reads one value; the time of signing, if it holds one.
    fn read<'v>(&mut self, value: &'v [u8]) -> Result<Option<&'v [u8]>, Flaw> {
        let scheme = self.scheme;
        match &scheme.format {
            Format::Plain => self.take(value, true).map(|()| None),
            Format::Pairs { delimiter, key, timestamp } => {
                let mut time = None;
                for item in items(value, *delimiter)? {
                    // Split once: base64 has `=` of its own.
                    let Some(at) = item.iter().position(|b| *b == b'=') else { continue };
                    let (name, value) = (trim(&item[..at]), &item[at + 1..]);
                    if timestamp.as_ref().is_some_and(|own| own.as_bytes() == name) {
                        if time.replace(value).is_some() {
                            return Err(Flaw::Duplicate);
                        }
                    } else if key.as_bytes() == name {
                        self.take(value, true)?;
                    }
                }
                Ok(time)
            }
            Format::Tagged { tag } => {
                for item in items(value, ' ')?.into_iter().filter(|item| !item.is_empty()) {
                    if let Some(text) = item.strip_prefix(tag.as_bytes()).and_then(|rest| rest.strip_prefix(b",")) {
                        self.take(text, true)?;
                    }
                }
                Ok(None)
            }
            Format::Positional { delimiter, timestamp_prefix } => {
                let mut items = items(value, *delimiter)?.into_iter();
                let time = match timestamp_prefix {
                    None => None,
                    Some(prefix) => {
                        let first = items.next().unwrap_or_default();
                        Some(first.strip_prefix(prefix.as_bytes()).ok_or(Flaw::Prefix)?)
                    }
                };
                for (at, item) in items.enumerate() {
                    if at == 0 && !item.starts_with(scheme.prefix.as_bytes()) {
                        return Err(Flaw::Prefix);
                    }
                    self.take(item, at == 0)?;
                }
                Ok(time)
            }
        }
    }

    fn take(&mut self, text: &[u8], prefixed: bool) -> Result<(), Flaw> {
        // A length of its own has what is no HMAC.
        if self.signatures.len() == if self.length.is_some() { ASYMMETRIC_MAX } else { SIGNATURES_MAX } {
            return Err(Flaw::TooMany);
        }
        match self.decoded(text, prefixed) {
            Ok(Some(signature)) => self.signatures.push(signature),
            Ok(None) => {}
            Err(flaw) => self.flaw = flaw,
        }
        Ok(())
    }

    /// The signature; none where a stronger one is there.
    fn decoded(&mut self, text: &[u8], prefixed: bool) -> Result<Option<Vec<u8>>, Flaw> {
        let scheme = self.scheme;
        let mut text = text;
        if !scheme.methods.is_empty() {
            let at = text.iter().position(|b| *b == b'=').ok_or(Flaw::Method)?;
            let named = Digest::of_word(&text[..at]).filter(|digest| scheme.methods.contains(digest));
            if !self.is_strongest(named.ok_or(Flaw::Method)?) {
                return Ok(None);
            }
            text = &text[at + 1..];
        } else if scheme.format.takes_prefix() {
            let behind = text.strip_prefix(scheme.prefix.as_bytes());
            text = behind.or((!prefixed).then_some(text)).ok_or(Flaw::Prefix)?;
        }
        text = text.strip_suffix(scheme.suffix.as_bytes()).ok_or(Flaw::Suffix)?;
        let length = self.length.unwrap_or_else(|| self.digest.length());
        let decoded = if scheme.padding_optional {
            decode_loosely(scheme.encoding, text, length)
        } else {
            decode(scheme.encoding, text, length)
        };
        decoded.map(Some)
    }

    /// Whether no stronger method was named before; what was collected of weaker ones goes. So the strongest that is offered decides, whole or
    /// broken, wherever in the list it stands.
    fn is_strongest(&mut self, named: Digest) -> bool {
        if self.named && named.length() < self.digest.length() {
            return false;
        }
        if self.digest != named {
            self.signatures.clear();
        }
        self.named = true;
        self.digest = named;
        true
    }

    fn finish(self, timestamp: Option<Cow<'_, [u8]>>) -> Result<Found<'_>, Flaw> {
        if self.signatures.is_empty() {
            return Err(self.flaw);
        }
        if self.scheme.format.has_timestamp() && timestamp.as_ref().is_none_or(|time| time.is_empty()) {
            return Err(Flaw::NoTimestamp);
        }
        Ok(Found { signatures: self.signatures, digest: self.digest, timestamp })
    }
}

fn items(value: &[u8], delimiter: char) -> Result<Vec<&[u8]>, Flaw> {
    let items: Vec<_> = value.split(|b| char::from(*b) == delimiter).take(ITEMS_MAX + 1).map(trim).collect();
    if items.len() > ITEMS_MAX { Err(Flaw::TooMany) } else { Ok(items) }
}
