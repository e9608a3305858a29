//! What a certificate says of itself that people want to know: when it is valid, and by what print it is recognised.

use hookwright_core::timestamp::parse_rfc3339;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// When it begins to be valid, unix milliseconds.
    pub begins_at: i64,
    /// When it ceases to be, unix milliseconds.
    pub expires_at: i64,
    /// The SHA-256 of its bytes, in lower-case hexadecimal.
    pub sha256: String,
}

/// Reads them; nothing, if it is no X.509 certificate (RFC 5280, section 4.1).
pub fn facts(certificate: &CertificateDer<'_>) -> Option<Facts> {
    let (certificate_body, _) = expect(certificate.as_ref(), SEQUENCE)?;
    let (mut body, _) = expect(certificate_body, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        (_, body) = expect(body, VERSION)?;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        (_, _, body) = element(body)?;
    }
    let (validity, _) = expect(body, SEQUENCE)?;
    let (begins, from, rest) = element(validity)?;
    let (expires, until, _) = element(rest)?;
    Some(Facts {
        begins_at: time(begins, from)?,
        expires_at: time(expires, until)?,
        sha256: hex::encode(Sha256::digest(certificate.as_ref())),
    })
}

/// The first element of DER: its tag, its contents, and what comes after it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], rest) = der.split_first_chunk()?;
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        // No certificate is longer than four bytes can say.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

fn expect(der: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, contents, rest) = element(der)?;
    (tag == expected).then_some((contents, rest))
}

/// A time as certificates have it: to the second, and in UTC.
fn time(tag: u8, contents: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(contents).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at(2);
            let century = if year < "50" { "20" } else { "19" };
            (format!("{century}{year}"), rest)
        }
        (GENERALIZED_TIME, 14) => (digits[..4].to_owned(), &digits[4..]),
        _ => return None,
    };
    let at = |from: usize| &rest[from..from + 2];
    parse_rfc3339(&format!("{year}-{}-{}T{}:{}:{}Z", at(0), at(2), at(4), at(6), at(8))).ok()
}
