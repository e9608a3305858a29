//! Signatures as text, read strictly: a signature has exactly one spelling but for the case of hexadecimal digits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Encoding, Flaw};

/// Decodes a whole signature of `length` bytes.
pub(super) fn decode(encoding: Encoding, text: &[u8], length: usize) -> Result<Vec<u8>, Flaw> {
    if text.is_empty() {
        return Err(Flaw::Empty);
    }
    let bytes = match encoding {
        Encoding::Hex => hex::decode(text).map_err(|_| Flaw::Hex)?,
        // This engine refuses the url-safe alphabet, missing padding, and stray bits in the last character.
        Encoding::Base64 => STANDARD.decode(text).map_err(|_| Flaw::Base64)?,
    };
    if bytes.len() == length { Ok(bytes) } else { Err(Flaw::Length) }
}

/// Writes a signature.
pub(super) fn encode(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
    }
}
