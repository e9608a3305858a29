//! Somebody else holds the database: work is refused as a whole after the patience of one group, and not of each command.

use crate::place::{Place, publishing};
use hookwright_store::{Intake, Journal, StoreError};
use sqlx::Connection;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn a_group_waits_once_for_whoever_holds_the_database() {
    let place = Place::new();
    let store = place.open().await;
    let mut other = place.connect().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let began = Instant::now();
    let answers = futures_util::future::join_all((0..8).map(|_| store.submit(publishing("{}")))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_)))), "{answers:?}");
    // The patience is five seconds; two groups at most were made of what was offered at once.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    store.submit(publishing("{}")).await.unwrap();
    store.ready().await.unwrap();
    store.close().await.unwrap();
}
