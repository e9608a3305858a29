//! What the work costs the database, measured: `cargo test -p hookwright-postgres --test database costs -- --ignored --nocapture`.
//!
//! PostgreSQL runs with its default settings and waits for the disk. Counts and bytes are the same in any build; rates are of the build that is run.

use crate::place::{Place, attempt, deliver, first_id, publishing, subscribe};
use futures_util::{StreamExt, stream};
use hookwright_core::delivery::{Next, Pending};
use hookwright_core::id::SubscriptionId;
use hookwright_postgres::PostgresStore;
use hookwright_store::{Intake, Outbox};
use hookwright_test_postgres::{Cluster, Settings};
use std::time::Duration;
use tokio::time::Instant;

/// Callers at the same time.
const AT_ONCE: usize = 64;

/// As PostgreSQL sets itself up, with its counters of statements where it has them.
fn place() -> Option<Place> {
    let available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'";
    let counts = Cluster::shared()?.execute("postgres", available) == "1";
    let settings = Settings { fsync: true, ..Settings::default() };
    let settings = if counts { settings.with("shared_preload_libraries", "pg_stat_statements") } else { settings };
    let place = Place::with(&settings)?;
    if counts {
        place.execute("CREATE EXTENSION pg_stat_statements");
    }
    Some(place)
}

/// Publishes so many events to one subscription, and delivers each at its first attempt.
async fn publish_and_deliver(store: &PostgresStore, events: usize) {
    let data = format!("\"{}\"", "x".repeat(1_022));
    let publishing = stream::iter(0..events).for_each_concurrent(AT_ONCE, |_| async {
        store.submit(publishing(&data)).await.unwrap();
    });
    let delivering = async {
        let mut left = events;
        while left > 0 {
            let fresh = store.fresh().await;
            assert!(!fresh.missed, "it went by the table");
            left -= fresh.deliveries.len();
            stream::iter(fresh.deliveries)
                .for_each_concurrent(AT_ONCE, |one| async move { deliver(store, &one).await })
                .await;
        }
    };
    tokio::join!(publishing, delivering);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn what_an_event_costs() {
    const EVENTS: usize = 20_000;
    let Some(place) = place() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    publish_and_deliver(&store, 2_000).await;
    // What is counted is told when a connection ends.
    store.close().await.unwrap();
    let store = place.open().await;
    let counts = place.is_there("pg_stat_statements");
    if counts {
        place.execute("SELECT pg_stat_statements_reset()");
    }
    place.execute("CHECKPOINT");
    let commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
    let log = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
    let size = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let before = [place.number(commits), place.number(log), place.number(size)];
    let began = Instant::now();
    publish_and_deliver(&store, EVENTS).await;
    let took = began.elapsed();
    let after_log = place.number(log);
    store.close().await.unwrap();
    let after = [place.number(commits), after_log, place.number(size)];
    #[expect(clippy::cast_precision_loss, reason = "figures to look at")]
    let each = |number: i64| number as f64 / EVENTS as f64;
    #[expect(clippy::cast_precision_loss, reason = "figures to look at")]
    let rate = EVENTS as f64 / took.as_secs_f64();
    println!("\n{EVENTS} events of 1 KiB, each delivered once, {AT_ONCE} at once: {rate:.0} a second");
    println!("{:<42}{:>10.3}", "transactions an event", each(after[0] - before[0]));
    println!("{:<42}{:>10.0}", "bytes of log an event", each(after[1] - before[1]));
    println!("{:<42}{:>10.0}", "bytes of tables and indexes an event", each(after[2] - before[2]));
    if counts {
        // Each is one round trip but for the first time on its connection, when it is prepared.
        println!(
            "{:<42}{:>10.3}",
            "statements an event, a round trip each",
            each(place.number("SELECT sum(calls)::bigint FROM pg_stat_statements"))
        );
        println!("{}", place.execute(
            "SELECT format('%s calls, %s rows, %s ms, %s bytes of log: %s', lpad(calls::text, 7), lpad(rows::text, 7), lpad(round(total_exec_time)::text, 6),
                           lpad(wal_bytes::text, 9), left(regexp_replace(query, '\\s+', ' ', 'g'), 90))
             FROM pg_stat_statements ORDER BY calls DESC LIMIT 14"
        ));
    }
    println!("{}", place.execute(
        "SELECT format('%s: table %s kB, indexes %s kB', relname, pg_table_size(oid) / 1024, pg_indexes_size(oid) / 1024)
         FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY pg_total_relation_size(oid) DESC LIMIT 8"
    ));
}

