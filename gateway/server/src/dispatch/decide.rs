//! What follows from an attempt: pure, so that every rule of the retry policy is tested without a network.

use hookwright_core::delivery::Next;
use hookwright_core::retry::{RetryPolicy, Schedule, Verdict, classify, next_attempt};
use hookwright_core::subscription::OnError;

/// The reason on record where no attempt is left.
pub(super) const RETRIES_EXHAUSTED: &str = "retries_exhausted";
/// The reason on record, of the delivery and of the disabled subscription, after a 410.
pub(super) const GONE: &str = "gone";
/// The reason on record where a transform failed and the binding says `dead_letter`.
pub(super) const DEAD_LETTER: &str = "dead_letter";
/// The reason on record where a transform failed and the binding says `skip`.
pub(super) const SKIPPED_ON_ERROR: &str = "skipped_on_plugin_error";
/// The reason on record where a transform decided to send nothing; its own words are the attempt's error.
pub(super) const SKIPPED_BY_PLUGIN: &str = "skipped_by_plugin";
/// The reason on record where a transform reported a fault that it calls permanent.
pub(super) const PERMANENT_FAULT: &str = "plugin_fault_permanent";
/// The reason on record where the event is no longer in the store.
pub(super) const EVENT_MISSING: &str = "event_missing";

/// The reason on record of a delivery that was too old to be tried.
pub(super) const EXPIRED: &str = "expired";

/// How an attempt ended, as far as the decision goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// A whole answer came back.
    Answered {
        /// Its status.
        status: u16,
        /// What its `Retry-After` asks, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// No whole answer: the network, the peer or the egress guard.
    Broken,
    /// The transform decided to send nothing.
    Skipped,
    /// The transform failed, and nothing was sent.
    PluginFailed {
        /// What the binding wants done.
        on_error: OnError,
        /// Whether the plugin itself says that it will not do better later.
        permanent: bool,
    },
}

/// What the subscription and the operator want done about failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    /// Whether failures are repeated.
    pub(super) policy: RetryPolicy,
    /// How many repeats at most.
    pub(super) max_retries: u32,
    /// How far apart.
    pub(super) schedule: &'a Schedule,
}

/// When the attempt ended, and which of its budget it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Attempts made within the present budget, this one included.
    pub(super) budget_used: u32,
    /// Unix milliseconds.
    pub(super) now_ms: i64,
    /// A random number from 0 to 1.
    pub(super) jitter_unit: f64,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// For the delivery.
    pub(super) next: Next,
    /// For the subscription: why it is switched off.
    pub(super) disable: Option<&'static str>,
    /// For the subscription: whether it asked to be left in peace for a while.
    pub(super) throttled: Option<Throttled>,
}

/// A subscriber said that it has too much to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttled {
    /// For how long it asks to be left in peace, in milliseconds, if it says.
    pub(super) retry_after_ms: Option<i64>,
}

/// Decides what follows from an attempt.
pub(super) fn decide(ending: Ending, rules: Rules<'_>, moment: Moment) -> Decision {
    let plain = |next| Decision { next, disable: None, throttled: None };
    match ending {
        Ending::Answered { status, retry_after_ms } => match classify(status) {
            Verdict::Delivered => plain(Next::Delivered),
            Verdict::Gone => Decision { disable: Some(GONE), ..plain(failed(GONE)) },
            Verdict::Retry => plain(again(rules, moment, retry_after_ms)),
            Verdict::Throttled => Decision {
                throttled: Some(Throttled { retry_after_ms }),
                ..plain(again(rules, moment, retry_after_ms))
            },
        },
        Ending::Broken => plain(again(rules, moment, None)),
        Ending::Skipped => plain(failed(SKIPPED_BY_PLUGIN)),
        Ending::PluginFailed { on_error, permanent } => plain(match on_error {
            OnError::DeadLetter => failed(DEAD_LETTER),
            OnError::Skip => failed(SKIPPED_ON_ERROR),
            // The plugin knows its own mind; an operator may ask again when another version serves.
            OnError::Retry if permanent => failed(PERMANENT_FAULT),
            OnError::Retry | OnError::PassThrough => again(rules, moment, None),
        }),
    }
}

fn again(rules: Rules<'_>, moment: Moment, retry_after_ms: Option<i64>) -> Next {
    let due_at = next_attempt(
        rules.policy,
        rules.max_retries,
        moment.budget_used,
        rules.schedule,
        moment.now_ms,
        moment.jitter_unit,
        retry_after_ms,
    );
    due_at.map_or_else(|| failed(RETRIES_EXHAUSTED), |due_at| Next::Retry { due_at })
}

