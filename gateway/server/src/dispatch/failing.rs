//! How long a subscriber has done nothing but fail, and what follows: operators are warned, and in the end it is switched off.

/// A failure that lasts for less is nobody's business but the retries'.
const NOTED_AFTER_MS: i64 = 60_000;

/// What is to be told of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fare {
    /// It has failed for a while.
    Failing {
        /// Since when, unix milliseconds.
        since: i64,
    },
    /// It took a delivery after it had failed for a while.
    Recovered,
    /// Half the time is over after which it is switched off.
    Warned {
        /// As above.
        since: i64,
    },
    /// The time is over.
    Disabled {
        /// As above.
        since: i64,
    },
    /// Its breaker opened: deliveries are parked.
    Parked {
        /// Until when, unix milliseconds.
        until: i64,
    },
    /// Its breaker closed.
    Unparked,
}

/// How long a subscriber has done nothing but fail.
#[derive(Debug, Default)]
pub(super) struct Failing {
    since: Option<i64>,
    noted: bool,
    warned: bool,
    ended: bool,
}

impl Failing {
    /// As a process before this one left it.
    pub(super) fn restored(since: i64, warned: bool) -> Self {
        Self { since: Some(since), noted: true, warned, ended: false }
    }

    /// Since when, unix milliseconds.
    pub(super) const fn since(&self) -> Option<i64> {
        self.since
    }

    /// It took a delivery.
    pub(super) fn good(&mut self) -> Option<Fare> {
        let was = std::mem::take(self);
        was.noted.then_some(Fare::Recovered)
    }

    /// It failed; `after_ms` is how long it may do so before it is switched off, `None` for ever.
    pub(super) fn bad(&mut self, after_ms: Option<i64>, now_ms: i64) -> Option<Fare> {
        // A clock that was set back cannot tell how long it was: the time begins anew.
        let since = self.since.map_or(now_ms, |since| since.min(now_ms));
        self.since = Some(since);
        let lasted = now_ms - since;
        if !self.ended && after_ms.is_some_and(|after| lasted >= after) {
            self.ended = true;
            return Some(Fare::Disabled { since });
        }
        if !self.warned && after_ms.is_some_and(|after| lasted >= after / 2) {
            (self.noted, self.warned) = (true, true);
            return Some(Fare::Warned { since });
        }
        if !self.noted && lasted >= NOTED_AFTER_MS {
            self.noted = true;
            return Some(Fare::Failing { since });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn operators_are_warned_half_way_and_it_ends_when_the_time_is_over() {
        let mut failing = Failing::default();
        let told: Vec<_> =
            (0..=12).filter_map(|half_hours| failing.bad(Some(4 * HOUR), 7 + half_hours * HOUR / 2)).collect();
        assert_eq!(told, [Fare::Failing { since: 7 }, Fare::Warned { since: 7 }, Fare::Disabled { since: 7 }]);
    }

    #[test]
    fn a_success_begins_anew_and_is_told_if_the_failure_was() {
        let mut failing = Failing::default();
        assert_eq!(failing.bad(Some(HOUR), 0), None);
        assert_eq!(failing.good(), None, "nobody was told");
        assert_eq!(failing.bad(Some(HOUR), 70_000), None);
        assert_eq!(failing.bad(Some(HOUR), 140_000), Some(Fare::Failing { since: 70_000 }));
        assert_eq!(failing.good(), Some(Fare::Recovered));
        assert_eq!(failing.since(), None);
    }

    #[test]
    fn a_restart_goes_on_from_where_it_was() {
        let mut failing = Failing::restored(0, true);
        assert_eq!(failing.bad(Some(HOUR), HOUR - 1), None);
        assert_eq!(failing.bad(Some(HOUR), HOUR), Some(Fare::Disabled { since: 0 }));
    }

    #[test]
    fn without_a_limit_it_is_only_noted_and_a_clock_set_back_ends_nothing() {
        let mut failing = Failing::default();
        failing.bad(None, 0);
        assert_eq!(failing.bad(None, 400 * HOUR), Some(Fare::Failing { since: 0 }));
        let mut failing = Failing::default();
        failing.bad(Some(HOUR), 100 * HOUR);
        assert_eq!(failing.bad(Some(HOUR), HOUR), None);
        assert_eq!(failing.since(), Some(HOUR));
    }
}
