//! API keys: `hwk_<id>_<secret>_<checksum>`, made of letters, digits and underscores, so that a double click selects one.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::constant_time_eq;
use crate::id::{self, KeyId};

const PREFIX: &str = "hwk";
const ID_LENGTH: usize = 13;
/// 32 bytes at 5 bits a character.
const SECRET_LENGTH: usize = 52;
const CHECKSUM_LENGTH: usize = 8;

/// Why a text is not an API key. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadApiKey {
    /// Not of the form of an API key at all.
    #[error("not an API key (expected hwk_, an id, a secret and a checksum)")]
    Form,
    /// Of that form, but its checksum does not fit: cut off or mistyped.
    #[error("a mistyped API key (its checksum does not fit)")]
    Mistyped,
}

/// An API key as its holder sends it. Its 256 random bits need no slow hash: only [`ApiKey::hash`] is stored.
#[derive(Clone)]
pub struct ApiKey {
    id: KeyId,
    text: Zeroizing<String>,
}

impl ApiKey {
    /// A new key of 32 random bytes.
    pub fn generate(id: KeyId, random: [u8; 32]) -> Self {
        let random = Zeroizing::new(random);
        let mut text =
            Zeroizing::new(String::with_capacity(PREFIX.len() + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH + 3));
        text.push_str(PREFIX);
        text.push('_');
        text.push_str(id::text_of(id.get().unsigned_abs(), &mut [0; ID_LENGTH]));
        text.push('_');
        // 256 bits are 51 characters and one bit, which the last character carries above four zero bits.
        let bit = |at: usize| random.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        for start in (0..SECRET_LENGTH * 5).step_by(5) {
            text.push(id::digit((start..start + 5).fold(0, |value, at| value << 1 | bit(at))));
        }
        let checksum = crc32(text.as_bytes());
        text.push('_');
        text.push_str(&hex::encode(checksum.to_be_bytes()));
        Self { id, text }
    }

    /// Reads a key and checks its checksum. That it is known is for the store to say.
    pub fn parse(text: &str) -> Result<Self, BadApiKey> {
        let mut parts = text.split('_');
        let (Some(PREFIX), Some(id), Some(secret), Some(checksum), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadApiKey::Form);
        };
        let body = &text[..text.len() - checksum.len() - 1];
        // A key that lost or gained characters is a mistyped one, as long as its parts are there.
        if id.len() != ID_LENGTH
            || secret.len() != SECRET_LENGTH
            || checksum != hex::encode(crc32(body.as_bytes()).to_be_bytes())
        {
            return Err(BadApiKey::Mistyped);
        }
        let id = format!("{}{id}", KeyId::PREFIX).parse().map_err(|_| BadApiKey::Form)?;
        Ok(Self { id, text: Zeroizing::new(text.to_owned()) })
    }

    /// The key's public half, by which it is looked up.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The whole text: shown once, at creation.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the whole text: what is stored.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// Whether this is the key of a stored hash, in constant time.
    pub fn matches(&self, stored_hash: &[u8]) -> bool {
        constant_time_eq(&self.hash(), stored_hash)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, …)", self.id)
    }
}

/// CRC-32 as in IEEE 802.3 and zlib: it finds slips of the hand, and keeps no attacker out.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
