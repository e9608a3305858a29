//! Publications: who gets an event, and that it is kept as it came.

use super::operator::{publication, publish, publishing};
use super::subscriber::{subscribe, switch};
use super::trial::{START_MS, Trial};
use super::{Factory, answer, operator};
use crate::DeliveryFilter;
use hookwright_core::delivery::DeliveryStatus;
use hookwright_core::id::SubscriptionId;
use hookwright_core::intake::{Publish, Work};
use std::collections::BTreeSet;
use std::task::{Context, Waker};
use std::time::Duration;

/// An event goes to subscriptions that name its type, a prefix of it, or everything; to none that is switched off, was made later, or wants something else.
pub async fn an_event_goes_to_everybody_who_wants_its_type_and_nobody_else(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let exact = subscribe(&trial, &["order.placed"]).await.id;
    let prefix = subscribe(&trial, &["customer.created", "order.*"]).await.id;
    let every = subscribe(&trial, &["*"]).await.id;
    let twice = subscribe(&trial, &["order.placed", "order.*", "*"]).await.id;
    subscribe(&trial, &["order.paid"]).await;
    subscribe(&trial, &["orders.*"]).await;
    let paused = subscribe(&trial, &["*"]).await.id;
    switch(&trial, paused, false).await;

    let id = trial.publish("order.placed", r#"{"order_id":"ord_1"}"#).await;
    let late = subscribe(&trial, &["*"]).await.id;

    let event = trial.event(id).await;
    let wanted: BTreeSet<SubscriptionId> = [exact, prefix, every, twice].into();
    let fan_out: BTreeSet<_> = event.fan_out.iter().map(|out| out.subscription_id).collect();
    assert_eq!(fan_out, wanted);
    assert_eq!(
        event.fan_out.len(),
        wanted.len(),
        "each subscription has one delivery, however many of its patterns match"
    );

    let deliveries = trial.deliveries(DeliveryFilter { event_id: Some(id), ..DeliveryFilter::default() }).await;
    let of_event: BTreeSet<_> = deliveries.iter().map(|delivery| (delivery.id, delivery.subscription_id)).collect();
    assert_eq!(of_event, event.fan_out.iter().map(|out| (out.delivery_id, out.subscription_id)).collect());
    for delivery in &deliveries {
        assert_eq!(delivery.status, DeliveryStatus::Pending);
        assert_eq!((delivery.attempts, delivery.event_type.as_str()), (0, "order.placed"));
        assert_eq!(delivery.created_at, START_MS);
    }
    let pending: BTreeSet<_> = trial.pending().await.iter().map(|pending| pending.id).collect();
    assert_eq!(pending, deliveries.iter().map(|delivery| delivery.id).collect());

    trial.publish("nobody.wants.this", "{}").await;
    let of_late = DeliveryFilter { subscription_id: Some(late), ..DeliveryFilter::default() };
    assert_eq!(trial.deliveries(of_late).await.len(), 1, "the new one gets what is published after it was made");
}

/// The events of one request are committed together; their ids ascend in the order of the list, and the answer counts each one's deliveries.
pub async fn a_list_is_committed_whole_and_in_order(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["order.*"]).await;
    subscribe(&trial, &["order.paid"]).await;
    let types = ["order.placed", "order.paid", "customer.seen"];
    let events = types.iter().map(|event_type| publication(event_type, "{}")).collect();
    let request = Publish { events, as_list: true, ..publish("order.placed", "{}") };
    let (answer, replayed) = answer::whole(trial.submit(Work::Publish(Box::new(request))).await);

    assert!(!replayed);
    assert_eq!(answer.status, 202);
    let published = answer::events(&answer);
    assert_eq!(published.iter().map(|event| event.deliveries).collect::<Vec<_>>(), [1, 2, 0]);
    assert!(published.is_sorted_by(|one, next| one.id < next.id));
    for (published, event_type) in published.iter().zip(types) {
        let event = trial.event(published.id).await;
        assert_eq!(event.event_type.as_str(), event_type);
        assert_eq!(event.origin, operator::OPERATOR);
        assert_eq!(event.fan_out.len(), published.deliveries);
    }
    let rows = trial.events(None).await;
    assert_eq!(
        rows.iter().map(|row| row.event_type.as_str()).collect::<Vec<_>>(),
        ["customer.seen", "order.paid", "order.placed"]
    );
    assert_eq!(rows.iter().map(|row| row.deliveries).collect::<Vec<_>>(), [0, 2, 1]);
}

/// Data is never written anew: spaces, escapes, the order of members, numbers beyond any float, and size stay as they were.
pub async fn data_comes_back_byte_for_byte(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let large = format!(r#"{{"text":"{}"}}"#, "ü".repeat(100_000));
    let texts = [
        "{}",
        "[]",
        "null",
        "  { \"b\" : 1.0 ,\n\t\"a\":1e400,\"c\":123456789012345678901234567890 } ",
        r#"{"é":"\u00e9","nul":"\u0000","emoji":"🩺","slash":"\/"}"#,
        r#"{"a":"'; DROP TABLE event; --","$1":"?1","x":"%s"}"#,
        large.as_str(),
    ];
    let mut ids = Vec::new();
    for text in texts {
        ids.push(trial.publish("order.placed", text).await);
    }
    for (id, text) in ids.iter().zip(texts) {
        assert!(*trial.event(*id).await.data == *text, "data of {} bytes came back changed", text.len());
    }
    let loaded = trial.store.load_events(ids.clone()).await.unwrap();
    assert_eq!(loaded.len(), texts.len());
    for event in loaded {
        let at = ids.iter().position(|id| *id == event.id).expect("only what was asked for");
        assert!(*event.data == *texts[at], "loaded data of {} bytes came back changed", texts[at].len());
    }
}

/// Whoever asked may be gone before the commit: what was taken is done all the same.
pub async fn a_dropped_future_does_not_undo_the_work(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut future = trial.store.submit(publishing("order.placed", r#"{"dropped":true}"#));
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(future);
    if let std::task::Poll::Ready(answer) = polled {
        answer.unwrap();
    }
    let seen = async {
        while trial.events(None).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.expect("the event is committed");
    // The store still answers others after nobody took the first answer.
    trial.publish("order.paid", "{}").await;
    assert_eq!(trial.events(None).await.len(), 2);
}
