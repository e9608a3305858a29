//! An operator's retry: due at once, with a fresh budget, and the history kept.

use super::operator::{change, claiming};
use super::subscriber::{delivered, failed, subscribe, to_retry};
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::{Finished, RetryAsked};
use hookwright_core::delivery::{DeliveryStatus, Pending};
use hookwright_core::id::DeliveryId;
use hookwright_core::idempotency::Claimed;

async fn retry(trial: &Trial<'_>, id: DeliveryId) -> RetryAsked {
    answer::saved(trial.store.retry(id, change(trial, "delivery.retried", id)).await.unwrap())
}

fn asked(asked: RetryAsked) -> Pending {
    match asked {
        RetryAsked::Pending(pending) => pending,
        other => panic!("expected the delivery to be pending again, got {other:?}"),
    }
}

/// A delivery that failed is pending again: numbered on, with nothing of the new budget used, and its attempts still there.
pub async fn a_failed_delivery_gets_a_fresh_budget_and_keeps_its_history(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let first = trial.publish_for_one("order.placed").await;
    trial.store.finish(to_retry(&trial, &first, 1, START_MS + 9)).await.unwrap();
    trial.store.finish(failed(&trial, &first, 2)).await.unwrap();
    trial.clock.advance(60_000);

    let again = asked(retry(&trial, first.id).await);
    assert_eq!((again.id, again.event_id, again.subscription_id), (first.id, first.event_id, first.subscription_id));
    assert_eq!((again.attempts, again.budget_used(), again.due_at), (2, 0, trial.now()));
    let kept = trial.pending_one(first.id).await.expect("it is pending");
    assert_eq!((kept.attempts, kept.budget_from, kept.due_at), (again.attempts, again.budget_from, again.due_at));
    let (delivery, attempts) = trial.delivery(first.id).await;
    assert!(matches!(delivery.status, DeliveryStatus::Pending | DeliveryStatus::Retrying), "{:?}", delivery.status);
    assert_eq!((delivery.reason.as_deref(), attempts.len()), (None, 2));
    assert_eq!(trial.audited("delivery.retried").await, 1);

    assert_eq!(trial.store.finish(failed(&trial, &first, 2)).await.unwrap(), Finished::Stale);
    assert_eq!(trial.store.finish(delivered(&trial, &first, 3)).await.unwrap(), Finished::Applied);
    let (delivery, attempts) = trial.delivery(first.id).await;
    assert_eq!((delivery.status, delivery.attempts, attempts.len()), (DeliveryStatus::Delivered, 3, 3));
    let thrice = asked(retry(&trial, first.id).await);
    assert_eq!((thrice.attempts, thrice.budget_used()), (3, 0), "what was delivered can be sent once more");
}

/// A delivery that waits for its next attempt need not wait.
pub async fn a_waiting_delivery_is_due_at_once(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    trial.store.finish(to_retry(&trial, &pending, 1, START_MS + 86_400_000)).await.unwrap();
    trial.clock.advance(1_000);
    let again = asked(retry(&trial, pending.id).await);
    assert_eq!((again.attempts, again.budget_used(), again.due_at), (1, 0, START_MS + 1_000));
    let due = trial.pending_one(pending.id).await.expect("it is pending").due_at;
    assert_eq!(due, START_MS + 1_000);
    assert_eq!(trial.pending().await.len(), 1);
}

/// Under one claim a delivery is retried once, and another request under it is refused.
pub async fn a_claim_makes_a_retry_happen_once(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    trial.store.finish(failed(&trial, &pending, 1)).await.unwrap();
    let with = |body: &str| claiming(change(&trial, "delivery.retried", pending.id), "k", body);
    let again = asked(answer::saved(trial.store.retry(pending.id, with("one")).await.unwrap()));
    trial.store.finish(failed(&trial, &again, 2)).await.unwrap();

    let replay = trial.store.retry(pending.id, with("one")).await.unwrap();
    let Claimed::Replayed(answer) = replay else { panic!("expected the first answer, got {replay:?}") };
    assert_eq!((answer.status, answer.body.as_slice()), (201, br#"{"of":"one"}"#.as_slice()));
    assert!(matches!(trial.store.retry(pending.id, with("two")).await.unwrap(), Claimed::Mismatch));
    assert!(trial.pending().await.is_empty(), "it was retried once");
    assert_eq!(trial.audited("delivery.retried").await, 1);
}

/// A delivery that never was, and one whose subscription is deleted, are told apart.
pub async fn what_is_not_there_cannot_be_retried(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let subscription = subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    assert!(matches!(retry(&trial, trial.ids.next()).await, RetryAsked::NotFound));
    trial.store.finish(failed(&trial, &pending, 1)).await.unwrap();
    let deletion = change(&trial, "subscription.deleted", subscription.id);
    assert!(trial.store.delete_subscription(subscription.id, deletion).await.unwrap());
    assert!(matches!(retry(&trial, pending.id).await, RetryAsked::NoSubscription));
    assert!(trial.pending().await.is_empty());
    assert_eq!(trial.audited("delivery.retried").await, 0, "nothing happened, so nothing is on record");
}

/// An operator's retry that comes while an attempt is under way stands, whatever the attempt comes to; a success settles it all the same.
pub async fn a_retry_asked_for_during_an_attempt_stands(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let under_way = trial.publish_for_one("order.placed").await;
    let first = trial.store.finish(to_retry(&trial, &under_way, 1, trial.now() + 5_000)).await.unwrap();
    assert_eq!(first, Finished::Applied);
    let under_way = trial.pending_one(under_way.id).await.expect("it is pending");
    trial.clock.advance(5_000);
    let fresh = trial.store.retry(under_way.id, change(&trial, "delivery.retried", under_way.id)).await.unwrap();
    let fresh = asked(answer::saved(fresh));
    assert_eq!(trial.store.finish(failed(&trial, &under_way, 2)).await.unwrap(), Finished::Stale);
    let present = trial.pending_one(under_way.id).await.expect("it is pending still");
    assert_eq!((present.attempts, present.budget_used(), present.due_at), (2, 0, fresh.due_at));
    let (_, attempts) = trial.delivery(under_way.id).await;
    assert_eq!(attempts.len(), 2, "the attempt is on record");
    assert_eq!(trial.store.finish(delivered(&trial, &present, 3)).await.unwrap(), Finished::Applied);
    assert!(trial.pending().await.is_empty());
}
