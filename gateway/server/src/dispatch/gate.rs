//! Whether a subscription's next attempt may begin: its pause, its rate and its breaker, and what the outcomes say of how it fares.

use super::bucket::Bucket;
use super::failing::{Failing, Fare};
use super::lane::{Reply, Terms};
use super::throttle::Throttle;
use hookwright_core::breaker::{Breaker, BreakerChange, BreakerState};

/// One subscription's gate.
#[derive(Debug)]
pub(super) struct Gate {
    throttle: Throttle,
    bucket: Bucket,
    breaker: Breaker,
    failing: Failing,
    disable_after_ms: Option<i64>,
    /// What is to be told of the subscription.
    news: Vec<Fare>,
}

impl Gate {
    /// A gate that is open.
    pub(super) fn new(terms: &Terms) -> Self {
        Self {
            throttle: Throttle::default(),
            bucket: Bucket::new(terms.rate),
            breaker: Breaker::new(terms.breaker),
            failing: Failing::default(),
            disable_after_ms: terms.disable_after_ms,
            news: Vec::new(),
        }
    }

    /// Takes another rate.
    pub(super) fn configure(&mut self, terms: &Terms) {
        self.bucket.configure(terms.rate);
    }

    /// Forgets what the subscriber did: it was switched on or off.
    pub(super) fn forgive(&mut self, terms: &Terms) {
        self.breaker = Breaker::new(terms.breaker);
        self.failing = Failing::default();
    }

    /// Takes how long it had done nothing but fail when the process began.
    pub(super) fn restore_failing(&mut self, since: i64, warned: bool) {
        self.failing = Failing::restored(since, warned);
    }

    /// Whether an attempt may begin.
    pub(super) fn admits(&self, now_ms: i64) -> bool {
        self.opens_at(now_ms) <= now_ms && self.breaker.admits(now_ms)
    }

    /// When it opens, as far as time alone decides, unix milliseconds.
    pub(super) fn opens_at(&self, now_ms: i64) -> i64 {
        let breaker = self.breaker.wakes_at(now_ms).unwrap_or(now_ms);
        self.throttle.until(now_ms).max(self.bucket.ready_at(now_ms)).max(breaker)
    }

    /// An attempt begins.
    pub(super) fn begin(&mut self, now_ms: i64) {
        self.bucket.take(now_ms);
        self.breaker.begin(now_ms);
    }

    /// An attempt is over.
    pub(super) fn end(&mut self, reply: Reply, now_ms: i64) {
        let good = match reply {
            Reply::Delivered => {
                self.throttle.delivered();
                Some(true)
            }
            Reply::Throttled(asked) => {
                self.throttle.slow(asked, now_ms);
                Some(false)
            }
            Reply::Failed => Some(false),
            Reply::Gone | Reply::Other => None,
        };
        let fare = match good {
            Some(true) => self.failing.good(),
            Some(false) => self.failing.bad(self.disable_after_ms, now_ms),
            None => None,
        };
        let breaker = self.breaker.end(good, now_ms).map(|change| match change {
            BreakerChange::Opened { until } => Fare::Parked { until },
            BreakerChange::Closed => Fare::Unparked,
        });
        self.news.extend(fare.into_iter().chain(breaker));
    }

    /// What is to be told of the subscription.
    pub(super) fn take_news(&mut self) -> Vec<Fare> {
        std::mem::take(&mut self.news)
    }

    /// Where its breaker stands.
    pub(super) fn breaker(&self, now_ms: i64) -> BreakerState {
        self.breaker.state(now_ms)
    }

    /// Since when it has done nothing but fail, unix milliseconds.
    pub(super) const fn failing_since(&self) -> Option<i64> {
        self.failing.since()
    }

    /// Until when it asked to be left in peace, unix milliseconds.
    pub(super) fn throttled_until(&self, now_ms: i64) -> Option<i64> {
        Some(self.throttle.until(now_ms)).filter(|until| *until > now_ms)
    }
}
