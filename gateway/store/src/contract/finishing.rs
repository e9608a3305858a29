//! Attempts and what follows from them, fenced by the attempt's number.

use super::subscriber::{attempt, body, delivered, failed, subscribe, to_retry};
use super::trial::{START_MS, Trial};
use super::{Factory, operator};
use crate::Finished;
use hookwright_core::delivery::{DeliveryStatus, Finish, Next};
use hookwright_core::id::DeliveryId;
use std::sync::Arc;

/// A 2xx settles the delivery: it is delivered, and no longer pending.
pub async fn a_success_settles(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let subscription = subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    assert_eq!((pending.attempts, pending.budget_used(), pending.due_at), (0, 0, START_MS));
    trial.clock.advance(500);
    assert_eq!(trial.store.finish(delivered(&trial, &pending, 1)).await.unwrap(), Finished::Applied);

    let (delivery, attempts) = trial.delivery(pending.id).await;
    assert_eq!((delivery.status, delivery.attempts, attempts.len()), (DeliveryStatus::Delivered, 1, 1));
    assert_eq!((delivery.subscription_id, delivery.event_id), (subscription.id, pending.event_id));
    assert_eq!((delivery.response_code, delivery.next_retry_at), (Some(200), None));
    assert_eq!(delivery.delivered_at, Some(START_MS + 500 + 41), "when its attempt ended");
    assert_eq!(delivery.created_at, START_MS);
    assert!(trial.pending().await.is_empty());
}

/// Every attempt is kept as it was made, in order: codes, errors, headers, bodies, log lines.
pub async fn attempts_are_kept_in_order_with_their_bodies(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    for number in 1..=3 {
        trial.clock.advance(1_000);
        let due_at = trial.now() + 5_000;
        let finished = trial.store.finish(to_retry(&trial, &pending, number, due_at)).await.unwrap();
        assert_eq!(finished, Finished::Applied);
        let (delivery, _) = trial.delivery(pending.id).await;
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Retrying, number));
        assert_eq!((delivery.next_retry_at, delivery.response_code), (Some(due_at), None));
        let present = trial.pending_one(pending.id).await.expect("it is still pending");
        assert_eq!((present.attempts, present.budget_used(), present.due_at), (number, number, due_at));
    }
    trial.store.finish(failed(&trial, &pending, 4)).await.unwrap();

    let (delivery, attempts) = trial.delivery(pending.id).await;
    assert_eq!((delivery.status, delivery.reason.as_deref()), (DeliveryStatus::Failed, Some("retries_exhausted")));
    assert_eq!((delivery.response_code, delivery.delivered_at), (Some(500), None));
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for attempt in &attempts {
        let number = attempt.number;
        assert!(attempt.response_body == body(number), "the body of attempt {number} came back changed");
        assert_eq!(attempt.duration_ms, 40 + number);
        assert_eq!(attempt.response_truncated, number % 2 == 0);
        assert_eq!(attempt.logs, [format!("attempt {number}")]);
        assert_eq!(attempt.request_headers, [("webhook-id".to_owned(), pending.event_id.to_string())]);
        assert_eq!(attempt.response_headers, [("content-type".to_owned(), "text/plain".to_owned())]);
        assert_eq!(attempt.plugin_digest.is_some(), number == 1);
        assert_eq!(attempt.started_at, START_MS + 1_000 * i64::from(number.min(3)));
        assert_eq!((attempt.delivery_id, attempt.event_id), (pending.id, pending.event_id));
        let error = attempt.error.as_ref().map(|error| (error.kind.as_str(), error.detail.as_str()));
        assert_eq!(error, (number < 4).then_some(("timeout", "no answer in time")));
    }
}

/// Only the attempt that follows the last one on record moves the delivery; an earlier number, a later one, and anything after the end leave it alone.
pub async fn a_stale_number_moves_nothing(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    let due_at = START_MS + 5_000;
    assert_eq!(
        trial.store.finish(failed(&trial, &pending, 2)).await.unwrap(),
        Finished::Stale,
        "attempt 1 was not made"
    );
    assert_eq!(trial.store.finish(to_retry(&trial, &pending, 1, due_at)).await.unwrap(), Finished::Applied);
    assert_eq!(trial.store.finish(failed(&trial, &pending, 1)).await.unwrap(), Finished::Stale);
    assert_eq!(trial.store.finish(to_retry(&trial, &pending, 1, due_at + 1)).await.unwrap(), Finished::Stale);
    let (delivery, _) = trial.delivery(pending.id).await;
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Retrying, 1));
    assert_eq!(delivery.next_retry_at, Some(due_at));

    assert_eq!(trial.store.finish(delivered(&trial, &pending, 2)).await.unwrap(), Finished::Applied);
    assert_eq!(trial.store.finish(failed(&trial, &pending, 3)).await.unwrap(), Finished::Stale);
    assert_eq!(trial.store.finish(to_retry(&trial, &pending, 3, due_at)).await.unwrap(), Finished::Stale);
    let (delivery, attempts) = trial.delivery(pending.id).await;
    assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 2));
    assert_eq!(attempts[0].response_code, None, "the first record of attempt 1 stays");
    assert!(trial.pending().await.is_empty());
}

