//! A token that a partner shows in a handshake, kept as a digest: what must be recognised need not be readable.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::secret::constant_time_eq;

const PREFIX: &str = "sha256:";
const TOKEN_MAX: usize = 256;

/// The SHA-256 of a token. It is read from the token itself or from `sha256:` and 64 hexadecimal digits, and written as the latter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenDigest([u8; 32]);

/// The text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a token of 1 to 256 bytes")]
pub struct BadToken;

impl TokenDigest {
    /// The digest of a token. An empty one is refused: it would match a request that shows none.
    pub fn of(token: &str) -> Result<Self, BadToken> {
        if (1..=TOKEN_MAX).contains(&token.len()) { Ok(Self(Sha256::digest(token).into())) } else { Err(BadToken) }
    }

    /// Whether this is the digest of a token. An empty one never is.
    pub fn fits(&self, token: &[u8]) -> bool {
        !token.is_empty() && constant_time_eq(&self.0, &Sha256::digest(token))
    }
}

impl TryFrom<String> for TokenDigest {
    type Error = BadToken;

    fn try_from(text: String) -> Result<Self, BadToken> {
        let mut digest = [0; 32];
        match text.strip_prefix(PREFIX) {
            Some(digits) => hex::decode_to_slice(digits, &mut digest).map(|()| Self(digest)).map_err(|_| BadToken),
            None => Self::of(&text),
        }
    }
}

impl From<TokenDigest> for String {
    fn from(digest: TokenDigest) -> Self {
        format!("{PREFIX}{}", hex::encode(digest.0))
    }
}

impl std::fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_as_its_digest_and_recognised() {
        let digest: TokenDigest = serde_json::from_str("\"verify-me\"").unwrap();
        let kept = serde_json::to_string(&digest).unwrap();
        assert!(kept.starts_with("\"sha256:") && !kept.contains("verify-me"), "{kept}");
        assert_eq!(serde_json::from_str::<TokenDigest>(&kept).unwrap(), digest);
        assert!(digest.fits(b"verify-me") && !digest.fits(b"verify-m") && !digest.fits(b""));
        assert_eq!(format!("{digest:?}"), "TokenDigest(…)");
    }

    #[test]
    fn an_empty_token_matches_nothing_on_either_side() {
        assert_eq!(TokenDigest::of(""), Err(BadToken));
        assert!(serde_json::from_str::<TokenDigest>("\"\"").is_err());
        let of_nothing = TokenDigest(Sha256::digest(b"").into());
        assert!(!of_nothing.fits(b""));
        assert!(TokenDigest::try_from("sha256:00".to_owned()).is_err());
    }
}
