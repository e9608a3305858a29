//! Restarts: whatever was acknowledged is there, and goes on from where it was.

use super::operator::{change, claim, claiming, publish};
use super::partner::{accepted, completed, failed as failed_parse, receive, receiving};
use super::subscriber::{attempt, delivered, failed, subscribe, to_retry};
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::{DeliveryFilter, EstablishmentFilter, Finished, MessageFilter, Store};
use hookwright_core::delivery::{Finish, Next};
use hookwright_core::id::AttemptId;
use hookwright_core::idempotency::Claimed;
use hookwright_core::intake::{Publish, Receive, Work};
use std::fmt::Write;

/// Everything that can be read, as one text: two equal texts mean equal records.
async fn everything(trial: &Trial<'_>) -> String {
    let store: &dyn Store = trial.store.as_ref();
    let mut text = format!("{:#?}\n{:#?}\n{:#?}\n", store.subscriptions(), store.sources(), store.keys());
    for row in trial.events(None).await {
        let event = trial.event(row.id).await;
        writeln!(text, "{row:?} {event:?} {} {:?}", event.data, event.fan_out).unwrap();
    }
    for row in trial.messages(MessageFilter::default()).await {
        let message = trial.message(row.id).await;
        writeln!(text, "{row:?} {message:?} {:?} {:?}", message.raw.body, message.raw.headers).unwrap();
    }
    for delivery in trial.deliveries(DeliveryFilter::default()).await {
        let (delivery, attempts) = trial.delivery(delivery.id).await;
        writeln!(text, "{delivery:?}").unwrap();
        for attempt in attempts {
            writeln!(text, "{attempt:?} {:?} {} {:?}", attempt.id, attempt.started_at, attempt.response_body).unwrap();
        }
    }
    for mut pending in trial.pending().await {
        pending.event = None;
        writeln!(text, "{pending:?}").unwrap();
    }
    for customer in store.customers(None, 1_000).await.unwrap() {
        writeln!(text, "{customer:?} {:?} {:?} {}", customer.name, customer.address, customer.updated_at).unwrap();
    }
    writeln!(text, "{:?}", trial.establishments(EstablishmentFilter::default()).await).unwrap();
    writeln!(text, "{:?}\n{:?}", store.plugins().await.unwrap(), store.next_lapse().await.unwrap()).unwrap();
    writeln!(text, "{:?}\n{:?}", store.resumable(100).await.unwrap(), trial.audit().await).unwrap();
    text
}

/// All records read the same after a restart, and the work goes on: pending deliveries are found, waiting messages can be resumed, the chain grows from its end.
pub async fn everything_survives(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let succeeded = trial.publish_for_one("order.placed").await;
    trial.store.finish(delivered(&trial, &succeeded, 1)).await.unwrap();
    let ended = trial.publish_for_one("order.paid").await;
    trial.store.finish(failed(&trial, &ended, 1)).await.unwrap();
    let retrying = trial.publish_for_one("order.shipped").await;
    trial.store.finish(to_retry(&trial, &retrying, 1, START_MS + 5_000)).await.unwrap();
    trial.store.retry(ended.id, change(&trial, "delivery.retried", ended.id)).await.unwrap();
    trial.receive(accepted(vec![completed("cus_late", START_MS)])).await;
    trial.receive(failed_parse()).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    trial.receive(accepted(vec![completed("cus_xyz", START_MS)])).await;
    trial.put_customer("cus_late", Some("TX")).await;

    let before = everything(&trial).await;
    trial.reopen().await;
    let after = everything(&trial).await;
    assert!(before == after, "before:\n{before}\nafter:\n{after}");

    let present = trial.pending_one(retrying.id).await.expect("it is pending");
    assert_eq!((present.attempts, present.due_at), (1, START_MS + 5_000));
    assert_eq!(trial.store.finish(failed(&trial, &retrying, 1)).await.unwrap(), Finished::Stale);
    assert_eq!(trial.store.finish(delivered(&trial, &retrying, 2)).await.unwrap(), Finished::Applied);
    assert_eq!(trial.store.resumable(10).await.unwrap().len(), 1);
    assert!(!trial.event(trial.publish("order.placed", "{}").await).await.fan_out.is_empty());
    super::chain::assert_whole(&trial).await;
}

/// Idempotency keys and the ids of messages are known after a restart.
pub async fn keys_are_still_known(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let publication =
        || Work::Publish(Box::new(Publish { claim: Some(claim("k", "{}")), ..publish("order.placed", "{}") }));
    let (first, _) = answer::whole(trial.submit(publication()).await);
    let message = Receive { transport_id: Some("msg_1".to_owned()), ..receive(&trial, accepted(Vec::new())) };
    let received = answer::received(trial.submit(receiving(message.clone())).await);
    let draft = super::subscriber::draft(&trial, &["*"]);
    let creation = claiming(change(&trial, "subscription.created", draft.id), "k3", "one");
    answer::saved(trial.store.create_subscription(draft.clone(), creation.clone()).await.unwrap());

    trial.reopen().await;
    assert_eq!(answer::whole(trial.submit(publication()).await), (first, true));
    let again = Receive { message_id: trial.ids.next(), ..message };
    let again = answer::received(trial.submit(receiving(again)).await);
    assert_eq!((again.duplicate, again.message_id), (true, received.message_id));
    let replay = trial.store.create_subscription(draft, creation).await.unwrap();
    assert!(matches!(replay, Claimed::Replayed(_)), "{replay:?}");
    assert_eq!(trial.store.subscriptions().len(), 1);
}

/// The clock stepped back over a restart: ids go on above every one that was given out and stored before, of whatever kind.
pub async fn ids_ascend_though_the_clock_went_back(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let pending = trial.publish_for_one("order.placed").await;
    // The last id that reaches the disk is that of an attempt, of a message, of an audit entry, in turn.
    let mut last = pending.id.get();
    for round in 0..3 {
        trial.clock.advance(10);
        let stored = match round {
            0 => {
                let attempt = attempt(&trial, &pending, 1, Some(500));
                let id = attempt.id.get();
                let next = Next::Retry { due_at: START_MS };
                trial.store.finish(Finish { attempt, next, budget_from: 0, disable_subscription: None }).await.unwrap();
                id
            }
            1 => trial.receive(failed_parse()).await.message_id.get(),
            _ => {
                trial.store.record(change(&trial, "message.read", "msg_1").audit).await.unwrap();
                trial.audit().await[0].id.get()
            }
        };
        assert!(stored > last, "round {round}");
        trial.clock.advance(-3_600_000);
        trial.reopen().await;
        let next: AttemptId = trial.ids.next();
        assert!(next.get() > stored, "round {round}: an id was given out that may have been given out before");
        let event = trial.publish("order.paid", "{}").await;
        assert!(event.get() > stored, "round {round}");
        assert_eq!(trial.events(None).await[0].id, event, "the newest is on top");
        last = event.get();
    }
}

/// An open store is ready.
pub async fn the_store_is_ready(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    trial.store.ready().await.unwrap();
    trial.publish("order.placed", "{}").await;
    trial.reopen().await;
    trial.store.ready().await.unwrap();
}
