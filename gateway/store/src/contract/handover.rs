//! The hand-over of deliveries that were committed a moment ago.

use super::operator::{publication, publish};
use super::partner::{accepted, completed};
use super::subscriber::{subscribe, switch};
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::Fresh;
use hookwright_core::intake::{Publish, Work};
use std::collections::BTreeSet;
use std::time::Duration;

async fn fresh(trial: &Trial<'_>) -> Fresh {
    tokio::time::timeout(Duration::from_secs(20), trial.store.fresh()).await.expect("something is handed over")
}

/// Whatever commits deliveries hands them over, each with its event, and each once; when nothing comes, whoever waits goes on waiting.
pub async fn what_is_committed_is_handed_over_with_its_event(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let paused = subscribe(&trial, &["*"]).await;
    switch(&trial, paused.id, false).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    trial.publish("order.placed", r#"{"a":1}"#).await;
    trial.receive(accepted(vec![completed("cus_xyz", START_MS)])).await;

    let mut handed = Vec::new();
    while handed.len() < 3 {
        let some = fresh(&trial).await;
        assert!(!some.missed);
        handed.extend(some.deliveries);
    }
    let in_table: BTreeSet<_> = trial.pending().await.iter().map(|pending| pending.id).collect();
    assert_eq!(handed.iter().map(|pending| pending.id).collect::<BTreeSet<_>>(), in_table);
    assert_eq!(handed.len(), 3);
    for pending in &handed {
        let event = pending.event.as_ref().expect("its event comes with it");
        assert_eq!(event.id, pending.event_id);
        assert_eq!(**event, *trial.event(event.id).await, "it is the event that was committed");
        assert_eq!((pending.attempts, pending.budget_used(), pending.due_at), (0, 0, START_MS));
    }
    tokio::select! {
        biased;
        some = trial.store.fresh() => panic!("nothing was committed, yet {} came", some.deliveries.len()),
        () = tokio::task::yield_now() => {}
    }
    let waiting = tokio::spawn({
        let store = std::sync::Arc::clone(&trial.store);
        async move { store.fresh().await }
    });
    trial.publish("order.paid", "{}").await;
    let woken = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it wakes").expect("no panic");
    assert_eq!(woken.deliveries.len(), 1);
}

/// Nobody takes anything while many are committed: what does not fit is told of once, and all of it is in the table.
pub async fn what_does_not_fit_is_missed_and_found_in_the_table(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for _ in 0..100 {
        subscribe(&trial, &["*"]).await;
    }
    let events = vec![publication("order.placed", "{}"); 50];
    let work = Work::Publish(Box::new(Publish { events, as_list: true, ..publish("order.placed", "{}") }));
    for answer in trial.submit_at_once(vec![work; 5]).await {
        assert_eq!(answer::events(&answer::whole(answer).0).len(), 50);
    }
    let mut handed = BTreeSet::new();
    let mut missed = false;
    while !missed && handed.len() < 25_000 {
        let some = fresh(&trial).await;
        missed |= some.missed;
        handed.extend(some.deliveries.iter().map(|pending| pending.id));
    }
    let table: BTreeSet<_> = trial.pending().await.iter().map(|pending| pending.id).collect();
    assert_eq!(table.len(), 25_000);
    assert!(handed.is_subset(&table));
    assert_eq!(missed, handed.len() < table.len(), "what was not handed over was told of");

    trial.publish("order.paid", "{}").await;
    let next = fresh(&trial).await;
    assert!(!next.missed, "it is told of once");
    assert_eq!(next.deliveries.len(), 100);
}
