//! A place for a database, and the short ways in and out of it that these tests share.

use hookwright_core::audit::AuditDraft;
use hookwright_core::delivery::{Attempt, Finish, Next, Pending};
use hookwright_core::event::EventDraft;
use hookwright_core::id::{AttemptId, EPOCH_MS, MessageId, SecretId};
use hookwright_core::idempotency::Claimed;
use hookwright_core::intake::{Publication, Publish, Receive, Work};
use hookwright_core::message::{Parsed, RawMessage, Reason};
use hookwright_core::retry::RetryPolicy;
use hookwright_core::seal::Keyring;
use hookwright_core::secret::{LiveSecret, RawSecret, SigningSecret};
use hookwright_core::signature::Scheme;
use hookwright_core::source::{Ack, OnPluginFailure, Source, SourceSecret};
use hookwright_core::subscription::Subscription;
use hookwright_postgres::{Entropy, PostgresConfig, PostgresStore};
use hookwright_store::{Catalog, Change, Clock, Intake, ManualClock, Outbox, Prune, Pruned, RecordKind, Retention};
use hookwright_test_postgres::{Cluster, Settings};
use rand::TryRng;
use sqlx::Connection;
use std::sync::Arc;

/// When every test begins: half past ten in the evening.
pub const START_MS: i64 = 1_767_565_800_000;
pub const DAY_MS: i64 = 86_400_000;

/// A database of its own, and the clock of all its nodes.
pub struct Place {
    cluster: &'static Cluster,
    pub url: String,
    pub clock: Arc<ManualClock>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.cluster.drop_database(&self.url);
    }
}

impl Place {
    /// On the server that tests share; `None` where there is no PostgreSQL, which has been said.
    pub fn new() -> Option<Self> {
        Some(Self::on(Cluster::shared()?))
    }

    /// On a server of its own, which lasts as long as the process.
    pub fn with(settings: &Settings) -> Option<Self> {
        Some(Self::on(Box::leak(Box::new(Cluster::start(settings)?))))
    }

    fn on(cluster: &'static Cluster) -> Self {
        Self { cluster, url: cluster.create_database(), clock: Arc::new(ManualClock::at(START_MS)) }
    }

    pub fn config(&self) -> PostgresConfig {
        PostgresConfig::new(self.url.clone(), Keyring::from_keys(&[1; 32], &[]))
    }

    pub async fn open(&self) -> PostgresStore {
        let clock = Arc::clone(&self.clock);
        PostgresStore::open(self.config(), clock, entropy()).await.unwrap()
    }

    /// A connection past the store.
    pub async fn connect(&self) -> sqlx::PgConnection {
        sqlx::PgConnection::connect(&self.url).await.unwrap()
    }

    /// Runs statements, past the store.
    pub fn execute(&self, sql: &str) -> String {
        self.cluster.execute(&self.url, sql)
    }

    /// A number that a query answers with.
    pub fn number(&self, sql: &str) -> i64 {
        self.execute(sql).parse().unwrap()
    }

    pub fn is_there(&self, table: &str) -> bool {
        self.execute(&format!("SELECT to_regclass('{table}') IS NOT NULL")) == "t"
    }

    /// The rows of a table.
    pub fn rows(&self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}"))
    }

    /// The day it is, counted from the zero of the ids' clock.
    pub fn today(&self) -> i64 {
        (self.clock.now_ms() - EPOCH_MS) / DAY_MS
    }

    /// Removes all of a kind that is older than so many days, as upkeep does.
    pub async fn prune(&self, store: &PostgresStore, kind: RecordKind, days: i64) -> Pruned {
        let before_ms = self.clock.now_ms() - days * DAY_MS;
        let (mut whole, mut after) = (Pruned::default(), 0);
        loop {
            let batch = store.prune(Prune { kind, before_ms, after, limit: 500 }).await.unwrap();
            whole.removed += batch.removed;
            whole.rows += batch.rows;
            whole.took = whole.took.max(batch.took);
            let Some(next) = batch.next else { return whole };
            assert!(next > after || batch.rows > 0, "a batch that gets nowhere");
            after = next;
        }
    }
}

/// The first id of a day.
pub const fn first_id(day: i64) -> i64 {
    (day * DAY_MS) << 22
}

pub fn entropy() -> Entropy {
    Arc::new(|bytes| rand::rngs::SysRng.try_fill_bytes(bytes).unwrap())
}

