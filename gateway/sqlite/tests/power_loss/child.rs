//! The child: several publishers and a dispatcher on one store, each noting every promise in the moment it has it.

use crate::log::{FINISHED, PUBLISHED};
use hookwright_core::audit::AuditDraft;
use hookwright_core::delivery::{Attempt, Finish, Next, Pending};
use hookwright_core::event::EventDraft;
use hookwright_core::idempotency::Claimed;
use hookwright_core::intake::{Answer, Publication, Publish, Published, PublishedEvent, Work};
use hookwright_core::retry::RetryPolicy;
use hookwright_core::seal::Keyring;
use hookwright_core::secret::{LiveSecret, SigningSecret};
use hookwright_core::subscription::Subscription;
use hookwright_sqlite::{Durability, Entropy, SqliteConfig, SqliteStore};
use hookwright_store::{Catalog, Change, Intake, Journal, ManualClock, Outbox, StoreError};
use rand::TryRng;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const PUBLISHERS: usize = 4;
/// Between two times that the store is closed and opened again.
const EVENTS_OF_EACH: usize = 70;
const OPENINGS: usize = 3;
const START_MS: i64 = 1_767_565_800_000;

/// The same key for the child and for whoever opens what is left.
pub fn keyring() -> Keyring {
    Keyring::from_keys(&[1; 32], &[])
}

pub fn entropy() -> Entropy {
    Arc::new(|bytes| rand::rngs::SysRng.try_fill_bytes(bytes).unwrap())
}

pub async fn open(path: PathBuf, durability: Durability) -> Result<SqliteStore, StoreError> {
    let config = SqliteConfig { durability, ..SqliteConfig::new(path, keyring()) };
    SqliteStore::open(config, Arc::new(ManualClock::at(START_MS)), entropy()).await
}

/// Notes promises where the recorder sees them: each in one write.
#[derive(Clone)]
struct Promises(Arc<Mutex<File>>);

impl Promises {
    fn note(&self, kind: u8, id: i64) {
        let mut line = [0; 9];
        line[0] = kind;
        line[1..].copy_from_slice(&id.to_le_bytes());
        self.0.lock().unwrap().write_all(&line).unwrap();
    }
}

pub async fn run() {
    // Without a recorder around it, it was started by somebody who runs ignored tests too.
    let Some(place) = std::env::var_os("RECORDER_DIR").map(PathBuf::from) else { return };
    let scenario = std::env::var("CHILD_SCENARIO").unwrap();
    let durability = if scenario == "normal" { Durability::Normal } else { Durability::Full };
    let promises = Promises(Arc::new(Mutex::new(File::create(place.join("acks")).unwrap())));
    let path = place.join("hookwright.db");
    match scenario.as_str() {
        "full" | "normal" => work(path, durability, promises).await,
        "sync" => break_down(path, promises).await,
        "room" => run_out_of_room(path, promises).await,
        other => panic!("{other}"),
    }
}

async fn work(path: PathBuf, durability: Durability, promises: Promises) {
    for opening in 0..OPENINGS {
        let store = open(path.clone(), durability).await.unwrap();
        if opening == 0 {
            subscribe(&store).await;
        }
        let dispatcher = tokio::spawn(dispatch(store.clone(), promises.clone()));
        let publishers = (0..PUBLISHERS).map(|_| tokio::spawn(publish(store.clone(), promises.clone())));
        for publisher in publishers.collect::<Vec<_>>() {
            publisher.await.unwrap();
        }
        dispatcher.abort();
        // The last one is not closed: it ends as a crash does.
        if opening + 1 < OPENINGS {
            store.close().await.unwrap();
        }
    }
}

/// Publishes until the sync that fails: from then on nothing is written, and the store says why.
async fn break_down(path: PathBuf, promises: Promises) {
    let store = open(path, Durability::Full).await.unwrap();
    subscribe(&store).await;
    let error = publish_until_refused(&store, &promises).await;
    assert!(matches!(error, StoreError::NotWritable(_)), "{error:?}");
    for _ in 0..3 {
        let error = publish_one(&store, 10).await.unwrap_err();
        assert!(matches!(error, StoreError::NotWritable(_)), "{error:?}");
    }
    let error = store.ready().await.unwrap_err();
    assert!(matches!(error, StoreError::NotWritable(_)), "{error:?}");
}

