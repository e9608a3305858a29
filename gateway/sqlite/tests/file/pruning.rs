//! Removing what is old beside intake, measured: `cargo test --release -p hookwright-sqlite --test file pruning -- --ignored --nocapture`.

use crate::place::{Place, START_MS, publishing, subscribe};
use hookwright_sqlite::SqliteStore;
use hookwright_store::{Intake, Prune, RecordKind, Retention, StoreError};
use sqlx::Connection;
use std::time::Duration;
use tokio::time::Instant;

const EVENTS: i64 = 333_334;
const DAY_MS: i64 = 86_400_000;
const PUBLISHERS: usize = 8;
/// Between two publications of one publisher: intake is measured under load, not at its limit.
const GAP: Duration = Duration::from_millis(4);

/// Old events of 1 KiB, each with a delivery and an attempt: three rows each, past the store.
async fn fill(place: &Place) {
    let mut connection = place.connect().await;
    let first = (START_MS - 60 * DAY_MS - hookwright_core::id::EPOCH_MS) << 22;
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {EVENTS})");
    let event = format!("({first} + (i << 24))");
    for text in [
        format!(
            "INSERT INTO event (id, event_type, created_at, origin, fan_out, data) {numbers}
             SELECT {event}, 'order.placed', 0, 'local', json_array(json_array({event} + 1, 1)), randomblob(1064) FROM n"
        ),
        format!(
            "INSERT INTO settled (id, event_id, subscription_id, status, attempts, settled_at) {numbers}
             SELECT {event} + 1, {event}, 1, 'delivered', 1, 0 FROM n"
        ),
        format!(
            "INSERT INTO attempt (id, delivery_id, number, event_id, subscription_id, started_at, duration_ms, exchange) {numbers}
             SELECT {event} + 2, {event} + 1, 1, {event}, 1, 0, 1, randomblob(400) FROM n"
        ),
        "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn publisher(store: SqliteStore, until: Instant) -> Vec<Duration> {
    let data = format!("\"{}\"", "x".repeat(1_022));
    let mut waits = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        match store.submit(publishing(&data)).await {
            Ok(_) => waits.push(began.elapsed()),
            Err(error) => assert!(matches!(error, StoreError::Busy), "{error}"),
        }
        tokio::time::sleep(GAP).await;
    }
    waits
}

/// Waits of publications for so long: the median, the 99th percentile, the longest.
async fn waits(store: &SqliteStore, lasting: Duration) -> (usize, [Duration; 3]) {
    let until = Instant::now() + lasting;
    let publishers: Vec<_> = (0..PUBLISHERS).map(|_| tokio::spawn(publisher(store.clone(), until))).collect();
    let mut all = Vec::new();
    for publisher in publishers {
        all.extend(publisher.await.unwrap());
    }
    all.sort();
    let at = |share: usize| all[(all.len() - 1) * share / 1_000];
    (all.len(), [at(500), at(990), at(1_000)])
}

/// As the gateway's upkeep does it. Tells the rows that went, and the longest batch.
async fn remove_all(store: SqliteStore) -> (u64, Duration, Duration) {
    let (mut rows, mut longest, mut limit, mut after, began) = (0, Duration::ZERO, 500, 0, Instant::now());
    loop {
        let prune = Prune { kind: RecordKind::Events, before_ms: START_MS - 30 * DAY_MS, after, limit };
        let batch = store.prune(prune).await.unwrap();
        rows += batch.rows;
        longest = longest.max(batch.took);
        limit = if batch.took > Duration::from_millis(5) { (limit / 2).max(16) } else { (limit * 2).min(500) };
        let Some(next) = batch.next else { return (rows, longest, began.elapsed()) };
        after = next;
        tokio::time::sleep((batch.took * 4).max(Duration::from_millis(5))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement over a million rows"]
async fn a_million_rows_go_while_intake_goes_on() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    fill(&place).await;
    let store = place.open().await;
    subscribe(&store).await;
    let lasting = Duration::from_secs(10);
    let (count, alone) = waits(&store, lasting).await;
    println!("alone: {count} publications, p50 {:?}, p99 {:?}, longest {:?}", alone[0], alone[1], alone[2]);
    let remover = tokio::spawn(remove_all(store.clone()));
    let (count, beside) = waits(&store, lasting).await;
    println!("beside it: {count} publications, p50 {:?}, p99 {:?}, longest {:?}", beside[0], beside[1], beside[2]);
    let (rows, longest, took) = remover.await.unwrap();
    println!("{rows} rows went in {took:?}, the longest batch took {longest:?}");
    assert!(rows >= 1_000_000);
    assert!(beside[0] < alone[0] * 2 && beside[1] < alone[1] * 3 + Duration::from_millis(5), "intake waited for it");
    store.close().await.unwrap();
}
