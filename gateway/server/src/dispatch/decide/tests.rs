use super::*;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId, first_at_ms};

const NOW: i64 = 1_767_565_800_000;

fn decided(ending: Ending, policy: RetryPolicy, max_retries: u32, budget_used: u32) -> Decision {
    let schedule = Schedule::default();
    let rules = Rules { policy, max_retries, schedule: &schedule, permanent_statuses: &[], expires_at: None };
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

#[test]
fn a_permanent_status_ends_the_delivery_and_nothing_else() {
    let schedule = Schedule::default();
    let rules = Rules {
        policy: RetryPolicy::Exponential,
        max_retries: 5,
        schedule: &schedule,
        // None but 422 is heeded: the others mean what they always mean.
        permanent_statuses: &[422, 410, 503, 204],
        expires_at: None,
    };
    let decided = |status| decide(answered(status), rules, Moment { budget_used: 1, now_ms: NOW, jitter_unit: 0.5 });
    let plain = |next| Decision { next, disable: None, throttled: None };
    assert_eq!(decided(422), plain(Next::Failed { reason: PERMANENT_STATUS.to_owned() }));
    assert_eq!(decided(404), plain(Next::Retry { due_at: NOW + 5_000 }));
    assert_eq!(decided(410).disable, Some(GONE));
    assert_eq!(decided(503).next, Next::Retry { due_at: NOW + 5_000 });
    assert_eq!(decided(204), plain(Next::Delivered));
}

#[test]
fn a_retry_that_would_come_too_late_is_not_waited_for() {
    let schedule = Schedule::default();
    for (expires_in, retry_after_ms, expected) in [
        (5_000, None, Next::Retry { due_at: NOW + 5_000 }),
        (4_999, None, Next::Failed { reason: EXPIRED.to_owned() }),
        (-1, None, Next::Failed { reason: EXPIRED.to_owned() }),
        (59_999, Some(60_000), Next::Failed { reason: EXPIRED.to_owned() }),
    ] {
        let rules = Rules {
            policy: RetryPolicy::Exponential,
            max_retries: 1,
            schedule: &schedule,
            permanent_statuses: &[],
            expires_at: Some(NOW + expires_in),
        };
        let moment = Moment { budget_used: 1, now_ms: NOW, jitter_unit: 0.5 };
        let ending = Ending::Answered { status: 500, retry_after_ms };
        assert_eq!(decide(ending, rules, moment).next, expected, "{expires_in}");
        // What came late is delivered all the same, and a spent budget is called that.
        assert_eq!(decide(answered(200), rules, moment).next, Next::Delivered);
        let spent = decide(ending, rules, Moment { budget_used: 2, ..moment }).next;
        assert_eq!(spent, Next::Failed { reason: RETRIES_EXHAUSTED.to_owned() });
    }
}

/// A delivery that was made at [`NOW`].
fn pending(attempts: u32, budget_from: u32, due_at: i64) -> Pending {
    Pending {
        id: DeliveryId::from_i64(first_at_ms(NOW)).unwrap(),
        event_id: EventId::from_i64(1).unwrap(),
        subscription_id: SubscriptionId::from_i64(1).unwrap(),
        attempts,
        budget_from,
        due_at,
        order: None,
        event: None,
    }
}

fn defaults() -> Defaults {
    Defaults { permanent_statuses: vec![404], max_age: Duration::from_secs(100) }
}

#[test]
fn a_delivery_is_as_old_as_its_creation() {
    let hour = 3_600_000;
    let own = DeliveryOptions { max_age_secs: Some(200), ..DeliveryOptions::default() };
    let usual = DeliveryOptions::default();
    for (what, pending, options, last) in [
        ("fresh", pending(0, 0, NOW), &usual, Some(NOW + 100_000)),
        ("with an age of its own", pending(0, 0, NOW), &own, Some(NOW + 200_000)),
        ("tried before, whenever it is due", pending(2, 0, NOW + hour), &usual, Some(NOW + 100_000)),
        ("never tried, asked for by an operator", pending(0, 0, NOW + hour), &usual, Some(NOW + hour + 100_000)),
        ("in a budget that an operator began", pending(3, 3, NOW + hour), &own, None),
    ] {
        assert_eq!(expires_at(&pending, options, &defaults()), last, "{what}");
        let Some(last) = last else {
            assert!(!is_expired(&pending, options, &defaults(), i64::MAX), "{what}");
            continue;
        };
        assert!(!is_expired(&pending, options, &defaults(), last), "{what}");
        assert!(is_expired(&pending, options, &defaults(), last + 1), "{what}");
        assert!(!is_expired(&pending, options, &defaults(), 0), "{what}: a clock that stepped back");
    }
}

#[test]
fn a_subscription_s_own_permanent_statuses_stand_in_for_the_gateway_s() {
    let own = DeliveryOptions { permanent_statuses: vec![422], ..DeliveryOptions::default() };
    assert_eq!(defaults().permanent_statuses(&own), [422]);
    assert_eq!(defaults().permanent_statuses(&DeliveryOptions::default()), [404]);
}

#[test]
fn a_budget_that_was_made_smaller_is_spent() {
    let exponential = |max_retries| (RetryPolicy::Exponential, max_retries);
    for ((policy, max_retries), attempts, budget_from, expected) in [
        (exponential(2), 2, 0, false),
        (exponential(2), 3, 0, true),
        (exponential(2), 5, 3, false),
        (exponential(2), 6, 3, true),
        (exponential(0), 0, 0, false),
        ((RetryPolicy::None, 9), 0, 0, false),
        ((RetryPolicy::None, 9), 1, 0, true),
        ((RetryPolicy::None, 9), 4, 4, false),
    ] {
        let pending = pending(attempts, budget_from, NOW);
        assert_eq!(is_spent(&pending, policy, max_retries), expected, "{policy:?} {max_retries} {attempts}");
    }
}
