//! The system's randomness: the one place that asks for it.

use rand::Rng;

/// Fills `bytes` from the operating system's generator by way of a cryptographic one.
#[expect(clippy::disallowed_methods, reason = "this is the source that everything else is given")]
pub fn fill(bytes: &mut [u8]) {
    #[cfg(test)]
    if seeded::fill(bytes) {
        return;
    }
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

/// Randomness that a simulation repeats.
#[cfg(test)]
pub mod seeded {
    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// From now on this thread draws from this seed; `None` gives it back to the system.
    pub fn seed(seed: Option<u64>) {
        STATE.set(seed);
    }

    /// The next number of a sequence (`splitmix64`).
    pub fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn fill(bytes: &mut [u8]) -> bool {
        let Some(mut state) = STATE.get() else { return false };
        for chunk in bytes.chunks_mut(8) {
            let drawn = next(&mut state).to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
        STATE.set(Some(state));
        true
    }
}
