//! Subscribers, and what becomes of deliveries to them.

use super::operator::change;
use super::trial::Trial;
use super::{answer, operator};
use hookwright_core::delivery::{Attempt, AttemptError, Finish, Next, Pending};
use hookwright_core::id::SubscriptionId;
use hookwright_core::retry::RetryPolicy;
use hookwright_core::secret::{LiveSecret, SigningSecret};
use hookwright_core::subscription::Subscription;
use std::sync::Arc;

/// A subscription to these patterns that is not stored yet.
pub fn draft(trial: &Trial<'_>, events: &[&str]) -> Subscription {
    let id: SubscriptionId = trial.ids.next();
    Subscription {
        id,
        url: format!("https://hooks.example.com/{id}"),
        secrets: vec![LiveSecret::lasting(trial.ids.next(), SigningSecret::generate([7; 32]), 0)],
        events: events.iter().map(|pattern| pattern.parse().expect("a pattern")).collect(),
        active: true,
        retry_policy: RetryPolicy::Exponential,
        max_retries: 5,
        name: "Klaviyo".to_owned(),
        description: None,
        created_by: operator::OPERATOR.to_owned(),
        transform: None,
        headers: Vec::new(),
        timeout_ms: 15_000,
        max_in_flight: 8,
        options: hookwright_core::delivery_options::DeliveryOptions::default(),
        created_at: trial.now(),
        updated_at: trial.now(),
        disabled_reason: None,
        version: 1,
    }
}

/// A stored subscription to these patterns.
pub async fn subscribe(trial: &Trial<'_>, events: &[&str]) -> Arc<Subscription> {
    let draft = draft(trial, events);
    let change = change(trial, "subscription.created", draft.id);
    answer::saved(trial.store.create_subscription(draft, change).await.unwrap())
}

/// The subscription as it is now, switched on or off.
pub async fn switch(trial: &Trial<'_>, id: SubscriptionId, active: bool) -> Arc<Subscription> {
    let mut present = Subscription::clone(&trial.subscription(id).expect("the subscription is there"));
    let expected = present.version;
    present.active = active;
    let change = change(trial, if active { "subscription.resumed" } else { "subscription.paused" }, id);
    let saved = trial.store.update_subscription(present, expected, change).await.unwrap();
    answer::saved(saved).expect("the subscription is there")
}

/// Attempt `number` for a delivery, answered with `code` and a body that tells the number; no answer at all if there is no code.
pub(super) fn attempt(trial: &Trial<'_>, pending: &Pending, number: u32, code: Option<u16>) -> Attempt {
    let error = AttemptError { kind: "timeout".to_owned(), detail: "no answer in time".to_owned() };
    Attempt {
        id: trial.ids.next(),
        delivery_id: pending.id,
        event_id: pending.event_id,
        subscription_id: pending.subscription_id,
        number,
        started_at: trial.now(),
        duration_ms: 40 + number,
        response_code: code,
        error: code.is_none().then_some(error),
        request_headers: vec![("webhook-id".to_owned(), pending.event_id.to_string())],
        response_headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        response_body: body(number),
        response_truncated: number.is_multiple_of(2),
        plugin_digest: (number == 1).then(|| "e2".repeat(32)),
        logs: vec![format!("attempt {number}")],
    }
}

/// The body that the answer to attempt `number` had: not text.
pub(super) fn body(number: u32) -> Vec<u8> {
    let mut body = vec![0xff, 0x00, 0xc3];
    body.extend(number.to_be_bytes());
    body
}

/// An attempt that was answered with 200.
pub fn delivered(trial: &Trial<'_>, pending: &Pending, number: u32) -> Finish {
    finish(pending, attempt(trial, pending, number, Some(200)), Next::Delivered)
}

/// An attempt that was answered with 500, after which the delivery ends.
pub(super) fn failed(trial: &Trial<'_>, pending: &Pending, number: u32) -> Finish {
    let reason = "retries_exhausted".to_owned();
    finish(pending, attempt(trial, pending, number, Some(500)), Next::Failed { reason })
}

/// An attempt that was not answered, and another due at `due_at`.
pub(super) fn to_retry(trial: &Trial<'_>, pending: &Pending, number: u32, due_at: i64) -> Finish {
    finish(pending, attempt(trial, pending, number, None), Next::Retry { due_at })
}

fn finish(pending: &Pending, attempt: Attempt, next: Next) -> Finish {
    Finish { attempt, next, budget_from: pending.budget_from, disable_subscription: None }
}
