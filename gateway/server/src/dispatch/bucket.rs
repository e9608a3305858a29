//! How many attempts a subscription lets begin in a second: a token bucket.

/// What one attempt costs: the bucket counts in thousandths, for a rate per second is as many of them per millisecond.
const COST: u64 = 1_000;

/// A subscription's bucket. Full when it is new, so that the process's start does not hold anything up.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Option<u32>,
    /// Thousandths of attempts.
    level: u64,
    /// As of when, unix milliseconds.
    at: i64,
}

impl Bucket {
    /// A full bucket for this many attempts a second; `None` never runs dry.
    pub(crate) fn new(rate: Option<u32>) -> Self {
        Self { rate, level: rate.map_or(0, capacity), at: i64::MIN }
    }

    /// Takes another rate. What was saved up stays, as far as it fits.
    pub(crate) fn configure(&mut self, rate: Option<u32>) {
        if rate != self.rate {
            let level = if self.rate.is_none() { u64::MAX } else { self.level };
            self.rate = rate;
            self.level = rate.map_or(0, |rate| capacity(rate).min(level));
        }
    }

    /// Takes one attempt out.
    pub(crate) fn take(&mut self, now_ms: i64) {
        self.level = self.level_at(now_ms).saturating_sub(COST);
        self.at = now_ms;
    }

    /// When the next attempt may begin, unix milliseconds: now or later.
    pub(crate) fn ready_at(&self, now_ms: i64) -> i64 {
        let Some(rate) = self.rate else { return now_ms };
        let missing = COST.saturating_sub(self.level_at(now_ms));
        now_ms.saturating_add(i64::try_from(missing.div_ceil(u64::from(rate.max(1)))).unwrap_or(i64::MAX))
    }

    fn level_at(&self, now_ms: i64) -> u64 {
        let Some(rate) = self.rate else { return 0 };
        // A clock that was set back gives nothing and takes nothing.
        let passed = u64::try_from(now_ms.saturating_sub(self.at)).unwrap_or(0);
        self.level.saturating_add(passed.saturating_mul(u64::from(rate))).min(capacity(rate))
    }
}

/// A tenth of a second's attempts, and one at least.
fn capacity(rate: u32) -> u64 {
    (u64::from(rate) * 100).max(COST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many attempts begin up to a time, where each begins as soon as it may.
    fn begun(bucket: &mut Bucket, from: i64, to: i64) -> usize {
        let (mut now, mut count) = (from, 0);
        loop {
            now = bucket.ready_at(now);
            if now >= to {
                return count;
            }
            bucket.take(now);
            count += 1;
        }
    }

    #[test]
    fn over_any_while_no_more_begin_than_the_rate_and_one_tenth_second_s_worth() {
        for rate in [1, 3, 7, 10, 50, 333, 1_000, 99_999] {
            let mut bucket = Bucket::new(Some(rate));
            let expected = usize::try_from(rate).unwrap() * 10;
            let count = begun(&mut bucket, 5_000, 15_000);
            assert!(count >= expected * 99 / 100 && count <= expected + expected / 100 + 1, "{rate}: {count}");
        }
    }

    #[test]
    fn idle_time_saves_up_a_tenth_of_a_second_s_worth() {
        let mut bucket = Bucket::new(Some(50));
        assert_eq!(begun(&mut bucket, 0, 1), 5);
        assert_eq!(begun(&mut bucket, 3_600_000, 3_600_001), 5);
    }

    #[test]
    fn without_a_rate_there_is_no_limit_and_a_new_rate_starts_full_or_with_what_is_left() {
        let mut bucket = Bucket::new(None);
        bucket.take(0);
        assert_eq!(bucket.ready_at(0), 0);
        bucket.configure(Some(20));
        assert_eq!(begun(&mut bucket, 10, 11), 2);
        bucket.configure(Some(1_000));
        assert_eq!(bucket.ready_at(10), 11, "what was spent stays spent");
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let mut bucket = Bucket::new(Some(1));
        bucket.take(10_000_000);
        assert_eq!(bucket.ready_at(0), 1_000);
        bucket.take(1_000);
        assert_eq!(bucket.ready_at(1_000), 2_000);
    }
}
