//! A day that is old goes at once, and in nobody's way.

use crate::place::{
    DAY_MS, Place, START_MS, attempt, bring_source, deliver, first_id, publish, publishing, receiving, subscribe,
};
use hookwright_core::delivery::{Next, Pending};
use hookwright_core::intake::Work;
use hookwright_postgres::PostgresStore;
use hookwright_store::{
    Clock, DeliveryFilter, EventFilter, Intake, Journal, Outbox, PageRequest, Prune, Pruned, RecordKind, Retention,
};
use sqlx::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Publishes so many events, one delivery each, and returns those.
async fn publish_many(store: &PostgresStore, count: usize) -> Vec<Pending> {
    let asked = (0..count).map(|_| store.submit(publishing("{}")));
    for answer in futures_util::future::join_all(asked).await {
        answer.unwrap();
    }
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(store.fresh().await.deliveries);
    }
    all
}

async fn deliver_many(store: &PostgresStore, deliveries: &[Pending]) {
    futures_util::future::join_all(deliveries.iter().map(|one| deliver(store, one))).await;
}

/// Publishes and delivers until it is told to stop; tells how often, and the longest wait.
async fn go_on(store: PostgresStore, stop: Arc<AtomicBool>) -> (u32, Duration) {
    let (mut count, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        store.submit(publishing("{}")).await.unwrap();
        longest = longest.max(began.elapsed());
        for delivery in store.fresh().await.deliveries {
            deliver(&store, &delivery).await;
        }
        count += 1;
    }
    (count, longest)
}

/// Reads lists and single records until it is told to stop; tells how often, and the longest wait.
async fn read_on(store: PostgresStore, stop: Arc<AtomicBool>) -> (u32, Duration) {
    let (mut count, mut longest) = (0, Duration::ZERO);
    let page = PageRequest { before: None, limit: 50 };
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let events = store.events(EventFilter::default(), page).await.unwrap();
        let deliveries = store.deliveries(DeliveryFilter::default(), page).await.unwrap();
        if let (Some(event), Some(delivery)) = (events.rows.last(), deliveries.rows.last()) {
            store.event(event.id).await.unwrap();
            store.delivery(delivery.id).await.unwrap();
        }
        longest = longest.max(began.elapsed());
        count += 1;
    }
    (count, longest)
}

#[tokio::test(flavor = "multi_thread")]
async fn days_go_by_their_partitions_while_others_go_on() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    let mut days = Vec::new();
    for _ in 0..5 {
        days.push(place.today());
        let deliveries = publish_many(&store, 40).await;
        deliver_many(&store, &deliveries).await;
        place.clock.advance(DAY_MS);
    }
    place.clock.advance(31 * DAY_MS);
    let stop = Arc::new(AtomicBool::new(false));
    let others = [
        tokio::spawn(go_on(store.clone(), Arc::clone(&stop))),
        tokio::spawn(read_on(store.clone(), Arc::clone(&stop))),
    ];
    sleep(Duration::from_millis(500)).await;
    let whole = place.prune(&store, RecordKind::Events, 30).await;
    sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    for other in others {
        let (count, longest) = other.await.unwrap();
        assert!(count > 5 && longest < Duration::from_secs(2), "{count} times, at longest {longest:?}");
    }
    assert_eq!((whole.removed, whole.rows), (200, 600));
    for day in days {
        assert!(["event", "settled", "attempt"].iter().all(|table| !place.is_there(&format!("{table}_{day}"))));
    }
    assert_eq!(place.rows("event_default") + place.rows("settled_default") + place.rows("attempt_default"), 0);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_kept_for_what_is_pending() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    let day = place.today();
    let deliveries = publish_many(&store, 20).await;
    deliver_many(&store, &deliveries[1..]).await;
    place.clock.advance(31 * DAY_MS);
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 19);
    assert_eq!(place.rows(&format!("event_{day}")), 1);
    assert!(store.event(deliveries[0].event_id).await.unwrap().is_some());
    deliver(&store, &deliveries[0]).await;
    let rest = place.prune(&store, RecordKind::Events, 30).await;
    assert_eq!((rest.removed, rest.rows), (1, 3));
    assert!(!place.is_there(&format!("event_{day}")));
    store.close().await.unwrap();
}

