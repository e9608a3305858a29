//! Damage is told by table, column and row, and never taken for something else.

use crate::place::{Place, START_MS, bring_source, publishing, putting, receiving, subscribe};
use hookwright_store::{EventFilter, Intake, Journal, MessageFilter, Outbox, PageRequest, StoreError};

fn place_of(error: StoreError) -> (&'static str, &'static str) {
    match error {
        StoreError::Corrupt { table, column, .. } => (table, column),
        other => panic!("{other}"),
    }
}

const PAGE: PageRequest = PageRequest { before: None, limit: 10 };

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    let place = Place::new();
    let store = place.open().await;
    let source = bring_source(&store).await;
    store.submit(receiving(&store, &source)).await.unwrap();
    store.submit(putting()).await.unwrap();
    store.close().await.unwrap();
    place.execute("UPDATE message SET status = 'lost'").await;
    place.execute("UPDATE customer SET region = 'US-XX'").await;
    let store = place.open().await;
    let error = store.messages(MessageFilter::default(), PAGE).await.unwrap_err();
    assert_eq!(place_of(error), ("message", "status"));
    let error = store.customer("cus_1".to_owned()).await.unwrap_err();
    assert_eq!(place_of(error), ("customer", "region"));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_damaged_record_fails_only_the_work_that_needs_it() {
    let place = Place::new();
    let store = place.open().await;
    subscribe(&store).await;
    store.submit(putting()).await.unwrap();
    store.close().await.unwrap();
    place.execute("UPDATE customer SET region = 'US-XX'").await;
    let store = place.open().await;
    // Polled together, they are one group.
    let (bad, good, also_good) = tokio::join!(
        store.submit(putting()),
        store.submit(publishing("1")),
        store.record(crate::place::change("read").audit),
    );
    assert_eq!(place_of(bad.unwrap_err()), ("customer", "region"));
    good.unwrap();
    also_good.unwrap();
    store.ready().await.unwrap();
    assert_eq!(store.events(EventFilter::default(), PAGE).await.unwrap().rows.len(), 2);
    let audit = store.audit(PAGE).await.unwrap().rows;
    assert!(audit.iter().all(hookwright_core::audit::is_intact));
    assert!(audit.windows(2).all(|pair| pair[0].previous == pair[1].hash), "the chain has a gap");
    assert_eq!(audit[0].draft.at, START_MS);
    assert!(!store.fresh().await.deliveries.is_empty());
    store.close().await.unwrap();
}
