//! The table of pending deliveries, as the dispatcher reads it.

use super::Factory;
use super::operator::change;
use super::subscriber::{delivered, subscribe, switch, to_retry};
use super::trial::{START_MS, Trial};
use crate::{DeliveryFilter, Finished};
use hookwright_core::delivery::{DeliveryStatus, Pending};
use hookwright_core::id::DeliveryId;

fn ids(pending: &[Pending]) -> Vec<DeliveryId> {
    pending.iter().map(|pending| pending.id).collect()
}

/// In order of ids, from above a given one, as many as asked for: all of them or one subscription's.
pub async fn pending_is_read_in_order_from_where_one_left_off(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let first = subscribe(&trial, &["*"]).await.id;
    let second = subscribe(&trial, &["*"]).await.id;
    for _ in 0..10 {
        trial.publish("order.placed", "{}").await;
    }
    let all = ids(&trial.store.pending(None, 100).await.unwrap());
    assert_eq!(all.len(), 20);
    assert!(all.is_sorted_by(|one, next| one < next));
    assert_eq!(ids(&trial.store.pending(None, 7).await.unwrap()), all[..7]);
    assert_eq!(ids(&trial.store.pending(Some(all[6]), 7).await.unwrap()), all[7..14]);
    assert_eq!(ids(&trial.store.pending(Some(all[19]), 7).await.unwrap()), []);

    let of_first = trial.store.pending_of(first, None, 100).await.unwrap();
    assert_eq!(of_first.len(), 10);
    assert!(of_first.iter().all(|pending| pending.subscription_id == first));
    let of_first = ids(&of_first);
    assert!(of_first.is_sorted_by(|one, next| one < next));
    assert_eq!(ids(&trial.store.pending_of(first, Some(of_first[3]), 4).await.unwrap()), of_first[4..8]);
    assert_eq!(trial.store.pending_of(second, None, 3).await.unwrap().len(), 3);
}

/// While a subscription is paused its deliveries are left out; resumed, they are there as they were.
pub async fn paused_subscriptions_are_left_out_and_given_back(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let paused = subscribe(&trial, &["order.placed"]).await;
    let other = subscribe(&trial, &["order.paid"]).await;
    let waiting = trial.publish_for_one("order.placed").await;
    trial.publish_for_one("order.placed").await;
    trial.publish_for_one("order.paid").await;
    trial.store.finish(to_retry(&trial, &waiting, 1, START_MS + 9)).await.unwrap();

    switch(&trial, paused.id, false).await;
    let left: Vec<_> = trial.pending().await.iter().map(|pending| pending.subscription_id).collect();
    assert_eq!(left, [other.id]);
    assert_eq!(trial.delivery(waiting.id).await.0.status, DeliveryStatus::Retrying, "paused is not settled");
    let finished = trial.store.finish(to_retry(&trial, &waiting, 2, START_MS + 99)).await.unwrap();
    assert_eq!(finished, Finished::Applied, "what was under way when it was paused counts");

    switch(&trial, paused.id, true).await;
    assert_eq!(trial.pending().await.len(), 3);
    let given_back = trial.store.pending_of(paused.id, None, 10).await.unwrap();
    assert_eq!(given_back.len(), 2);
    assert_eq!((given_back[0].id, given_back[0].attempts, given_back[0].due_at), (waiting.id, 2, START_MS + 99));
}

/// Whatever was pending for a deleted subscription ends as failed with that reason, and no late finish brings it back.
pub async fn a_deleted_subscription_settles_what_is_pending(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let deleted = subscribe(&trial, &["order.placed"]).await;
    let other = subscribe(&trial, &["order.paid"]).await;
    let done = trial.publish_for_one("order.placed").await;
    trial.store.finish(delivered(&trial, &done, 1)).await.unwrap();
    let retrying = trial.publish_for_one("order.placed").await;
    trial.store.finish(to_retry(&trial, &retrying, 1, START_MS + 9)).await.unwrap();
    let untried = trial.publish_for_one("order.placed").await;
    let others = trial.publish_for_one("order.paid").await;

    let deletion = || change(&trial, "subscription.deleted", deleted.id);
    assert!(trial.store.delete_subscription(deleted.id, deletion()).await.unwrap());
    assert!(!trial.store.delete_subscription(deleted.id, deletion()).await.unwrap());
    assert!(trial.subscription(deleted.id).is_none());
    for (pending, attempts) in [(&retrying, 1), (&untried, 0)] {
        let (delivery, made) = trial.delivery(pending.id).await;
        assert_eq!(
            (delivery.status, delivery.reason.as_deref()),
            (DeliveryStatus::Failed, Some("subscription_deleted"))
        );
        assert_eq!((delivery.attempts as usize, made.len()), (attempts, attempts));
        assert_eq!(delivery.next_retry_at, None);
        let late = delivered(&trial, pending, delivery.attempts + 1);
        assert_eq!(trial.store.finish(late).await.unwrap(), Finished::Stale);
    }
    assert_eq!(
        trial.delivery(done.id).await.0.status,
        DeliveryStatus::Delivered,
        "what ended before stays as it ended"
    );
    assert_eq!(ids(&trial.pending().await), [others.id]);
    let history = DeliveryFilter { subscription_id: Some(deleted.id), ..DeliveryFilter::default() };
    assert_eq!(trial.deliveries(history).await.len(), 3, "its history can be told");
    assert_eq!(trial.audited("subscription.deleted").await, 1);
    assert!(trial.event(trial.publish("order.placed", "{}").await).await.fan_out.is_empty());
    assert!(trial.subscription(other.id).is_some());
}

/// Events are loaded by id, each once; ids that are not there are left out.
pub async fn events_are_loaded_by_id(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let mut published = Vec::new();
    for number in 0..5 {
        published.push(trial.publish("order.placed", &format!("[{number}]")).await);
    }
    let asked = vec![published[3], trial.ids.next(), published[0]];
    let mut loaded = trial.store.load_events(asked).await.unwrap();
    loaded.sort_by_key(|event| event.id);
    assert_eq!(loaded.len(), 2);
    assert_eq!((loaded[0].id, &*loaded[0].data), (published[0], "[0]"));
    assert_eq!((loaded[1].id, &*loaded[1].data), (published[3], "[3]"));
    assert_eq!(*loaded[1], *trial.event(published[3]).await, "both ways read the same event");
    assert!(trial.store.load_events(Vec::new()).await.unwrap().is_empty());
    let many = vec![published[1]; 3];
    assert!(trial.store.load_events(many).await.unwrap().iter().all(|event| event.id == published[1]));
}
