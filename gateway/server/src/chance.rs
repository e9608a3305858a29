//! The system's randomness: the one place that asks for it.

use rand::Rng;

/// Fills `bytes` from the operating system's generator by way of a cryptographic one.
#[expect(clippy::disallowed_methods, reason = "this is the source that everything else is given")]
pub fn fill(bytes: &mut [u8]) {
    rand::rng().fill_bytes(bytes);
}

/// So many random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// A number from 0 up to, and without, 1: for jitter.
pub fn unit() -> f64 {
    // 53 bits are all a float of this size can hold.
    let bits = u64::from_le_bytes(bytes()) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    let unit = bits as f64 / (1u64 << 53) as f64;
    unit
}