/// An event whose deliveries were made after midnight: neither day goes while one of them is pending.
#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_together_across_midnight_stays_together() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    let (before, after) = (place.today(), place.today() + 1);
    let midnight = first_id(after);
    let (event, first, second) = (midnight - 5, midnight - 4, midnight + 1);
    place.clock.advance(DAY_MS);
    store.submit(publishing("{}")).await.unwrap();
    place.execute(&format!(
        "INSERT INTO event (id, event_type, created_at, origin, fan_out, data) VALUES ({event}, 'order.placed', 0, 'local', '[[{first},1],[{second},2]]', '');
         INSERT INTO settled (id, event_id, subscription_id, status, attempts, settled_at) VALUES ({second}, {event}, 2, 'delivered', 1, 0);
         INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at) VALUES ({first}, {event}, 1, 0, 0, 0)"
    ));
    place.clock.advance(31 * DAY_MS);
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 1, "the one that was published");
    assert_eq!((place.rows("event"), place.rows("settled")), (1, 1));
    // The other way around.
    place.execute(&format!(
        "DELETE FROM pending; DELETE FROM settled;
         INSERT INTO settled (id, event_id, subscription_id, status, attempts, settled_at) VALUES ({first}, {event}, 1, 'delivered', 1, 0);
         INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at) VALUES ({second}, {event}, 2, 0, 0, 0)"
    ));
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 0);
    assert_eq!((place.rows("event"), place.rows("settled")), (1, 1));
    place.execute("DELETE FROM pending");
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 1);
    assert!(!place.is_there(&format!("event_{before}")) && !place.is_there(&format!("event_{after}")));
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn young_attempts_of_an_old_day_stay() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    let day = place.today();
    let deliveries = publish_many(&store, 10).await;
    deliver_many(&store, &deliveries[2..]).await;
    for late in &deliveries[..2] {
        store.finish(attempt(&store, late, 1, Next::Retry { due_at: START_MS })).await.unwrap();
    }
    place.clock.advance(3 * DAY_MS);
    store.finish(attempt(&store, &deliveries[0], 2, Next::Delivered)).await.unwrap();
    place.clock.advance(28 * DAY_MS);
    let pruned = place.prune(&store, RecordKind::Attempts, 30).await;
    // Of the first, the attempt that is old; of the second, which is pending, none.
    assert_eq!((pruned.removed, pruned.rows), (9, 9));
    assert!(!place.is_there(&format!("attempt_{day}")));
    for (delivery, number) in [(&deliveries[0], 2), (&deliveries[1], 1)] {
        let (_, attempts) = store.delivery(delivery.id).await.unwrap().unwrap();
        assert_eq!(attempts.iter().map(|one| one.number).collect::<Vec<_>>(), [number]);
        assert_eq!(attempts[0].response_body, b"ok");
    }
    place.clock.advance(4 * DAY_MS);
    assert_eq!(place.prune(&store, RecordKind::Attempts, 30).await.removed, 1);
    deliver(&store, &Pending { attempts: 1, ..deliveries[1].clone() }).await;
    place.clock.advance(31 * DAY_MS);
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 10);
    assert_eq!(place.rows("attempt"), 0);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_stay_move_and_are_whole() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    let source = bring_source(&store).await;
    let day = place.today();
    let mut ids = Vec::new();
    for _ in 0..6 {
        let receive = receiving(&store, &source, place.clock.now_ms());
        ids.push(receive.message_id);
        store.submit(Work::Receive(Box::new(receive))).await.unwrap();
    }
    let (held, changed) = (ids[0], ids[1]);
    place.clock.advance(31 * DAY_MS);
    let now_ms = place.clock.now_ms();
    place.execute(&format!(
        "UPDATE message SET status = 'held' WHERE id = {}; UPDATE message SET updated_at = {now_ms} WHERE id = {}",
        held.get(),
        changed.get()
    ));
    let pruned = place.prune(&store, RecordKind::Messages, 30).await;
    assert_eq!((pruned.removed, pruned.rows), (4, 4));
    assert!(!place.is_there(&format!("message_{day}")));
    assert_eq!(place.rows("message_default"), 2);
    for id in [held, changed] {
        assert_eq!(store.message(id).await.unwrap().unwrap().raw.body, id.to_string().into_bytes());
    }
    place.clock.advance(31 * DAY_MS);
    assert_eq!(place.prune(&store, RecordKind::Messages, 30).await.removed, 1, "from the default partition, by rows");
    assert_eq!(place.prune(&store, RecordKind::UnfinishedMessages, 30).await.removed, 1);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_default_partition_go_by_themselves() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    // As they would be copied from another database: of days that this one never had.
    let first = first_id(place.today() - 100);
    place.execute(&format!(
        "INSERT INTO event (id, event_type, created_at, origin, fan_out, data)
         SELECT {first} + n * 100, 'order.placed', 0, 'local', format('[[%s,1],[%s,2]]', {first} + n * 100 + 1, {first} + n * 100 + 2), ''
         FROM generate_series(1, 1000) AS n;
         INSERT INTO settled (id, event_id, subscription_id, status, attempts, settled_at)
         SELECT {first} + n * 100 + d, {first} + n * 100, d, 'delivered', 1, 0 FROM generate_series(1, 1000) AS n, generate_series(1, 2) AS d;
         INSERT INTO attempt (id, delivery_id, number, node_id, event_id, subscription_id, started_at, duration_ms, exchange)
         SELECT {first} + n * 100 + d + 50, {first} + n * 100 + d, 1, 1, {first} + n * 100, d, 0, 1, '' FROM generate_series(1, 1000) AS n, generate_series(1, 2) AS d"
    ));
    assert_eq!(place.rows("event_default"), 1_000);
    let before_ms = place.clock.now_ms();
    let one = store.prune(Prune { kind: RecordKind::Events, before_ms, after: 0, limit: 100 }).await.unwrap();
    assert!(one.removed > 0 && one.rows <= 103, "{one:?}");
    let rest = place.prune(&store, RecordKind::Events, 0).await;
    assert_eq!((one.removed + rest.removed, one.rows + rest.rows), (1_000, 5_000));
    assert_eq!(place.rows("attempt") + place.rows("settled") + place.rows("event"), 0);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_in_use_is_left_to_the_next_time() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    let day = place.today();
    let deliveries = publish_many(&store, 10).await;
    deliver_many(&store, &deliveries).await;
    place.clock.advance(31 * DAY_MS);
    publish(&store).await;
    // A dump, or a report.
    let mut long = place.connect().await;
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM event").execute(&mut long).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let others = tokio::spawn(go_on(store.clone(), Arc::clone(&stop)));
    let began = Instant::now();
    let pruned = place.prune(&store, RecordKind::Events, 30).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    stop.store(true, Ordering::Relaxed);
    let (count, longest) = others.await.unwrap();
    assert!(count > 5 && longest < Duration::from_secs(1), "{count} times, at longest {longest:?}");
    assert_eq!(pruned, Pruned { took: pruned.took, ..Pruned::default() }, "not by rows, either");
    assert_eq!(place.rows(&format!("event_{day}")), 10);
    long.close().await.unwrap();
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 10);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_remove_everything_once() {
    let Some(place) = Place::new() else { return };
    let (one, two) = (place.open().await, place.open().await);
    let source = bring_source(&one).await;
    for _ in 0..4 {
        for _ in 0..5 {
            one.submit(publishing("{}")).await.unwrap();
            let receive = receiving(&two, &source, place.clock.now_ms());
            two.submit(Work::Receive(Box::new(receive))).await.unwrap();
        }
        place.clock.advance(DAY_MS);
    }
    place.clock.advance(40 * DAY_MS);
    for kind in [RecordKind::Events, RecordKind::Messages] {
        let (here, there) = tokio::join!(place.prune(&one, kind, 30), place.prune(&two, kind, 30));
        assert_eq!(here.removed + there.removed, 20, "{kind:?}");
    }
    for store in [one, two] {
        store.close().await.unwrap();
    }
}

