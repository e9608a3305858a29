//! The bytes of a request, before anything is divided.

use std::borrow::Cow;

use super::charset::{self, Charset, Named};
use super::fault::Fault;
use super::interchange::{Interchange, Limits};

/// The UTF-8 byte order mark.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A request's body, and what the transport says about its characters.
#[derive(Clone, Debug)]
pub struct Text<'b> {
    bytes: Cow<'b, [u8]>,
    charset: Option<Charset>,
}

impl<'b> Text<'b> {
    /// Looks at a body and its content type. A body in UTF-16, told by a byte order mark or by its first characters, is
    /// changed to UTF-8; all others stay as they are. Fails if it is no UTF-16 after all.
    pub fn new(body: &'b [u8], content_type: Option<&str>) -> Result<Self, Fault> {
        if let Some(big_endian) = utf_16(body) {
            let text = from_utf_16(body, big_endian).ok_or(Fault {
                code: "malformed",
                location: None,
                expected: "UTF-16, as the first bytes say",
            })?;
            return Ok(Self { bytes: Cow::Owned(text.into_bytes()), charset: Some(Charset::Utf8) });
        }
        let begins_with_mark = body.strip_prefix(b"\x0b").unwrap_or(body).starts_with(BYTE_ORDER_MARK);
        let charset = match content_type.and_then(charset::of_content_type).map(charset::named) {
            _ if begins_with_mark => Some(Charset::Utf8),
            Some(Named::Known(charset)) => Some(charset),
            Some(Named::Wide) | None => None,
        };
        Ok(Self { bytes: Cow::Borrowed(body), charset })
    }

    /// The bytes: those of the body, or their UTF-8 if they were UTF-16.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The character set, if byte order mark or content type told it.
    pub fn charset(&self) -> Option<Charset> {
        self.charset
    }

    /// Divides it into messages, lines and fields.
    pub fn interchange(&self, limits: &Limits) -> Result<Interchange<'_>, Fault> {
        Interchange::read(&self.bytes, self.charset, limits)
    }
}

/// Whether a body is UTF-16, and if so whether the larger byte comes first.
fn utf_16(body: &[u8]) -> Option<bool> {
    match body {
        [0xff, 0xfe, ..] | [b'M' | b'F' | b'B', 0, _, 0, ..] => Some(false),
        [0xfe, 0xff, ..] | [0, b'M' | b'F' | b'B', 0, _, ..] => Some(true),
        _ => None,
    }
}

fn from_utf_16(body: &[u8], big_endian: bool) -> Option<String> {
    let units = body.chunks_exact(2);
    if !units.remainder().is_empty() {
        return None;
    }
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    char::decode_utf16(units.map(unit)).collect::<Result<String, _>>().ok()
}
