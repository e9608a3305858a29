//! Signatures as text, read strictly: a signature has exactly one spelling but for the case of hexadecimal digits.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::Flaw;

const INDIFFERENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD_LOOSE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, INDIFFERENT);
const URL_SAFE_LOOSE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, INDIFFERENT);

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Hexadecimal digits, in either case.
    #[default]
    Hex,
    /// Base64 of the standard alphabet, padded.
    Base64,
    /// Base64 of the alphabet for URLs and file names (RFC 4648 §5), padded.
    Base64url,
}

impl Encoding {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 3] =
        [("hex", Self::Hex), ("base64", Self::Base64), ("base64url", Self::Base64url)];

    /// The encoding of that word.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(own, _)| *own == word).map(|(_, encoding)| encoding)
    }
}

/// Decodes a whole signature of `length` bytes.
pub(super) fn decode(encoding: Encoding, text: &[u8], length: usize) -> Result<Vec<u8>, Flaw> {
    read(encoding, text, length, [&STANDARD, &URL_SAFE])
}

/// The same, with base64 whose padding may be left out.
pub(super) fn decode_loosely(encoding: Encoding, text: &[u8], length: usize) -> Result<Vec<u8>, Flaw> {
    read(encoding, text, length, [&STANDARD_LOOSE, &URL_SAFE_LOOSE])
}

/// The engines refuse the other's alphabet and stray bits in the last character.
fn read(encoding: Encoding, text: &[u8], length: usize, engines: [&GeneralPurpose; 2]) -> Result<Vec<u8>, Flaw> {
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    let bytes = match encoding {
        Encoding::Hex => hex::decode(text).map_err(|_| Flaw::Hex)?,
        Encoding::Base64 => engines[0].decode(text).map_err(|_| Flaw::Base64)?,
        Encoding::Base64url => engines[1].decode(text).map_err(|_| Flaw::Base64)?,
    };
    if bytes.len() == length { Ok(bytes) } else { Err(Flaw::Length) }
}

/// Writes a signature.
pub(crate) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Base64url => URL_SAFE.encode(bytes),
    }
}
