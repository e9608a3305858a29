//! A circuit breaker: a subscriber that mostly fails is left alone for a while, then tried with one delivery.
//!
//! Closed, every attempt may begin, and outcomes are counted over a sliding window. Enough of them failing opens it: no attempt begins, so none is spent. After a pause it is
//! half-open: one attempt begins, and its outcome closes the breaker or opens it again for twice as long. Time is whatever the caller says, in milliseconds.

/// Parts of the window that are counted apart, so that what is old falls out bit by bit.
const SLICES: usize = 10;
/// The same, as times are counted.
const SLICES_MS: i64 = 10;
/// A pause is doubled no further than to this many times the first.
const PAUSES_MAX: i64 = 16;

/// When a breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// Over how long outcomes are counted, in milliseconds.
    pub window_ms: i64,
    /// With fewer outcomes than this it does not open.
    pub attempts_min: u32,
    /// It opens when at least this share of them failed, in percent. Above 100 it never opens.
    pub failure_percent: u32,
    /// How long the first pause is, in milliseconds.
    pub pause_ms: i64,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self { window_ms: 60_000, attempts_min: 20, failure_percent: 50, pause_ms: 15_000 }
    }
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Attempts begin.
    Closed,
    /// None begins before this time.
    Open {
        /// Unix milliseconds.
        until: i64,
    },
    /// One attempt finds out.
    HalfOpen,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerChange {
    /// It opened, or opened again, until this time.
    Opened {
        /// Unix milliseconds.
        until: i64,
    },
    /// It closed.
    Closed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    at: i64,
    good: u32,
    bad: u32,
}

/// One subscriber's breaker.
#[derive(Debug)]
pub struct Breaker {
    rules: BreakerRules,
    slices: [Slice; SLICES],
    /// Until when it is open; `None` while it is closed.
    open_until: Option<i64>,
    /// Pauses since it was last closed.
    pauses: i64,
    probing: bool,
}

impl Breaker {
    /// A closed breaker that has seen nothing.
    pub fn new(rules: BreakerRules) -> Self {
        Self { rules, slices: [Slice::default(); SLICES], open_until: None, pauses: 0, probing: false }
    }

