//! The queue to the writer is bounded, and says so at once.

use crate::place::{Place, START_MS, entropy, publishing};
use hookwright_core::seal::Keyring;
use hookwright_sqlite::{QueueBounds, SqliteConfig, SqliteStore};
use hookwright_store::{EventFilter, Intake, Journal, ManualClock, PageRequest, StoreError};
use std::sync::Arc;

#[tokio::test]
async fn a_full_queue_turns_work_away_and_keeps_what_it_took() {
    let place = Place::new();
    let config = SqliteConfig {
        queue: QueueBounds { entries: 4, bytes: 1_000 },
        ..SqliteConfig::new(place.path(), Keyring::from_keys(&[1; 32], &[]))
    };
    let store = SqliteStore::open(config, Arc::new(ManualClock::at(START_MS)), entropy()).await.unwrap();
    // On one thread the writer does not run before all of these are offered.
    let many = (0..10).map(|_| store.submit(publishing("{}")));
    let answers = futures_util::future::join_all(many).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 4);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Busy))));

    let heavy = format!("\"{}\"", "x".repeat(900));
    let many = (0..3).map(|_| store.submit(publishing(&heavy)));
    let answers = futures_util::future::join_all(many).await;
    let heavy_taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((1..3).contains(&heavy_taken), "{heavy_taken} of 3 fitted");

    // What was turned away left no trace, and there is room again.
    store.submit(publishing("{}")).await.unwrap();
    let rows = store.events(EventFilter::default(), PageRequest { before: None, limit: 99 }).await.unwrap().rows;
    assert_eq!(rows.len(), taken + heavy_taken + 1);
    store.close().await.unwrap();
}
