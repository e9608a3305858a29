//! HMAC states that are keyed once and cloned for each message.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use super::Digest;

/// A keyed HMAC of either digest.
#[derive(Clone)]
pub(super) enum Keyed {
    Sha256(Hmac<Sha256>),
    Sha512(Box<Hmac<Sha512>>),
}

impl Keyed {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of every length (RFC 2104 §2), and the trait's error is for other MACs"
    )]
    pub(super) fn new(digest: Digest, key: &[u8]) -> Self {
        const EVERY_LENGTH: &str = "HMAC takes keys of every length";
        match digest {
            Digest::Sha256 => Self::Sha256(Hmac::new_from_slice(key).expect(EVERY_LENGTH)),
            Digest::Sha512 => Self::Sha512(Box::new(Hmac::new_from_slice(key).expect(EVERY_LENGTH))),
        }
    }

    /// The code of a message given in parts.
    pub(super) fn of(&self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha256(keyed) => finish(keyed.clone(), parts),
            Self::Sha512(keyed) => finish(Hmac::clone(keyed), parts),
        }
    }
}

fn finish(mut mac: impl Mac, parts: &[&[u8]]) -> Vec<u8> {
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
