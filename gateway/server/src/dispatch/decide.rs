//! What follows from an attempt: pure, so that every rule of the retry policy is tested without a network.

use hookwright_core::delivery::{Next, Pending};
use hookwright_core::delivery_options::DeliveryOptions;
use hookwright_core::retry::{RetryPolicy, Schedule, Verdict, attempts_max, classify, next_attempt};
use hookwright_core::subscription::{OnError, Subscription};
use std::time::Duration;

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

/// The reason on record after a status that the subscription calls permanent.
pub(super) const PERMANENT_STATUS: &str = "permanent_status";
/// The reason on record where a delivery became too old to be tried again.
pub(super) const EXPIRED: &str = "expired";

/// What holds for a subscription that does not say.
#[derive(Clone, Debug)]
pub(super) struct Defaults {
    /// Statuses after which a delivery is not tried again.
    pub(super) permanent_statuses: Vec<u16>,
    /// How old a delivery may become.
    pub(super) max_age: Duration,
}

impl Defaults {
    /// The statuses after which a delivery is not tried again. A list of the subscription's own replaces the gateway's.
    pub(super) fn permanent_statuses<'a>(&'a self, options: &'a DeliveryOptions) -> &'a [u16] {
        if options.permanent_statuses.is_empty() { &self.permanent_statuses } else { &options.permanent_statuses }
    }
}

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
    /// Statuses after which there are no repeats.
    pub(super) permanent_statuses: &'a [u16],
    /// The last moment at which an attempt may begin, if there is one; unix milliseconds.
    pub(super) expires_at: Option<i64>,
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
            Verdict::Retry if rules.permanent_statuses.contains(&status) => plain(failed(PERMANENT_STATUS)),
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
    match due_at {
        None => failed(RETRIES_EXHAUSTED),
        Some(due_at) if rules.expires_at.is_some_and(|last| due_at > last) => failed(EXPIRED),
        Some(due_at) => Next::Retry { due_at },
    }
}

/// The last moment at which an attempt for a delivery may begin, in unix milliseconds, by what its subscription or the gateway says.
pub(super) fn expires_at(pending: &Pending, options: &DeliveryOptions, defaults: &Defaults) -> Option<i64> {
    let max_age = options.max_age_secs.map_or(defaults.max_age, Duration::from_secs);
    last_moment(pending, i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX))
}

/// The last moment at which an attempt for a delivery may begin, in unix milliseconds. `None` once an operator has begun a new budget: whoever asks for an old delivery wants it.
pub(super) fn last_moment(pending: &Pending, max_age_ms: i64) -> Option<i64> {
    if pending.budget_from > 0 {
        return None;
    }
    // Before its first attempt a delivery is due since its creation, or since an operator asked for it.
    let created_at = pending.id.created_at_ms();
    let since = if pending.attempts == 0 { created_at.max(pending.due_at) } else { created_at };
    Some(since.saturating_add(max_age_ms))
}

/// Whether a delivery has become too old to be tried.
pub(super) fn is_expired(pending: &Pending, options: &DeliveryOptions, defaults: &Defaults, now_ms: i64) -> bool {
    expires_at(pending, options, defaults).is_some_and(|last| now_ms > last)
}

/// Whether a delivery's budget is spent before an attempt: it was made smaller meanwhile.
fn is_spent(pending: &Pending, policy: RetryPolicy, max_retries: u32) -> bool {
    u64::from(pending.budget_used()) >= attempts_max(policy, max_retries)
}

/// Why no attempt is to be made for a delivery that is due, if none is.
pub(super) fn over(
    pending: &Pending,
    subscription: &Subscription,
    defaults: &Defaults,
    now_ms: i64,
) -> Option<&'static str> {
    if is_spent(pending, subscription.retry_policy, subscription.max_retries) {
        return Some(RETRIES_EXHAUSTED);
    }
    is_expired(pending, &subscription.options, defaults, now_ms).then_some(EXPIRED)
}

fn failed(reason: &str) -> Next {
    Next::Failed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