/// Some of a day's records are old: they go with the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_goes_when_all_of_it_is_old() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    let deliveries = publish_many(&store, 3).await;
    deliver_many(&store, &deliveries).await;
    place.clock.advance(30 * DAY_MS + 3_600_000);
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 0);
    place.clock.advance(3_600_000);
    assert_eq!(place.prune(&store, RecordKind::Events, 30).await.removed, 3);
    store.close().await.unwrap();
}

/// So many events of 1 KiB on the present day, each with a delivery and an attempt: three rows each, past the store.
fn fill(place: &Place, events: u32) {
    let id = first_id(place.today());
    place.execute(&format!(
        "INSERT INTO event (id, event_type, created_at, origin, fan_out, data)
         SELECT {id} + (n << 20), 'order.placed', 0, 'local', format('[[%s,1]]', {id} + (n << 20) + 1), decode(repeat('5a', 1064), 'hex')
         FROM generate_series(1::bigint, {events}) AS n;
         INSERT INTO settled (id, event_id, subscription_id, status, attempts, settled_at)
         SELECT {id} + (n << 20) + 1, {id} + (n << 20), 1, 'delivered', 1, 0 FROM generate_series(1::bigint, {events}) AS n;
         INSERT INTO attempt (id, delivery_id, number, node_id, event_id, subscription_id, started_at, duration_ms, exchange)
         SELECT {id} + (n << 20) + 2, {id} + (n << 20) + 1, 1, 1, {id} + (n << 20), 1, 0, 1, decode(repeat('5a', 400), 'hex')
         FROM generate_series(1::bigint, {events}) AS n;
         ANALYZE; CHECKPOINT"
    ));
}

