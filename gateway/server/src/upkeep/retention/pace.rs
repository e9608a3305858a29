//! How much is removed at once, and how long everybody else has the store to themselves afterwards.

use std::time::Duration;

/// Rows of a batch at first and at most.
const ROWS_MAX: u32 = 500;
/// Rows of a batch on a disk however slow.
const ROWS_MIN: u32 = 16;
/// A batch that takes longer is too large …
const TOO_LONG: Duration = Duration::from_millis(5);
/// … and one that takes less than this may grow again.
const SHORT: Duration = Duration::from_millis(2);
/// The least pause between two batches.
const BREATH: Duration = Duration::from_millis(5);
/// The pause as a multiple of the batch before it: a fifth of the writer's time at most goes into removing.
const PAUSE_TIMES: u32 = 4;

/// The size of the next batch.
#[derive(Debug)]
pub(super) struct Pace(u32);

impl Default for Pace {
    fn default() -> Self {
        Self(ROWS_MAX)
    }
}

impl Pace {
    /// Rows of the next batch.
    pub(super) const fn rows(&self) -> u32 {
        self.0
    }

    /// Learns how long a batch took, and tells the pause after it.
    pub(super) fn after(&mut self, took: Duration) -> Duration {
        if took > TOO_LONG {
            self.0 = (self.0 / 2).max(ROWS_MIN);
        } else if took < SHORT {
            self.0 = self.0.saturating_mul(2).min(ROWS_MAX);
        }
        took.saturating_mul(PAUSE_TIMES).max(BREATH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_takes_too_long_is_followed_by_a_smaller_one() {
        let mut pace = Pace::default();
        assert_eq!(pace.after(Duration::from_millis(6)), Duration::from_millis(24));
        assert_eq!(pace.rows(), 250);
        for _ in 0..20 {
            pace.after(Duration::from_secs(1));
        }
        assert_eq!(pace.rows(), ROWS_MIN);
        assert_eq!(pace.after(Duration::from_millis(3)), Duration::from_millis(12));
        assert_eq!(pace.rows(), ROWS_MIN, "neither too long nor short");
        for _ in 0..20 {
            assert_eq!(pace.after(Duration::from_micros(1)), BREATH);
        }
        assert_eq!(pace.rows(), ROWS_MAX);
    }
}