/// Two finishes of the same attempt, one after the other or in the same moment: one counts.
pub async fn of_two_finishes_of_one_attempt_one_counts(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let mut deliveries = Vec::new();
    for _ in 0..20 {
        deliveries.push(trial.publish_for_one("order.placed").await);
    }
    let mut tasks = Vec::new();
    for (at, pending) in deliveries.iter().enumerate() {
        let second = match at % 3 {
            0 => failed(&trial, pending, 1),
            1 => to_retry(&trial, pending, 1, START_MS + 9),
            _ => delivered(&trial, pending, 1),
        };
        for finish in [failed(&trial, pending, 1), second] {
            let store = Arc::clone(&trial.store);
            tasks.push((pending.id, tokio::spawn(async move { store.finish(finish).await.unwrap() })));
        }
    }
    let mut applied = Vec::new();
    for (id, task) in tasks {
        if task.await.expect("no panic") == Finished::Applied {
            applied.push(id);
        }
    }
    for (at, pending) in deliveries.iter().enumerate() {
        let counted = applied.iter().filter(|id| **id == pending.id).count();
        let (delivery, attempts) = trial.delivery(pending.id).await;
        // A success counts beside the wait for another attempt, never beside an end.
        assert_eq!(counted, 1, "delivery {at}, which is {:?}", delivery.status);
        assert_eq!((delivery.attempts, attempts.len()), (1, 1), "delivery {at}");
        let still_pending = trial.pending_one(pending.id).await.is_some();
        assert_eq!(still_pending, delivery.status == DeliveryStatus::Retrying, "delivery {at}");
    }
}

/// A success whose attempt was given up before it was heard of is a success: the delivery needs no further attempt.
pub async fn a_late_success_is_true(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    for number in 1..=2 {
        trial.store.finish(to_retry(&trial, &pending, number, START_MS + 9)).await.unwrap();
    }
    assert_eq!(trial.store.finish(delivered(&trial, &pending, 1)).await.unwrap(), Finished::Applied);
    let (delivery, attempts) = trial.delivery(pending.id).await;
    assert_eq!((delivery.status, delivery.attempts, attempts.len()), (DeliveryStatus::Delivered, 2, 2));
    assert!(trial.pending().await.is_empty());
    assert_eq!(trial.store.finish(delivered(&trial, &pending, 2)).await.unwrap(), Finished::Stale, "it is settled");
}

/// A 410 ends the delivery and switches its subscription off in the same transaction, with the reason, a new version and a word in the audit.
pub async fn a_gone_subscriber_is_switched_off_with_the_attempt(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let gone = subscribe(&trial, &["order.placed"]).await;
    let other = subscribe(&trial, &["order.paid"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    let second = trial.publish_for_one("order.placed").await;
    let finish = Finish {
        attempt: attempt(&trial, &pending, 1, Some(410)),
        next: Next::Failed { reason: "gone".to_owned() },
        budget_from: 0,
        disable_subscription: Some("gone".to_owned()),
    };
    let audited = trial.audit().await.len();
    assert_eq!(trial.store.finish(finish.clone()).await.unwrap(), Finished::Applied);

    let (delivery, _) = trial.delivery(pending.id).await;
    assert_eq!((delivery.status, delivery.reason.as_deref()), (DeliveryStatus::Failed, Some("gone")));
    let present = trial.subscription(gone.id).expect("it is not deleted");
    assert_eq!((present.active, present.disabled_reason.as_deref()), (false, Some("gone")));
    assert!(present.version > gone.version, "whoever edits the old version must look again");
    assert_eq!(trial.audit().await.len(), audited + 1);
    assert!(trial.subscription(other.id).expect("the other").active);

    let event = trial.event(trial.publish("order.placed", "{}").await).await;
    assert!(event.fan_out.is_empty(), "it gets nothing more");
    assert_eq!(trial.delivery(second.id).await.0.status, DeliveryStatus::Pending, "what is pending waits");
    let version = present.version;
    assert_eq!(trial.store.finish(finish).await.unwrap(), Finished::Stale);
    assert_eq!(trial.subscription(gone.id).expect("it is not deleted").version, version);
}

/// A delivery can end without an attempt: failed, with the reason; once.
pub async fn an_abandoned_delivery_failed_for_that_reason(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    trial.store.finish(to_retry(&trial, &pending, 1, START_MS + 9)).await.unwrap();
    let abandon = |id: DeliveryId, reason: &str| trial.store.abandon(id, reason.to_owned());
    assert_eq!(abandon(pending.id, "skipped").await.unwrap(), Finished::Applied);
    assert_eq!(abandon(pending.id, "other").await.unwrap(), Finished::Stale);
    assert_eq!(abandon(trial.ids.next(), "skipped").await.unwrap(), Finished::Stale);
    let (delivery, attempts) = trial.delivery(pending.id).await;
    assert_eq!((delivery.status, delivery.reason.as_deref()), (DeliveryStatus::Failed, Some("skipped")));
    assert_eq!((delivery.attempts, attempts.len()), (1, 1), "its history stays");
    assert!(trial.pending().await.is_empty());
    let rows = trial.events(None).await;
    assert_eq!(rows[0].origin, operator::OPERATOR);
}