pub fn change(action: &str) -> Change {
    let audit = AuditDraft {
        at: START_MS,
        actor: "local".to_owned(),
        action: action.to_owned(),
        target: "target".to_owned(),
        reason: None,
        request_id: None,
        detail: String::new(),
    };
    Change { audit, claim: None }
}

pub fn publishing(data: &str) -> Work {
    let draft = EventDraft { event_type: "order.placed".parse().unwrap(), data: data.into(), ordering_key: None };
    Work::Publish(Box::new(Publish {
        events: vec![Publication { draft, customer: None, claim: None, only: None }],
        as_list: false,
        claim: None,
        origin: "local".to_owned(),
        request_id: None,
    }))
}

/// Publishes an event for everybody, and returns its deliveries. The store hands them to whoever asks: one test, one asker.
pub async fn publish(store: &PostgresStore) -> Vec<Pending> {
    store.submit(publishing("{}")).await.unwrap();
    store.fresh().await.deliveries
}

/// A message of a partner's, unlike any other, with nothing in it to act on.
pub fn receiving(store: &PostgresStore, source: &Source, now_ms: i64) -> Receive {
    let message_id: MessageId = store.ids().next();
    Receive {
        message_id,
        raw: RawMessage {
            source_id: source.id,
            hook: "video".to_owned(),
            method: "POST".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: message_id.to_string().into_bytes(),
            received_at: now_ms,
            tier: "verified".to_owned(),
            secret_id: None,
        },
        slug: source.slug.clone(),
        updates_customers: false,
        parsed: Parsed::Ignored { reason: Reason::new("test", "a test"), partner_id: None, metadata: Vec::new() },
        plugin_digest: None,
        logs: Vec::new(),
        transport_id: None,
        request_id: None,
    }
}

pub async fn subscribe(store: &PostgresStore) -> Arc<Subscription> {
    let secret = SigningSecret::generate(*b"0123456789abcdef0123456789abcdef");
    let subscription = Subscription {
        id: store.ids().next(),
        url: "https://hooks.example.com/".to_owned(),
        secrets: vec![LiveSecret::lasting(store.ids().next(), secret, 0)],
        events: vec!["*".parse().unwrap()],
        active: true,
        retry_policy: RetryPolicy::Exponential,
        max_retries: 5,
        name: "Klaviyo".to_owned(),
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
    let Claimed::Fresh(created) =
        store.create_subscription(subscription, change("subscription.created")).await.unwrap()
    else {
        panic!("no claim, no replay");
    };
    created
}

pub async fn bring_source(store: &PostgresStore) -> Arc<Source> {
    let source = Source {
        id: store.ids().next(),
        slug: "emr".to_owned(),
        name: "EMR".to_owned(),
        verification: Scheme::STANDARD,
        secrets: vec![SourceSecret {
            id: SecretId::from_i64(7).unwrap(),
            secret: RawSecret::parse("a secret of theirs").unwrap(),
        }],
        preset: None,
        handshakes: Vec::new(),
        public_url: None,
        ack: Ack::default(),
        heartbeat_seconds: None,
        fetch: None,
        plugin: "emr-video-call".to_owned(),
        settings: serde_json::json!({}),
        methods: Vec::new(),
        on_error: OnPluginFailure::Quarantine,
        deadline_ms: None,
        updates_customers: false,
        active: true,
        created_at: START_MS,
        updated_at: START_MS,
        version: 1,
    };
    let Claimed::Fresh(created) = store.create_source(source, change("source.created")).await.unwrap() else {
        panic!("no claim, no replay");
    };
    created
}

/// An attempt of a delivery, after which `next` follows.
pub fn attempt(store: &PostgresStore, pending: &Pending, number: u32, next: Next) -> Finish {
    let attempt = Attempt {
        id: store.ids().next::<AttemptId>(),
        delivery_id: pending.id,
        event_id: pending.event_id,
        subscription_id: pending.subscription_id,
        number,
        started_at: START_MS,
        duration_ms: 5,
        response_code: Some(200),
        error: None,
        request_headers: vec![("webhook-id".to_owned(), pending.event_id.to_string())],
        response_headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        response_body: b"ok".to_vec(),
        response_truncated: false,
        plugin_digest: None,
        logs: Vec::new(),
    };
    Finish { attempt, next, budget_from: 0, disable_subscription: None }
}

/// Its first attempt succeeds.
pub async fn deliver(store: &PostgresStore, pending: &Pending) {
    store.finish(attempt(store, pending, 1, Next::Delivered)).await.unwrap();
}
