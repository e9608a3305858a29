//! A secret that signs deliveries, of either kind.

use super::{BadSecret, Ed25519Secret, SigningSecret};
use serde::Serialize;
use zeroize::Zeroizing;

/// A secret that signs deliveries, of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SigningKey {
    /// Symmetric, `whsec_…`: the receiver holds the same secret, signatures are `v1`.
    Hmac(SigningSecret),
    /// Asymmetric, `whsk_…`: the receiver holds the public key, signatures are `v1a`.
    Ed25519(Ed25519Secret),
}

/// Which kind a secret is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// `whsec_…`.
    #[default]
    Hmac,
    /// `whsk_…`.
    Ed25519,
}

impl SigningKey {
    /// Reads `whsk_…`, and everything else as a symmetric secret.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        if text.starts_with("whsk_") {
            Ed25519Secret::parse(text).map(Self::Ed25519)
        } else {
            SigningSecret::parse(text).map(Self::Hmac)
        }
    }

    /// A new one from 32 random bytes.
    pub fn generate(kind: KeyKind, random: [u8; 32]) -> Result<Self, BadSecret> {
        match kind {
            KeyKind::Hmac => Ok(Self::Hmac(SigningSecret::generate(random))),
            KeyKind::Ed25519 => Ed25519Secret::generate(random).map(Self::Ed25519),
        }
    }

    /// Which kind it is of.
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::Hmac(_) => KeyKind::Hmac,
            Self::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The text form: shown once, at creation or rotation.
    pub fn reveal(&self) -> Zeroizing<String> {
        match self {
            Self::Hmac(secret) => secret.reveal(),
            Self::Ed25519(secret) => secret.reveal(),
        }
    }

    /// Enough of the text to tell two secrets apart.
    pub fn hint(&self) -> String {
        match self {
            Self::Hmac(secret) => secret.hint(),
            Self::Ed25519(secret) => secret.hint(),
        }
    }

    /// The public half, where there is one.
    pub fn public(&self) -> Option<String> {
        match self {
            Self::Hmac(_) => None,
            Self::Ed25519(secret) => Some(secret.public()),
        }
    }
}

impl From<SigningSecret> for SigningKey {
    fn from(secret: SigningSecret) -> Self {
        Self::Hmac(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_which_kind_it_is_of() {
        for kind in [KeyKind::Hmac, KeyKind::Ed25519] {
            let key = SigningKey::generate(kind, [7; 32]).unwrap();
            assert_eq!(key.kind(), kind);
            assert_eq!(SigningKey::parse(&key.reveal()).unwrap(), key);
            assert_eq!(key.public().is_some(), kind == KeyKind::Ed25519);
        }
        assert_eq!(SigningKey::parse("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="), Err(BadSecret::Kind));
        assert_eq!(SigningKey::parse("whsk_AAAA"), Err(BadSecret::Ed25519));
    }
}
