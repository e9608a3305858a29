//! Bytes as an answer shows them: as text where they are UTF-8, in base64 where they are not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes somebody sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// They are UTF-8.
    Text(&'a str),
    /// They are not; in base64.
    Base64(String),
}

impl<'a> Content<'a> {
    /// The bytes, as text if they are text.
    pub fn of(bytes: &'a [u8]) -> Self {
        str::from_utf8(bytes).map_or_else(|_| Self::Base64(STANDARD.encode(bytes)), Self::Text)
    }

    /// For two members of an answer, `…` and `…_base64`, of which one is there.
    pub fn parts(self) -> (Option<&'a str>, Option<String>) {
        match self {
            Self::Text(text) => (Some(text), None),
            Self::Base64(text) => (None, Some(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(Content::of("é".as_bytes()), Content::Text("é"));
        assert_eq!(Content::of(b"\xff\x00").parts(), (None, Some("/wA=".to_owned())));
    }
}
