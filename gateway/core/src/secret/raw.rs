//! A partner's secret, used as the text it is.

use std::fmt;

use zeroize::Zeroizing;

use super::{BadSecret, constant_time_eq};

const BYTES_MAX: usize = 512;
/// Below this length four characters would be too much of the secret to show.
const HINT_MIN: usize = 16;

/// A secret whose UTF-8 bytes are the key, as most partners mean it: nothing is stripped, decoded or trimmed.
#[derive(Clone)]
pub struct RawSecret(Zeroizing<String>);

impl RawSecret {
    /// Takes 1 to 512 bytes of text.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        match text.len() {
            0 => Err(BadSecret::Empty),
            1..=BYTES_MAX => Ok(Self(Zeroizing::new(text.to_owned()))),
            _ => Err(BadSecret::TooLong),
        }
    }

    /// The text, as it was entered.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last four characters, or none of a short secret.
    pub fn hint(&self) -> String {
        let length = self.0.chars().count();
        let shown = if length < HINT_MIN { 0 } else { 4 };
        std::iter::once('…').chain(self.0.chars().skip(length - shown)).collect()
    }

    /// The key itself.
    pub fn key(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl PartialEq for RawSecret {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.key(), other.key())
    }
}

impl Eq for RawSecret {}

impl fmt::Debug for RawSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawSecret(…)")
    }
}
