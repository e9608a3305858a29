//! The symmetric secret of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64.

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

use super::{BadSecret, constant_time_eq};

const PREFIX: &str = "whsec_";
const BYTES_MIN: usize = 24;
const BYTES_MAX: usize = 64;

/// Some libraries write secrets without padding, some insist on it: both are read, and padded text is written.
pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A symmetric signing secret (Standard Webhooks 1.0.0, "Signature scheme").
#[derive(Clone)]
pub struct SigningSecret(Zeroizing<Vec<u8>>);

impl SigningSecret {
    /// Reads `whsec_…`; the prefix and the padding may be left out.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        if encoded.is_empty() {
            return Err(BadSecret::Empty);
        }
        if encoded.starts_with("whsk_") || encoded.starts_with("whpk_") {
            return Err(BadSecret::Kind);
        }
        let key = Zeroizing::new(LENIENT.decode(encoded).map_err(|_| BadSecret::Base64)?);
        if (BYTES_MIN..=BYTES_MAX).contains(&key.len()) {
            Ok(Self(key))
        } else {
            Err(BadSecret::Length { bytes: key.len() })
        }
    }

    /// A new secret of 32 random bytes.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random.to_vec()))
    }

    /// The text form, padded: shown once, at creation or rotation.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    /// Enough of the text to tell two secrets apart, and too little to help a guesser.
    pub fn hint(&self) -> String {
        let text = self.reveal();
        format!("{PREFIX}…{}", &text[text.len() - 4..])
    }

    /// The key itself.
    pub fn key(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for SigningSecret {}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}