fn failed(reason: &str) -> Next {
    Next::Failed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_565_800_000;

    fn decided(ending: Ending, policy: RetryPolicy, max_retries: u32, budget_used: u32) -> Decision {
        let schedule = Schedule::default();
        let rules = Rules { policy, max_retries, schedule: &schedule };
        decide(ending, rules, Moment { budget_used, now_ms: NOW, jitter_unit: 0.5 })
    }

    fn answered(status: u16) -> Ending {
        Ending::Answered { status, retry_after_ms: None }
    }

    #[test]
    fn every_2xx_delivers_and_nothing_else_does() {
        for status in 200..=599 {
            let next = decided(answered(status), RetryPolicy::Exponential, 5, 1).next;
            assert_eq!(next == Next::Delivered, (200..300).contains(&status), "{status}");
        }
    }

    #[test]
    fn a_redirect_is_a_failure_like_any_other() {
        for status in [301, 302, 303, 307, 308] {
            let decision = decided(answered(status), RetryPolicy::Exponential, 5, 1);
            assert_eq!(decision.next, Next::Retry { due_at: NOW + 5_000 });
            assert_eq!((decision.disable, decision.throttled), (None, None));
        }
    }

    #[test]
    fn gone_ends_the_delivery_and_the_subscription() {
        let decision = decided(answered(410), RetryPolicy::Exponential, 5, 1);
        assert_eq!(decision.next, Next::Failed { reason: GONE.to_owned() });
        assert_eq!(decision.disable, Some(GONE));
    }

    #[test]
    fn the_schedule_is_walked_and_then_the_budget_is_spent() {
        for (used, delay_s) in [(1, 5), (2, 300), (3, 1_800)] {
            let next = decided(Ending::Broken, RetryPolicy::Exponential, 3, used).next;
            assert_eq!(next, Next::Retry { due_at: NOW + delay_s * 1_000 }, "attempt {used}");
        }
        let next = decided(Ending::Broken, RetryPolicy::Exponential, 3, 4).next;
        assert_eq!(next, Next::Failed { reason: RETRIES_EXHAUSTED.to_owned() });
    }

    #[test]
    fn without_retries_one_attempt_is_all() {
        for (policy, max_retries) in [(RetryPolicy::None, 5), (RetryPolicy::Exponential, 0)] {
            let next = decided(answered(500), policy, max_retries, 1).next;
            assert_eq!(next, Next::Failed { reason: RETRIES_EXHAUSTED.to_owned() });
        }
    }

    #[test]
    fn retry_after_postpones_and_never_hastens() {
        let ending = |retry_after_ms| Ending::Answered { status: 429, retry_after_ms };
        let decision = decided(ending(Some(60_000)), RetryPolicy::Exponential, 5, 1);
        assert_eq!(decision.next, Next::Retry { due_at: NOW + 60_000 });
        assert_eq!(decision.throttled, Some(Throttled { retry_after_ms: Some(60_000) }));
        let sooner = decided(ending(Some(1)), RetryPolicy::Exponential, 5, 1);
        assert_eq!(sooner.next, Next::Retry { due_at: NOW + 5_000 });
    }

    #[test]
    fn busy_subscribers_are_slowed_even_when_the_budget_is_spent() {
        for status in [429, 503] {
            let decision = decided(answered(status), RetryPolicy::None, 0, 1);
            assert_eq!(decision.next, Next::Failed { reason: RETRIES_EXHAUSTED.to_owned() });
            assert!(decision.throttled.is_some());
        }
    }

    #[test]
    fn a_skip_is_final() {
        let next = decided(Ending::Skipped, RetryPolicy::Exponential, 5, 1).next;
        assert_eq!(next, Next::Failed { reason: SKIPPED_BY_PLUGIN.to_owned() });
    }

    #[test]
    fn a_failed_transform_follows_its_binding() {
        let failed = |reason: &str| Next::Failed { reason: reason.to_owned() };
        for (on_error, permanent, expected) in [
            (OnError::Retry, false, Next::Retry { due_at: NOW + 5_000 }),
            (OnError::Retry, true, failed(PERMANENT_FAULT)),
            (OnError::DeadLetter, false, failed(DEAD_LETTER)),
            (OnError::Skip, true, failed(SKIPPED_ON_ERROR)),
        ] {
            let ending = Ending::PluginFailed { on_error, permanent };
            assert_eq!(decided(ending, RetryPolicy::Exponential, 5, 1).next, expected);
        }
    }
}
