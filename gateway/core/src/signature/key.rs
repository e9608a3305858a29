//! What becomes of a secret before it is a key, and keys that are prepared for use.

use base64::Engine;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest as legacy_digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::mac::Keyed;
use super::{Digest, SignatureScheme};
use crate::secret::{BadSecret, Ed25519Public, LENIENT, RawSecret};

/// How a secret becomes the key of an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyDerivation {
    /// Its text is the key, prefix and all.
    #[default]
    Utf8,
    /// Base64 behind `whsec_`, which may be left out.
    Whsec,
    /// Base64.
    Base64,
    /// Hexadecimal digits.
    Hex,
    /// The SHA-1 of its text.
    Sha1,
}

impl KeyDerivation {
    /// Each with its word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("utf8", Self::Utf8),
        ("whsec", Self::Whsec),
        ("base64", Self::Base64),
        ("hex", Self::Hex),
        ("sha1", Self::Sha1),
    ];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) const fn is_utf8(&self) -> bool {
        matches!(self, Self::Utf8)
    }

    /// The key of a secret. An empty one is refused, for with it anybody can sign.
    pub(super) fn derive(self, secret: &RawSecret) -> Result<Zeroizing<Vec<u8>>, BadSecret> {
        let text = secret.reveal();
        let base64 = |text: &str| LENIENT.decode(text).map_err(|_| BadSecret::NotBase64);
        let key = match self {
            Self::Utf8 => secret.key().to_vec(),
            Self::Whsec => base64(text.strip_prefix("whsec_").unwrap_or(text))?,
            Self::Base64 => base64(text)?,
            Self::Hex => hex::decode(text).map_err(|_| BadSecret::NotHex)?,
            Self::Sha1 => legacy_digest(&SHA1_FOR_LEGACY_USE_ONLY, secret.key()).as_ref().to_vec(),
        };
        if key.is_empty() { Err(BadSecret::Empty) } else { Ok(Zeroizing::new(key)) }
    }
}

/// A key that is ready, with its secret's place in the source's list.
#[derive(Clone)]
pub(super) struct Placed<K> {
    pub(super) at: usize,
    pub(super) key: K,
}

/// The usable ones of a source's secrets.
pub(super) fn placed<K>(secrets: &[RawSecret], read: impl Fn(&RawSecret) -> Option<K>) -> Vec<Placed<K>> {
    secrets.iter().enumerate().filter_map(|(at, secret)| Some(Placed { at, key: read(secret)? })).collect()
}

/// The states of an HMAC for every hash function that a scheme accepts, for every secret it can use.
pub(super) fn hmac_keys(scheme: &SignatureScheme, secrets: &[RawSecret]) -> Vec<Placed<Keyed>> {
    let own = [scheme.digest];
    let digests: &[Digest] = if scheme.methods.is_empty() { &own } else { &scheme.methods };
    let mut keys = Vec::new();
    for (at, secret) in secrets.iter().enumerate() {
        if let Ok(key) = scheme.key.derive(secret) {
            keys.extend(digests.iter().map(|digest| Placed { at, key: Keyed::new(*digest, &key) }));
        }
    }
    keys
}

/// The public keys among a source's secrets.
pub(super) fn public_keys(secrets: &[RawSecret]) -> Vec<Placed<Ed25519Public>> {
    placed(secrets, |secret| Ed25519Public::read(secret.reveal()).ok())
}