    /// Where it stands.
    pub fn state(&self, now_ms: i64) -> BreakerState {
        match self.until(now_ms) {
            None => BreakerState::Closed,
            Some(until) if until > now_ms => BreakerState::Open { until },
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether an attempt may begin.
    pub fn admits(&self, now_ms: i64) -> bool {
        match self.state(now_ms) {
            BreakerState::Closed => true,
            BreakerState::Open { .. } => false,
            BreakerState::HalfOpen => !self.probing,
        }
    }

    /// When it lets an attempt begin by the passing of time alone; `None` where time changes nothing.
    pub fn wakes_at(&self, now_ms: i64) -> Option<i64> {
        self.until(now_ms).filter(|until| *until > now_ms)
    }

    /// A pause that ends further ahead than any lasts was made by a clock that has been set back since: it is over.
    fn until(&self, now_ms: i64) -> Option<i64> {
        let longest = self.rules.pause_ms.saturating_mul(PAUSES_MAX);
        self.open_until.map(|until| if until.saturating_sub(now_ms) > longest { now_ms } else { until })
    }

    /// An attempt begins.
    pub fn begin(&mut self, now_ms: i64) {
        if self.state(now_ms) == BreakerState::HalfOpen {
            self.probing = true;
        }
    }

    /// An attempt ended; `good` is `None` where its outcome says nothing of the subscriber.
    pub fn end(&mut self, good: Option<bool>, now_ms: i64) -> Option<BreakerChange> {
        match self.state(now_ms) {
            BreakerState::Closed => self.count(good?, now_ms),
            // What was under way when it opened.
            BreakerState::Open { .. } => None,
            BreakerState::HalfOpen if !self.probing => None,
            BreakerState::HalfOpen => {
                self.probing = false;
                if good? {
                    *self = Self::new(self.rules);
                    return Some(BreakerChange::Closed);
                }
                Some(self.open(now_ms))
            }
        }
    }

    fn count(&mut self, good: bool, now_ms: i64) -> Option<BreakerChange> {
        let width = (self.rules.window_ms / SLICES_MS).max(1);
        let at = now_ms.div_euclid(width);
        let slice = &mut self.slices[usize::try_from(at.rem_euclid(SLICES_MS)).unwrap_or(0)];
        if slice.at != at {
            *slice = Slice { at, ..Slice::default() };
        }
        *(if good { &mut slice.good } else { &mut slice.bad }) += 1;
        let recent = self.slices.iter().filter(|slice| (0..SLICES_MS).contains(&(at - slice.at)));
        let (good_sum, bad_sum) =
            recent.fold((0_u64, 0_u64), |(g, b), s| (g + u64::from(s.good), b + u64::from(s.bad)));
        let all = good_sum + bad_sum;
        let fails = bad_sum * 100 >= all * u64::from(self.rules.failure_percent);
        (!good && all >= u64::from(self.rules.attempts_min) && fails).then(|| self.open(now_ms))
    }

    fn open(&mut self, now_ms: i64) -> BreakerChange {
        let factor = (1 << self.pauses.min(4)).min(PAUSES_MAX);
        let until = now_ms.saturating_add(self.rules.pause_ms.saturating_mul(factor));
        self.pauses += 1;
        self.open_until = Some(until);
        BreakerChange::Opened { until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: BreakerRules =
        BreakerRules { window_ms: 10_000, attempts_min: 4, failure_percent: 50, pause_ms: 1_000 };

    fn opened(now_ms: i64) -> Breaker {
        let mut breaker = Breaker::new(RULES);
        for _ in 0..3 {
            assert_eq!(breaker.end(Some(false), now_ms), None);
        }
        assert_eq!(breaker.end(Some(false), now_ms), Some(BreakerChange::Opened { until: now_ms + 1_000 }));
        breaker
    }

    #[test]
    fn it_opens_when_enough_fail_and_not_before() {
        let mut breaker = Breaker::new(RULES);
        for _ in 0..5 {
            breaker.end(Some(true), 0);
        }
        for _ in 0..4 {
            assert_eq!(breaker.end(Some(false), 0), None, "fewer than half failed");
        }
        assert_eq!(breaker.end(Some(false), 0), Some(BreakerChange::Opened { until: 1_000 }));
        assert!(!breaker.admits(999));
        assert!(breaker.admits(1_000));
    }

    #[test]
    fn what_is_older_than_the_window_counts_no_more() {
        let mut breaker = Breaker::new(RULES);
        for _ in 0..3 {
            breaker.end(Some(false), 0);
        }
        assert_eq!(breaker.end(Some(false), 10_000), None);
        assert_eq!(breaker.state(10_000), BreakerState::Closed);
    }

    #[test]
    fn one_attempt_finds_out_and_pauses_grow_until_it_closes() {
        let (mut breaker, mut now) = (opened(0), 0);
        for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 16_000] {
            now += pause;
            assert_eq!(breaker.state(now - 1), BreakerState::Open { until: now });
            assert_eq!((breaker.state(now), breaker.admits(now)), (BreakerState::HalfOpen, true));
            breaker.begin(now);
            assert!(!breaker.admits(now), "one at a time");
            let next = (pause * 2).min(16_000);
            assert_eq!(breaker.end(Some(false), now), Some(BreakerChange::Opened { until: now + next }));
        }
        now += 16_000;
        breaker.begin(now);
        assert_eq!(breaker.end(Some(true), now), Some(BreakerChange::Closed));
        assert!(breaker.admits(now));
        assert_eq!(breaker.end(Some(false), now), None, "it counts anew");
    }

    #[test]
    fn what_says_nothing_of_the_subscriber_moves_nothing_and_lets_another_try() {
        let mut breaker = opened(0);
        breaker.begin(1_000);
        assert_eq!(breaker.end(None, 1_000), None);
        assert!(breaker.admits(1_000));
        assert_eq!(breaker.end(Some(true), 1_000), None, "of before it opened");
        assert_eq!(breaker.state(1_000), BreakerState::HalfOpen);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_prolong_a_pause() {
        let breaker = opened(10_000_000);
        assert!(breaker.admits(0));
    }

    proptest! {
        #[test]
        fn it_never_stays_shut(steps in prop::collection::vec((0_u8..4, 0_i64..5_000), 1..200)) {
            let (mut breaker, mut now, mut under_way) = (Breaker::new(RULES), 0, 0_u32);
            for (step, passes) in steps {
                now += passes;
                if breaker.admits(now) {
                    breaker.begin(now);
                    under_way += 1;
                }
                if step > 0 && under_way > 0 {
                    under_way -= 1;
                    breaker.end([None, Some(true), Some(false)][usize::from(step) - 1], now);
                }
            }
            for _ in 0..under_way {
                breaker.end(Some(false), now);
            }
            let later = breaker.wakes_at(now).unwrap_or(now);
            prop_assert!(later - now <= 16_000);
            prop_assert!(breaker.admits(later));
        }
    }
}
