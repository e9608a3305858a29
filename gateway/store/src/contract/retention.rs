//! Retention: what is old goes with all that belongs to it, what is pending stays, and the audit can still be verified.

use super::Factory;
use super::answer;
use super::operator::{change, publication, publish};
use super::partner::{accepted, accepted_as, completed, receive, receiving, resume, resuming};
use super::subscriber::{delivered, failed, subscribe, to_retry};
use super::trial::{START_MS, Trial};
use crate::{AuditAnchor, Prune, Pruned, RecordKind, Stock};
use hookwright_core::audit::is_intact;
use hookwright_core::establishment::DAY_MS;
use hookwright_core::intake::{Publish, Receive, Work};
use hookwright_core::message::MessageStatus;

/// Removes all of a kind that is older than so many days, in batches of `limit` rows; each batch keeps to its bound.
async fn prune_by(trial: &Trial<'_>, kind: RecordKind, days: i64, limit: u32) -> Pruned {
    let before_ms = trial.now() - days * DAY_MS;
    let mut whole = Pruned::default();
    let mut after = 0;
    for _ in 0..10_000 {
        let batch = trial.store.prune(Prune { kind, before_ms, after, limit }).await.unwrap();
        assert!(batch.rows <= 3 * u64::from(limit) + 3, "{} rows went at once", batch.rows);
        whole.removed += batch.removed;
        whole.rows += batch.rows;
        let Some(next) = batch.next else { return whole };
        assert!(next >= after && (next > after || batch.rows > 0), "a batch that gets nowhere");
        after = next;
    }
    panic!("it never ends");
}

async fn prune(trial: &Trial<'_>, kind: RecordKind, days: i64) -> u64 {
    prune_by(trial, kind, days, 500).await.removed
}

async fn stock(trial: &Trial<'_>, kind: RecordKind, days: i64) -> Stock {
    trial.store.stock(kind, trial.now() - days * DAY_MS, 0, 100).await.unwrap()
}

/// An event goes with its deliveries and their attempts; younger ones stay, and there is nothing left to retry.
pub async fn an_old_event_goes_with_all_that_belongs_to_it(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let old = trial.publish_for_one("order.placed").await;
    trial.store.finish(to_retry(&trial, &old, 1, START_MS)).await.unwrap();
    trial.store.finish(delivered(&trial, &old, 2)).await.unwrap();
    let unwanted = trial.publish_for_one("order.paid").await;
    trial.store.finish(failed(&trial, &unwanted, 1)).await.unwrap();
    trial.clock.advance(31 * DAY_MS);
    let young = trial.publish_for_one("order.placed").await;
    trial.store.finish(delivered(&trial, &young, 1)).await.unwrap();

    assert_eq!(stock(&trial, RecordKind::Events, 30).await, Stock { oldest_ms: Some(START_MS), expired: 2 });
    assert_eq!(prune(&trial, RecordKind::Events, 32).await, 0, "nothing is that old");
    assert_eq!(
        prune_by(&trial, RecordKind::Events, 30, 500).await,
        Pruned { removed: 2, rows: 7, ..Pruned::default() }
    );
    for gone in [&old, &unwanted] {
        assert!(trial.store.event(gone.event_id).await.unwrap().is_none());
        assert!(trial.store.delivery(gone.id).await.unwrap().is_none());
    }
    assert_eq!(trial.delivery(young.id).await.1.len(), 1);
    assert_eq!(trial.events(None).await.len(), 1);
    assert_eq!(trial.deliveries(crate::DeliveryFilter::default()).await.len(), 1);
    assert_eq!(stock(&trial, RecordKind::Events, 30).await, Stock { oldest_ms: Some(trial.now()), expired: 0 });
    let asked = trial.store.retry(old.id, change(&trial, "delivery.retried", old.id)).await.unwrap();
    assert!(matches!(answer::saved(asked), crate::RetryAsked::NotFound));
}

/// While one delivery of an event is pending, all of it stays, and so do the attempts that were made for it; those of others that ended may go before them.
pub async fn what_is_pending_stays_whatever_its_age(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for _ in 0..2 {
        subscribe(&trial, &["*"]).await;
    }
    let event = trial.publish("order.placed", "{}").await;
    let both = trial.pending().await;
    trial.store.finish(delivered(&trial, &both[0], 1)).await.unwrap();
    trial.store.finish(to_retry(&trial, &both[1], 1, START_MS)).await.unwrap();
    trial.clock.advance(400 * DAY_MS);

    assert_eq!(prune(&trial, RecordKind::Events, 30).await, 0);
    assert_eq!(trial.event(event).await.fan_out.len(), 2);
    assert_eq!(prune(&trial, RecordKind::Attempts, 30).await, 1, "the attempt of the one that ended");
    assert_eq!(trial.delivery(both[0].id).await.1.len(), 0);
    let (delivery, attempts) = trial.delivery(both[1].id).await;
    assert_eq!((delivery.attempts, attempts.len()), (1, 1));
    assert_eq!(trial.delivery(both[0].id).await.0.response_code, Some(200), "what came of it is still known");

    trial.store.finish(delivered(&trial, &both[1], 2)).await.unwrap();
    assert_eq!(prune(&trial, RecordKind::Events, 30).await, 1);
    assert!(trial.store.event(event).await.unwrap().is_none());
}