/// As the gateway's upkeep does it. Tells the rows that went, and the longest batch.
async fn remove_all(place: &Place, store: &PostgresStore) -> (u64, Duration) {
    let before_ms = place.clock.now_ms() - 30 * DAY_MS;
    let (mut rows, mut longest, mut limit, mut after) = (0, Duration::ZERO, 500, 0);
    loop {
        let batch = store.prune(Prune { kind: RecordKind::Events, before_ms, after, limit }).await.unwrap();
        rows += batch.rows;
        longest = longest.max(batch.took);
        limit = if batch.took > Duration::from_millis(5) { (limit / 2).max(16) } else { (limit * 2).min(500) };
        let Some(next) = batch.next else { return (rows, longest) };
        after = next;
        sleep((batch.took * 4).max(Duration::from_millis(5))).await;
    }
}

/// Removes what is old beside intake, and tells what intake felt of it: by days, or row by row where something of every day is pending.
async fn measure(days: u32, events: u32, is_pending: bool) {
    let settings = hookwright_test_postgres::Settings { fsync: true, ..Default::default() };
    let Some(place) = Place::with(&settings) else { return };
    let store = place.open().await;
    subscribe(&store).await;
    for _ in 0..days {
        // The day's partitions are there then.
        publish(&store).await;
        fill(&place, events);
        place.clock.advance(DAY_MS);
    }
    if !is_pending {
        place.execute("DELETE FROM pending");
    }
    place.clock.advance(31 * DAY_MS);
    for round in ["alone", "beside it"] {
        let stop = Arc::new(AtomicBool::new(false));
        let others: Vec<_> = (0..8).map(|_| tokio::spawn(waits(store.clone(), Arc::clone(&stop)))).collect();
        sleep(Duration::from_secs(1)).await;
        let began = Instant::now();
        if round == "beside it" {
            let (rows, longest) = remove_all(&place, &store).await;
            println!("{rows} rows went in {:?}, the longest step was in the way for {longest:?}", began.elapsed());
            assert!(rows >= u64::from(days * events * 3) * 99 / 100, "as the statistics have it");
        }
        sleep(Duration::from_secs(3)).await;
        stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for other in others {
            all.extend(other.await.unwrap());
        }
        all.sort();
        let at = |share: usize| all[(all.len() - 1) * share / 1_000];
        println!("{round}: {} publications, p50 {:?}, p99 {:?}, longest {:?}", all.len(), at(500), at(990), at(1_000));
    }
    store.close().await.unwrap();
}

/// `cargo test --release -p hookwright-postgres --test database days -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement over a million rows"]
async fn a_million_rows_go_while_intake_goes_on() {
    measure(3, 112_000, false).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement over three hundred thousand rows"]
async fn days_that_are_needed_go_by_rows_while_intake_goes_on() {
    measure(3, 34_000, true).await;
}

async fn waits(store: PostgresStore, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        store.submit(publishing("{}")).await.unwrap();
        waits.push(began.elapsed());
        sleep(Duration::from_millis(4)).await;
    }
    waits
}
