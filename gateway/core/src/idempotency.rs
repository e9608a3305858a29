//! Idempotent requests: a key, the hash of the body it came with, and the answer that was given.

use sha2::{Digest, Sha256};

/// How long a key is remembered at least, in milliseconds: a day. Keys are kept by day and dropped two days later.
pub const PERIOD_MS: i64 = 86_400_000;

/// The longest key that is accepted, in bytes.
pub const KEY_MAX: usize = 255;

/// A client's claim on a key, made in the transaction of its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// [`hash`] over scope (who and what route) and key.
    pub key: [u8; 32],
    /// [`hash`] of the body.
    pub body_hash: [u8; 32],
}

/// The answer that was given to the first request with a key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; it may hold a secret that is shown once, so it is sealed in the store and not shown by `Debug`.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for StoredAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed<T> {
    /// The effect took place.
    Fresh(T),
    /// The key was used before with the same body: this was the answer.
    Replayed(StoredAnswer),
    /// The key was used before with another body.
    Mismatch,
}

/// SHA-256 over parts, each with its length before it.
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The period a moment falls in. A key is looked up in the present period and the one before.
pub const fn period(now_ms: i64) -> i64 {
    now_ms.div_euclid(PERIOD_MS)
}
