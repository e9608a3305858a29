//! Partitions of a day each: there before their day, whatever clocks do and however many nodes there are.

use crate::place::{DAY_MS, Place, deliver, first_id, publish, publishing, subscribe};
use hookwright_store::{Intake, RecordKind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const DAILY: [&str; 4] = ["event", "settled", "attempt", "message"];

/// Waits until something is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come");
        sleep(Duration::from_millis(50)).await;
    }
}

fn all_there(place: &Place, day: i64) -> bool {
    DAILY.iter().all(|table| place.is_there(&format!("{table}_{day}")))
}

fn in_default(place: &Place) -> i64 {
    DAILY.iter().map(|table| place.rows(&format!("{table}_default"))).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_made_before_they_come() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    let today = place.today();
    for day in today..=today + 2 {
        until("the partitions", || all_there(&place, day)).await;
    }
    place.clock.advance(DAY_MS);
    until("those of one more day", || all_there(&place, today + 3)).await;
    subscribe(&store).await;
    deliver(&store, &publish(&store).await[0]).await;
    for table in ["event", "settled", "attempt"] {
        assert_eq!(place.rows(&format!("{table}_{}", today + 1)), 1, "{table}");
    }
    assert_eq!(in_default(&place), 0);
    // A partition is as its table.
    let partition = format!("attempt_{today}");
    let indexes =
        |table: &str| place.number(&format!("SELECT count(*) FROM pg_index WHERE indrelid = '{table}'::regclass"));
    assert_eq!(indexes(&partition), indexes("attempt"));
    let storage = format!(
        "SELECT attstorage FROM pg_attribute WHERE attrelid = '{partition}'::regclass AND attname = 'exchange'"
    );
    assert_eq!(place.execute(&storage), "e");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_finds_its_day() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    for days in [40, 1, 400] {
        place.clock.advance(days * DAY_MS);
        deliver(&store, &publish(&store).await[0]).await;
        assert_eq!(place.rows(&format!("event_{}", place.today())), 1, "the day after {days} more");
    }
    // Ids go on from the last one, whatever the clock says.
    let last = place.today();
    place.clock.advance(-300 * DAY_MS);
    store.submit(publishing("{}")).await.unwrap();
    assert_eq!(place.rows(&format!("event_{last}")), 2);
    assert_eq!(in_default(&place), 0);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_begin_a_day_at_once_make_it_once() {
    let Some(place) = Place::new() else { return };
    hookwright_postgres::migrate(place.config(), crate::place::entropy()).await.unwrap();
    let (one, two, three) = tokio::join!(place.open(), place.open(), place.open());
    for _ in 0..3 {
        place.clock.advance(30 * DAY_MS);
        let publishing = [&one, &two, &three, &one, &two, &three].map(|store| store.submit(publishing("{}")));
        for answer in futures_util::future::join_all(publishing).await {
            answer.unwrap();
        }
        assert_eq!(place.rows(&format!("event_{}", place.today())), 6);
    }
    assert_eq!(in_default(&place), 0);
    for store in [one, two, three] {
        store.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_has_rows_in_the_default_partition_goes_on_there() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    let later = place.today() + 50;
    // As a node whose clock was wrong, and which could not make the partition, would have left it.
    place.execute(&format!(
        "INSERT INTO event (id, event_type, created_at, origin, fan_out, data) VALUES ({}, 'order.placed', 0, 'local', '[]', '')",
        first_id(later)
    ));
    place.clock.advance(50 * DAY_MS);
    let delivery = &publish(&store).await[0];
    deliver(&store, delivery).await;
    assert!(!place.is_there(&format!("event_{later}")), "it cannot be made any more");
    assert_eq!((place.rows("event_default"), place.rows(&format!("settled_{later}"))), (2, 1));
    place.clock.advance(31 * DAY_MS);
    let pruned = place.prune(&store, RecordKind::Events, 30).await;
    assert_eq!((pruned.removed, pruned.rows), (2, 4));
    assert_eq!((place.rows("event"), place.rows("settled"), place.rows("attempt")), (0, 0, 0));
    assert!(!place.is_there(&format!("settled_{later}")), "the day's other partitions go with the rows");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_made_beside_a_long_transaction() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    let today = place.today();
    until("the partitions", || all_there(&place, today + 2)).await;
    let mut long = place.connect().await;
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM event").execute(&mut long).await.unwrap();
    // Whoever reads all partitions keeps the day from being made, and nobody else from anything.
    place.clock.advance(DAY_MS);
    let longest = publishing_for(&store, Duration::from_secs(3)).await;
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    assert!(!place.is_there(&format!("event_{}", today + 3)));
    sqlx::raw_sql("COMMIT").execute(&mut long).await.unwrap();
    until("the day", || all_there(&place, today + 3)).await;
    assert_eq!(in_default(&place), 0);
    store.close().await.unwrap();
}

/// The longest wait of one who publishes for so long.
async fn publishing_for(store: &hookwright_postgres::PostgresStore, lasting: Duration) -> Duration {
    let (until, mut longest) = (Instant::now() + lasting, Duration::ZERO);
    while Instant::now() < until {
        let began = Instant::now();
        store.submit(publishing("{}")).await.unwrap();
        longest = longest.max(began.elapsed());
    }
    longest
}