/// Publishes until the write that finds no room, and on when there is some again.
async fn run_out_of_room(path: PathBuf, promises: Promises) {
    let store = open(path, Durability::Full).await.unwrap();
    subscribe(&store).await;
    let error = publish_until_refused(&store, &promises).await;
    assert!(matches!(error, StoreError::NotWritable(_)), "{error:?}");
    store.ready().await.unwrap();
    promises.note(PUBLISHED, publish_one(&store, 10).await.unwrap());
    store.close().await.unwrap();
}

async fn publish_until_refused(store: &SqliteStore, promises: &Promises) -> StoreError {
    for round in 0..2_000 {
        match publish_one(store, round * 29 % 3_000).await {
            Ok(id) => promises.note(PUBLISHED, id),
            Err(error) => return error,
        }
    }
    panic!("nothing failed");
}

async fn publish(store: SqliteStore, promises: Promises) {
    for round in 0..EVENTS_OF_EACH {
        promises.note(PUBLISHED, publish_one(&store, round * 29 % 3_000).await.unwrap());
    }
}

/// Publishes an event with a note of so many bytes.
async fn publish_one(store: &SqliteStore, bytes: usize) -> Result<i64, StoreError> {
    let data = format!("{{\"note\":\"{}\"}}", "x".repeat(bytes));
    let draft = EventDraft { event_type: "order.placed".parse().unwrap(), data: data.into(), ordering_key: None };
    let work = Work::Publish(Box::new(Publish {
        events: vec![Publication { draft, customer: None, claim: None, only: None }],
        as_list: false,
        claim: None,
        origin: "local".to_owned(),
        request_id: None,
    }));
    let Answer::Published(Published::Whole(Claimed::Fresh(answer))) = store.submit(work).await? else {
        panic!("a plain publication is published");
    };
    let published: PublishedEvent = serde_json::from_slice(&answer.body).unwrap();
    Ok(published.id.get())
}

/// Finishes every other delivery; the others stay pending.
async fn dispatch(store: SqliteStore, promises: Promises) {
    loop {
        for (index, pending) in store.fresh().await.deliveries.iter().enumerate() {
            if index % 2 == 0 {
                store.finish(success(&store, pending)).await.unwrap();
                promises.note(FINISHED, pending.id.get());
            }
        }
    }
}

fn success(store: &SqliteStore, pending: &Pending) -> Finish {
    let attempt = Attempt {
        id: store.ids().next(),
        delivery_id: pending.id,
        event_id: pending.event_id,
        subscription_id: pending.subscription_id,
        number: pending.attempts + 1,
        started_at: START_MS,
        duration_ms: 3,
        response_code: Some(200),
        error: None,
        request_headers: Vec::new(),
        response_headers: Vec::new(),
        response_body: b"ok".to_vec(),
        response_truncated: false,
        plugin_digest: None,
        logs: Vec::new(),
    };
    Finish { attempt, next: Next::Delivered, budget_from: 0, disable_subscription: None }
}

async fn subscribe(store: &SqliteStore) {
    let subscription = Subscription {
        id: store.ids().next(),
        url: "https://hooks.example.com/".to_owned(),
        secrets: vec![LiveSecret::lasting(store.ids().next(), SigningSecret::generate([7; 32]), 0)],
        events: vec!["*".parse().unwrap()],
        active: true,
        retry_policy: RetryPolicy::Exponential,
        max_retries: 5,
        name: "child".to_owned(),
        description: None,
        created_by: "local".to_owned(),
        transform: None,
        headers: Vec::new(),
        timeout_ms: 15_000,
        max_in_flight: 8,
        options: hookwright_core::delivery_options::DeliveryOptions::default(),
        created_at: START_MS,
        updated_at: START_MS,
        disabled_reason: None,
        version: 1,
    };
    let audit = AuditDraft {
        at: START_MS,
        actor: "local".to_owned(),
        action: "subscription.created".to_owned(),
        target: subscription.id.to_string(),
        reason: None,
        request_id: None,
        detail: String::new(),
    };
    store.create_subscription(subscription, Change { audit, claim: None }).await.unwrap();
}