/// However many belong to one event, a batch is bounded, and the next one goes on where it ended; a batch that finds only what must stay goes on as well.
pub async fn batches_are_bounded_and_go_on(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for _ in 0..25 {
        subscribe(&trial, &["*"]).await;
    }
    let events = vec![publication("order.placed", "{}"); 8];
    let list = Publish { events, as_list: true, ..publish("order.placed", "{}") };
    trial.submit(Work::Publish(Box::new(list))).await;
    let pending = trial.pending().await;
    assert_eq!(pending.len(), 200);
    for delivery in pending.iter().filter(|delivery| delivery.event_id != pending[0].event_id) {
        trial.store.finish(delivered(&trial, delivery, 1)).await.unwrap();
    }
    trial.clock.advance(31 * DAY_MS);
    let pruned = prune_by(&trial, RecordKind::Events, 30, 8).await;
    assert_eq!((pruned.removed, pruned.rows), (7, 7 + 2 * 175));
    assert_eq!(trial.pending().await.len(), 25);
    assert_eq!(trial.events(None).await.len(), 1);
}

/// A message goes once it came to an end and did not change for as long; one that waits is not its business.
pub async fn messages_go_once_they_came_to_an_end(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let done = trial.receive(accepted(vec![completed("cus_xyz", START_MS)])).await.message_id;
    let waiting = trial.receive(accepted(vec![completed("cus_new", START_MS)])).await.message_id;
    trial.clock.advance(31 * DAY_MS);
    assert_eq!(stock(&trial, RecordKind::Messages, 30).await.expired, 1);
    assert_eq!(stock(&trial, RecordKind::UnfinishedMessages, 30).await.expired, 1);
    assert_eq!(prune(&trial, RecordKind::Messages, 30).await, 1);
    assert!(trial.store.message(done).await.unwrap().is_none());

    // Taken up after a month, it is as young as its change.
    trial.put_customer("cus_new", Some("TX")).await;
    let message = trial.message(waiting).await;
    trial.submit(resuming(resume(&message, None, None))).await;
    assert_eq!(trial.message(waiting).await.status, MessageStatus::Processed);
    assert_eq!(prune(&trial, RecordKind::Messages, 30).await, 0);
    trial.clock.advance(31 * DAY_MS);
    assert_eq!(prune(&trial, RecordKind::Messages, 30).await, 1);
    assert!(trial.store.message(waiting).await.unwrap().is_none());
}

/// A message that never came to an end goes after a time of its own, and never without a word.
pub async fn an_unfinished_message_that_goes_is_named(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let waiting = trial.receive(accepted(vec![completed("cus_new", START_MS)])).await.message_id;
    trial.clock.advance(100 * DAY_MS);
    assert_eq!(prune(&trial, RecordKind::UnfinishedMessages, 365).await, 0);
    assert_eq!(prune(&trial, RecordKind::UnfinishedMessages, 90).await, 1);
    assert!(trial.store.message(waiting).await.unwrap().is_none());
    let entry = &trial.audit().await[0].draft;
    let told = (entry.action.as_str(), entry.target.as_str(), entry.detail.as_str());
    assert_eq!(told, ("message.expired", waiting.to_string().as_str(), "status=waiting"));
    trial.put_customer("cus_new", Some("TX")).await;
    assert!(trial.store.resumable(10).await.unwrap().is_empty());
}

/// However short messages are kept: one that a repeat would be recognised by stays for as long as it would.
pub async fn a_repeat_is_recognised_whatever_is_removed(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let consultation = || accepted_as("call_1", vec![completed("cus_xyz", START_MS)]);
    let first = trial.receive(consultation()).await;
    trial.clock.advance(6 * DAY_MS);
    assert_eq!(prune(&trial, RecordKind::Messages, 0).await, 0);
    let again = Receive { message_id: trial.ids.next(), ..receive(&trial, consultation()) };
    let again = answer::received(trial.submit(receiving(again)).await);
    assert!(again.duplicate);
    assert_eq!(again.message_id, first.message_id);
    trial.clock.advance(30 * DAY_MS);
    assert_eq!(prune(&trial, RecordKind::Messages, 0).await, 1);
}

/// What goes from the audit's beginning leaves the hash that the next entry names, over a restart too, and the chain goes on.
pub async fn the_audit_is_verified_from_where_it_begins_now(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    assert_eq!(trial.store.audit_anchor().await.unwrap(), None);
    for number in 0..20 {
        trial.store.record(change(&trial, "message.read", format!("msg_{number}")).audit).await.unwrap();
    }
    let whole = trial.audit().await;
    trial.clock.advance(10 * DAY_MS);
    let kept = trial.store.record(change(&trial, "message.read", "kept").audit);
    kept.await.unwrap();
    assert_eq!(prune_by(&trial, RecordKind::Audit, 5, 7).await.removed, 20);
    trial.reopen().await;
    trial.store.record(change(&trial, "message.read", "later").audit).await.unwrap();

    let entries = trial.audit().await;
    assert_eq!(entries.iter().map(|entry| entry.draft.target.as_str()).collect::<Vec<_>>(), ["later", "kept"]);
    assert!(entries.iter().all(is_intact));
    assert_eq!(entries[0].previous, entries[1].hash);
    let anchor = trial.store.audit_anchor().await.unwrap().expect("something went");
    assert_eq!(anchor, AuditAnchor { id: whole[0].id, hash: whole[0].hash });
    assert_eq!(entries[1].previous, anchor.hash, "the chain begins where the anchor says");

    trial.clock.advance(1_000 * DAY_MS);
    assert_eq!(prune(&trial, RecordKind::Audit, 5).await, 1);
    assert_eq!(trial.audit().await.len(), 1, "the newest stays");
}
