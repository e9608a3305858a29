//! How a subscription is slowed down that says it has too much to do (429, 503).

use super::decide::Throttled;

/// The first pause where the subscriber does not say how long, in milliseconds; each one after it is twice as long.
const FIRST_MS: i64 = 250;
/// The longest pause that we choose, in milliseconds.
const CHOSEN_MAX_MS: i64 = 30_000;
/// The longest pause that a subscriber can ask for, in milliseconds. The delivery itself waits for as long as it asked; the others see after this time.
const ASKED_MAX_MS: i64 = 60_000;

/// A subscription's pause.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    until: i64,
    in_a_row: u32,
}

impl Throttle {
    /// The subscriber said so at this time.
    pub(super) fn slow(&mut self, asked: Throttled, now_ms: i64) {
        // The answers to what was on its way together are one complaint.
        if now_ms < self.until(now_ms) {
            return;
        }
        let chosen = FIRST_MS.saturating_mul(1 << self.in_a_row.min(16)).min(CHOSEN_MAX_MS);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.until = now_ms.saturating_add(asked.retry_after_ms.map_or(chosen, |ms| ms.clamp(0, ASKED_MAX_MS)));
    }

    /// Something was delivered.
    pub(super) fn delivered(&mut self) {
        self.in_a_row = 0;
    }

    /// Until when nothing is sent, unix milliseconds. A pause that is longer than any can be was made by a clock that has been set back since.
    pub(super) const fn until(&self, now_ms: i64) -> i64 {
        if self.until.saturating_sub(now_ms) > ASKED_MAX_MS { now_ms } else { self.until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: Throttled = Throttled { retry_after_ms: None };

    #[test]
    fn pauses_double_until_something_is_delivered() {
        let mut throttle = Throttle::default();
        let mut now = 1_000;
        for expected in [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            throttle.slow(SILENT, now);
            assert_eq!(throttle.until(now) - now, expected);
            now = throttle.until(now);
        }
        throttle.delivered();
        throttle.slow(SILENT, now);
        assert_eq!(throttle.until(now) - now, 250);
    }

    #[test]
    fn answers_of_one_moment_count_once() {
        let mut throttle = Throttle::default();
        for _ in 0..64 {
            throttle.slow(SILENT, 1_000);
        }
        assert_eq!(throttle.until(1_000), 1_250);
    }

    #[test]
    fn what_the_subscriber_asks_for_is_bounded() {
        for (asked, until) in [(2_000, 3_000), (86_400_000, 61_000), (-5, 1_000)] {
            let mut throttle = Throttle::default();
            throttle.slow(Throttled { retry_after_ms: Some(asked) }, 1_000);
            assert_eq!(throttle.until(1_000), until, "{asked}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_prolong_a_pause() {
        let mut throttle = Throttle::default();
        throttle.slow(SILENT, 10_000_000);
        assert_eq!(throttle.until(1_000), 1_000);
    }
}
