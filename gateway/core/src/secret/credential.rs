//! What a partner is shown when it is asked: tokens, passwords, private keys.

use super::{BadSecret, constant_time_eq};
use std::fmt;
use zeroize::Zeroizing;

/// A private RSA key of 4,096 bits is a little over 3 KiB of PEM.
const BYTES_MAX: usize = 8 * 1024;
/// Below this length four characters would be too much of the secret to show.
const HINT_MIN: usize = 16;

/// A credential as text, used as it is.
#[derive(Clone)]
pub struct CredentialText(Zeroizing<String>);

impl CredentialText {
    /// Takes 1 to 8,192 bytes of text.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        match text.len() {
            0 => Err(BadSecret::Empty),
            1..=BYTES_MAX => Ok(Self(Zeroizing::new(text.to_owned()))),
            _ => Err(BadSecret::CredentialTooLong),
        }
    }

    /// The text, as it was entered.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last four characters, or none of a short one. A key in PEM ends like every other.
    pub fn hint(&self) -> String {
        let text = self.0.trim_end();
        let length = text.chars().count();
        let shown = if length < HINT_MIN || text.ends_with('-') { 0 } else { 4 };
        std::iter::once('…').chain(text.chars().skip(length - shown)).collect()
    }
}

impl PartialEq for CredentialText {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for CredentialText {}

impl fmt::Debug for CredentialText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialText(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_length_is_bounded_and_its_hint_tells_little() {
        assert_eq!(CredentialText::parse(""), Err(BadSecret::Empty));
        assert_eq!(CredentialText::parse(&"x".repeat(BYTES_MAX + 1)), Err(BadSecret::CredentialTooLong));
        let hint = |text: &str| CredentialText::parse(text).unwrap().hint();
        assert_eq!(hint("a-token-of-some-length"), "…ngth");
        assert_eq!(
            (hint("short"), hint("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n")),
            ("…".to_owned(), "…".to_owned())
        );
        assert!(!format!("{:?}", CredentialText::parse("a-token-of-some-length").unwrap()).contains("token"));
    }
}
