//! A place for a database, and the short ways in and out of it that these tests share.

use hookwright_core::audit::AuditDraft;
use hookwright_core::customer::CustomerDraft;
use hookwright_core::delivery::{Attempt, AttemptError, Finish, Next, Pending};
use hookwright_core::event::EventDraft;
use hookwright_core::id::{AttemptId, SecretId};
use hookwright_core::idempotency::Claimed;
use hookwright_core::intake::{Publication, Publish, PutCustomer, Receive, Work};
use hookwright_core::message::{Parsed, RawMessage, Reason};
use hookwright_core::region::Address;
use hookwright_core::retry::RetryPolicy;
use hookwright_core::seal::Keyring;
use hookwright_core::secret::{LiveSecret, RawSecret, SigningSecret};
use hookwright_core::signature::Scheme;
use hookwright_core::source::{Ack, OnPluginFailure, Source, SourceSecret};
use hookwright_core::subscription::Subscription;
use hookwright_sqlite::{Entropy, SqliteConfig, SqliteStore};
use hookwright_store::{Catalog, Change, ManualClock, StoreError};
use rand::TryRng;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// Stands in everything that must be sealed; nothing of it may be found in the files.
pub const MARKER: &str = "Marker-Ada-Lovelace-0815";

/// When every test begins.
pub const START_MS: i64 = 1_767_565_800_000;

/// A directory of its own, gone with the test.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("hookwright.db")
    }

    /// Every file of the place, one after the other.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            all.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        all
    }

    pub async fn open(&self) -> SqliteStore {
        self.open_with_key([1; 32]).await.unwrap()
    }

    pub async fn open_with_key(&self, key: [u8; 32]) -> Result<SqliteStore, StoreError> {
        let config = SqliteConfig::new(self.path(), Keyring::from_keys(&key, &[]));
        SqliteStore::open(config, Arc::new(ManualClock::at(START_MS)), entropy()).await
    }

    /// The database, past the store.
    pub async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).connect().await.unwrap()
    }

    /// Runs one statement, past the store.
    pub async fn execute(&self, statement: &'static str) {
        let mut connection = self.connect().await;
        sqlx::query(statement).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
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

pub fn receiving(store: &SqliteStore, source: &Source) -> Work {
    let secret = MARKER.to_owned();
    Work::Receive(Box::new(Receive {
        message_id: store.ids().next(),
        raw: RawMessage {
            source_id: source.id,
            hook: "video".to_owned(),
            method: "POST".to_owned(),
            query: format!("name={secret}"),
            headers: vec![("x-patient".to_owned(), secret.clone())],
            body: secret.clone().into_bytes(),
            received_at: START_MS,
            tier: "verified".to_owned(),
            secret_id: None,
        },
        slug: source.slug.clone(),
        updates_customers: false,
        parsed: Parsed::Ignored {
            reason: Reason::new("test", "a test"),
            partner_id: Some(secret.clone()),
            metadata: Vec::new(),
        },
        plugin_digest: None,
        logs: vec![secret],
        transport_id: None,
        request_id: None,
    }))
}

pub fn putting() -> Work {
    let text = Some(MARKER.to_owned());
    let address =
        Address { line1: text.clone(), city: text.clone(), state: Some("TX".to_owned()), ..Address::default() };
    Work::PutCustomer(Box::new(PutCustomer {
        draft: CustomerDraft { external_id: "cus_1".to_owned(), name: text, address: Some(address) },
        actor: "local".to_owned(),
        reason: None,
        request_id: None,
    }))
}

pub async fn subscribe(store: &SqliteStore) -> Arc<Subscription> {
    let subscription = Subscription {
        id: store.ids().next(),
        url: format!("https://hooks.example.com/{MARKER}"),
        secrets: vec![LiveSecret::lasting(
            store.ids().next(),
            SigningSecret::generate(*b"0123456789abcdef0123456789abcdef"),
            0,
        )],
        events: vec!["*".parse().unwrap()],
        active: true,
        retry_policy: RetryPolicy::Exponential,
        max_retries: 5,
        name: "Klaviyo".to_owned(),
        description: Some(MARKER.to_owned()),
        created_by: "local".to_owned(),
        transform: None,
        headers: vec![("authorization".to_owned(), MARKER.to_owned())],
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

pub async fn bring_source(store: &SqliteStore) -> Arc<Source> {
    let source = Source {
        id: store.ids().next(),
        slug: "emr".to_owned(),
        name: "EMR".to_owned(),
        verification: Scheme::STANDARD,
        secrets: vec![SourceSecret { id: SecretId::from_i64(7).unwrap(), secret: RawSecret::parse(MARKER).unwrap() }],
        preset: None,
        handshakes: Vec::new(),
        public_url: None,
        ack: Ack::default(),
        heartbeat_seconds: None,
        fetch: None,
        plugin: "emr-video-call".to_owned(),
        settings: serde_json::json!({ "token": MARKER }),
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

/// The next attempt of a delivery, answered with 500, after which `next` follows.
pub fn attempt(store: &SqliteStore, pending: &Pending, next: Next) -> Finish {
    let secret = MARKER.to_owned();
    let attempt = Attempt {
        id: store.ids().next::<AttemptId>(),
        delivery_id: pending.id,
        event_id: pending.event_id,
        subscription_id: pending.subscription_id,
        number: pending.attempts + 1,
        started_at: START_MS,
        duration_ms: 5,
        response_code: Some(500),
        error: Some(AttemptError { kind: "plugin_trap".to_owned(), detail: secret.clone() }),
        request_headers: vec![("webhook-signature".to_owned(), secret.clone())],
        response_headers: vec![("x-echo".to_owned(), secret.clone())],
        response_body: secret.clone().into_bytes(),
        response_truncated: false,
        plugin_digest: None,
        logs: vec![secret],
    };
    Finish { attempt, next, budget_from: 0, disable_subscription: None }
}
