//! The queue to the writer is bounded, and says so at once. (How it counts is tested beside it.)

use crate::place::{Place, START_MS, entropy, publishing};
use hookwright_core::seal::Keyring;
use hookwright_sqlite::{QueueBounds, SqliteConfig, SqliteStore};
use hookwright_store::{EventFilter, Intake, Journal, ManualClock, PageRequest, StoreError};
use sqlx::Connection;
use std::sync::Arc;

/// The most that a group takes, whatever the queue holds.
const GROUP_MAX: usize = 512;

#[tokio::test]
async fn a_full_queue_turns_work_away_and_keeps_what_it_took() {
    let place = Place::new();
    let config = SqliteConfig {
        queue: QueueBounds { entries: 4, bytes: 1_000 },
        ..SqliteConfig::new(place.path(), Keyring::from_keys(&[1; 32], &[]))
    };
    let store = SqliteStore::open(config, Arc::new(ManualClock::at(START_MS)), entropy()).await.unwrap();
    // While another holds the database, the writer gets no further than to gather its next group.
    let mut other = place.connect().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let many = futures_util::future::join_all((0..GROUP_MAX + 100).map(|_| store.submit(publishing("{}"))));
    let let_go = async { sqlx::query("ROLLBACK").execute(&mut other).await.unwrap() };
    let (answers, _) = tokio::join!(many, let_go);
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((4..=GROUP_MAX + 4).contains(&taken), "{taken} were taken");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Busy))));

    // What was turned away left no trace, and there is room again.
    store.submit(publishing("{}")).await.unwrap();
    let mut rows = 0;
    let mut page = PageRequest { before: None, limit: 200 };
    loop {
        let read = store.events(EventFilter::default(), page).await.unwrap();
        rows += read.rows.len();
        let Some(next) = read.next else { break };
        page.before = Some(next);
    }
    assert_eq!(rows, taken + 1);
    other.close().await.unwrap();
    store.close().await.unwrap();
}