/// A backlog that is put there and worked on from its beginning, as a dispatcher does.
struct Backlog<'a> {
    place: &'a Place,
    store: &'a PostgresStore,
    subscription: SubscriptionId,
    /// How many were ever put there.
    made: i64,
}

/// What is read and finished in a round.
const ROUND: u32 = 900;

impl Backlog<'_> {
    fn fill(&mut self, count: i64) {
        let (first, id) = (first_id(self.place.today()), self.subscription.get());
        self.place.execute(&format!(
            "INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at)
             SELECT {first} + n * 4096 + 1, {first} + n * 4096, {id}, 0, 0, 0 FROM generate_series({}::bigint, {}) AS n",
            self.made,
            self.made + count - 1
        ));
        self.made += count;
    }

    /// As many go as come, in the table alone: an hour of 400 a second, in a minute or so.
    fn churn(&mut self) {
        const AT_ONCE: i64 = 10_000;
        for _ in 0..144 {
            self.place.execute(&format!(
                "WITH gone AS (SELECT id FROM pending ORDER BY id LIMIT {AT_ONCE}) DELETE FROM pending WHERE id IN (SELECT id FROM gone)"
            ));
            self.fill(AT_ONCE);
        }
    }

    /// Reads and finishes the oldest, several times; tells the median rates of rows read and of deliveries finished.
    async fn rates(&mut self) -> (f64, f64) {
        let (mut reads, mut finishes) = (Vec::new(), Vec::new());
        for _ in 0..9 {
            let began = Instant::now();
            let mut page = Vec::new();
            for _ in 0..10 {
                page = self.store.pending_of(self.subscription, None, ROUND).await.unwrap();
            }
            reads.push(f64::from(ROUND) * 10.0 / began.elapsed().as_secs_f64());
            assert_eq!(page.len(), ROUND as usize);
            let began = Instant::now();
            stream::iter(page).for_each_concurrent(AT_ONCE, |one| self.finish(one)).await;
            finishes.push(f64::from(ROUND) / began.elapsed().as_secs_f64());
            self.fill(i64::from(ROUND));
        }
        let median = |mut all: Vec<f64>| {
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        (median(reads), median(finishes))
    }

    async fn finish(&self, one: Pending) {
        self.store.finish(attempt(self.store, &one, 1, Next::Delivered)).await.unwrap();
    }

    fn tell(&self, what: &str, (reads, finishes): (f64, f64)) {
        let table = self.place.execute(
            "SELECT format('%s live and %s dead rows, table %s kB, indexes %s kB, vacuumed %s times', n_live_tup, n_dead_tup,
                           pg_table_size(relid) / 1024, pg_indexes_size(relid) / 1024, autovacuum_count)
             FROM pg_stat_user_tables WHERE relname = 'pending'",
        );
        println!("{what:<28} reads {reads:>9.0}/s, finishes {finishes:>7.0}/s; {table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement over a million rows"]
async fn a_million_pending_cost_no_more_than_a_thousand() {
    let Some(place) = place() else { return };
    let store = place.open().await;
    let subscription = subscribe(&store).await.id;
    let mut backlog = Backlog { place: &place, store: &store, subscription, made: 1 };
    backlog.fill(1_000);
    backlog.rates().await;
    let few = backlog.rates().await;
    backlog.tell("1,000 pending", few);
    backlog.fill(999_000);
    let many = backlog.rates().await;
    backlog.tell("1,000,000 pending", many);
    let began = Instant::now();
    backlog.churn();
    println!("1,440,000 went and came in {:?}", began.elapsed());
    let churned = backlog.rates().await;
    backlog.tell("1,000,000 after churn", churned);
    // The vacuum that comes once a minute.
    tokio::time::sleep(Duration::from_secs(70)).await;
    let vacuumed = backlog.rates().await;
    backlog.tell("a minute later", vacuumed);
    for (reads, finishes) in [many, vacuumed] {
        assert!(reads > few.0 * 0.5 && finishes > few.1 * 0.5, "a backlog slows its own end down");
    }
    store.close().await.unwrap();
}
