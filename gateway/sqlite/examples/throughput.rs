//! Measures the store alone: `cargo run --release -p hookwright-sqlite --example throughput -- [callers] [seconds] [publish|deliver]`.
//!
//! Callers publish events of 1 KiB, each waiting for its answer before the next, to one subscription. With `deliver`, every delivery is finished by a success as well, as
//! the dispatcher would. The file is in the directory that `TMPDIR` names; a file system in memory measures nothing.

use hookwright_core::audit::AuditDraft;
use hookwright_core::delivery::{Attempt, Finish, Next, Pending};
use hookwright_core::event::EventDraft;
use hookwright_core::intake::{Publication, Publish, Work};
use hookwright_core::retry::RetryPolicy;
use hookwright_core::seal::Keyring;
use hookwright_core::secret::{LiveSecret, SigningSecret};
use hookwright_core::subscription::Subscription;
use hookwright_sqlite::{SqliteConfig, SqliteStore};
use hookwright_store::{Catalog, Change, Clock, Intake, Outbox};
use rand::Rng;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// What may go wrong in a measurement: it is shown, and that is all.
type Failed = Box<dyn Error + Send + Sync>;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "a measurement runs on real time")]
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs the cost of real randomness")]
fn fill(bytes: &mut [u8]) {
    rand::rng().fill_bytes(bytes);
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let callers: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let delivers = arguments.next().as_deref() == Some("deliver");

    let dir = tempfile::tempdir()?;
    let mut key = [0; 32];
    fill(&mut key);
    let config = SqliteConfig::new(dir.path().join("hookwright.db"), Keyring::from_keys(&key, &[]));
    let store = SqliteStore::open(config, Arc::new(SystemClock), Arc::new(fill)).await?;
    subscribe(&store).await?;

    let finished = Arc::new(AtomicU64::new(0));
    let dispatcher = tokio::spawn(dispatch(store.clone(), delivers, Arc::clone(&finished)));
    let (cpu, began) = (cpu_ms()?, Instant::now());
    let until = began + Duration::from_secs(seconds);
    let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(publish_until(store.clone(), until))).collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    let elapsed = began.elapsed().as_secs_f64();
    let used = cpu_ms()? - cpu;
    dispatcher.abort();
    waits.sort_unstable();
    let at = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let (published, delivered) = (waits.len() as f64, finished.load(Ordering::Relaxed) as f64);
    println!(
        "{callers} callers, {elapsed:.1} s: {:.0} published/s, {:.0} finished/s, p50 {} us, p99 {} us, CPU {:.1} ms per 1,000 published",
        published / elapsed,
        delivered / elapsed,
        at(50).as_micros(),
        at(99).as_micros(),
        used * 1_000.0 / published
    );
    store.close().await?;
    Ok(())
}

async fn subscribe(store: &SqliteStore) -> Result<(), Failed> {
    let now_ms = SystemClock.now_ms();
    let subscription = Subscription {
        id: store.ids().next(),
        url: "https://hooks.example.com/".to_owned(),
        secrets: vec![LiveSecret::lasting(store.ids().next(), SigningSecret::generate([7; 32]), 0)],
        events: vec!["*".parse()?],
        active: true,
        retry_policy: RetryPolicy::Exponential,
        max_retries: 5,
        name: "measured".to_owned(),
        description: None,
        created_by: "local".to_owned(),
        transform: None,
        headers: Vec::new(),
        timeout_ms: 15_000,
        max_in_flight: 8,
        options: hookwright_core::delivery_options::DeliveryOptions::default(),
        created_at: now_ms,
        updated_at: now_ms,
        disabled_reason: None,
        version: 1,
    };
    let audit = AuditDraft {
        at: now_ms,
        actor: "local".to_owned(),
        action: "subscription.created".to_owned(),
        target: subscription.id.to_string(),
        reason: None,
        request_id: None,
        detail: String::new(),
    };
    store.create_subscription(subscription, Change { audit, claim: None }).await?;
    Ok(())
}

async fn publish_until(store: SqliteStore, until: Instant) -> Result<Vec<Duration>, Failed> {
    let data: Box<str> = format!("{{\"order_id\":\"ord_123\",\"note\":\"{}\"}}", "x".repeat(985)).into();
    let mut waits = Vec::new();
    loop {
        let began = Instant::now();
        if began >= until {
            return Ok(waits);
        }
        let draft = EventDraft { event_type: "order.placed".parse()?, data: data.clone(), ordering_key: None };
        let work = Work::Publish(Box::new(Publish {
            events: vec![Publication { draft, customer: None, claim: None, only: None }],
            as_list: false,
            claim: None,
            origin: "key_01hv2m0000000".to_owned(),
            request_id: None,
        }));
        store.submit(work).await?;
        waits.push(began.elapsed());
    }
}

/// Takes what was committed, as the dispatcher does; finishes it where it is asked to.
async fn dispatch(store: SqliteStore, delivers: bool, finished: Arc<AtomicU64>) {
    loop {
        for pending in store.fresh().await.deliveries {
            if delivers {
                let (store, finished) = (store.clone(), Arc::clone(&finished));
                tokio::spawn(async move {
                    if store.finish(success(&store, &pending)).await.is_ok() {
                        finished.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
    }
}

fn success(store: &SqliteStore, pending: &Pending) -> Finish {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let attempt = Attempt {
        id: store.ids().next(),
        delivery_id: pending.id,
        event_id: pending.event_id,
        subscription_id: pending.subscription_id,
        number: pending.attempts + 1,
        started_at: SystemClock.now_ms(),
        duration_ms: 3,
        response_code: Some(204),
        error: None,
        request_headers: vec![
            header("webhook-id", "evt_01hv2m0000000"),
            header("webhook-timestamp", "1767565800"),
            header("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
            header("content-type", "application/json"),
        ],
        response_headers: vec![header("content-type", "text/plain")],
        response_body: b"ok".to_vec(),
        response_truncated: false,
        plugin_digest: None,
        logs: Vec::new(),
    };
    Finish { attempt, next: Next::Delivered, budget_from: 0, disable_subscription: None }
}

/// CPU time of this process, user and system: in ticks of 10 ms, as Linux counts them.
fn cpu_ms() -> Result<f64, Failed> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    Ok((ticks(11) + ticks(12)) * 10.0)
}
