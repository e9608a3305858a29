//! HMAC states that are keyed once and cloned for each message.

use hmac::{Hmac, KeyInit, Mac};
use ring::hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key};
use sha2::{Sha256, Sha384, Sha512};

use super::Digest;

/// A keyed HMAC of any digest.
#[derive(Clone)]
pub(crate) enum Keyed {
    Sha256(Hmac<Sha256>),
    Sha384(Box<Hmac<Sha384>>),
    Sha512(Box<Hmac<Sha512>>),
    Sha1(Box<Key>),
}

impl Keyed {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of every length (RFC 2104 §2), and the trait's error is for other MACs"
    )]
    pub(crate) fn new(digest: Digest, key: &[u8]) -> Self {
        const EVERY_LENGTH: &str = "HMAC takes keys of every length";
        match digest {
            Digest::Sha256 => Self::Sha256(Hmac::new_from_slice(key).expect(EVERY_LENGTH)),
            Digest::Sha384 => Self::Sha384(Box::new(Hmac::new_from_slice(key).expect(EVERY_LENGTH))),
            Digest::Sha512 => Self::Sha512(Box::new(Hmac::new_from_slice(key).expect(EVERY_LENGTH))),
            Digest::Sha1 => Self::Sha1(Box::new(Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key))),
        }
    }

    pub(super) const fn digest(&self) -> Digest {
        match self {
            Self::Sha256(_) => Digest::Sha256,
            Self::Sha384(_) => Digest::Sha384,
            Self::Sha512(_) => Digest::Sha512,
            Self::Sha1(_) => Digest::Sha1,
        }
    }

    /// The code of a message given in parts.
    pub(crate) fn of<P: AsRef<[u8]>>(&self, parts: &[P]) -> Vec<u8> {
        match self {
            Self::Sha256(keyed) => finish(keyed.clone(), parts),
            Self::Sha384(keyed) => finish(Hmac::clone(keyed), parts),
            Self::Sha512(keyed) => finish(Hmac::clone(keyed), parts),
            Self::Sha1(key) => {
                let mut context = Context::with_key(key);
                for part in parts {
                    context.update(part.as_ref());
                }
                context.sign().as_ref().to_vec()
            }
        }
    }
}

fn finish<P: AsRef<[u8]>>(mut mac: impl Mac, parts: &[P]) -> Vec<u8> {
    for part in parts {
        mac.update(part.as_ref());
    }
    mac.finalize().into_bytes().to_vec()
}
