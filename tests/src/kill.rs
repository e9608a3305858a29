//! `kill -9` of `serve` at random moments, while partners and publishers post: what was acknowledged arrives, and nothing happens twice.
//!
//! 5 rounds; `KILL_ROUNDS=50 cargo test -p hookwright-tests kill` makes it 50.

mod backlog;

use crate::harness::gateway::secret_of;
use crate::harness::guests;
use crate::harness::patience::eventually;
use crate::harness::server::Server;
use hookwright::chance;
use hookwright::client::Client;
use hookwright::clock::SystemClock;
use hookwright::sink::{Reply, Sink};
use hookwright_core::secret::SigningSecret;
use hookwright_core::signature::sign_v1;
use hookwright_store::Clock;
use hookwright_test_postgres::{Cluster, Settings};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const PARTNERS: usize = 4;
const PUBLISHERS: usize = 4;

/// Both listeners of the server as it is now; it moves with every start.
#[derive(Clone)]
struct Doors {
    public: Client,
    admin: Client,
}

/// What the posting tasks share.
struct World {
    doors: RwLock<Doors>,
    secret: SigningSecret,
    ended: AtomicBool,
    number: AtomicU64,
    /// Orders whose publication was acknowledged.
    orders: Mutex<BTreeSet<String>>,
    /// Customers whose video call was acknowledged.
    calls: Mutex<BTreeSet<String>>,
}

impl World {
    fn doors(&self) -> Doors {
        self.doors.read().unwrap().clone()
    }

    fn next(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Repeats a request until it is acknowledged, as partners and publishers do. The same bytes under the same id every time.
    async fn until_acknowledged(&self, post: &Post) {
        loop {
            match self.attempt(post).await {
                Some(status) if status.is_success() => return,
                // No answer, or a server that is only just up.
                None | Some(StatusCode::SERVICE_UNAVAILABLE) => tokio::time::sleep(Duration::from_millis(20)).await,
                Some(status) => panic!("refused: {status}"),
            }
        }
    }

    /// The status, if an answer came.
    async fn attempt(&self, post: &Post) -> Option<StatusCode> {
        let doors = self.doors();
        let answer = match post {
            Post::Publish { key, body } => {
                let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
                doors.admin.send(Method::POST, "/admin/events", &headers, body.clone()).await
            }
            Post::Call { id, body } => {
                let now_secs = SystemClock.now_ms().div_euclid(1000);
                let timestamp = now_secs.to_string();
                let signature = sign_v1(std::slice::from_ref(&self.secret), id, now_secs, body.as_bytes());
                let headers = [
                    ("content-type", "application/json"),
                    ("webhook-id", id.as_str()),
                    ("webhook-timestamp", timestamp.as_str()),
                    ("webhook-signature", signature.as_str()),
                ];
                let path = "/webhooks/emr/video-call-completed";
                doors.public.send(Method::POST, path, &headers, body.clone()).await
            }
        };
        answer.ok().map(|answer| answer.status)
    }

    async fn publish(&self, key: &str, event_type: &str, data: &Value) {
        let body = json!({ "type": event_type, "data": data }).to_string();
        self.until_acknowledged(&Post::Publish { key: key.to_owned(), body }).await;
    }

    async fn call(&self, customer: &str) {
        let body = json!({
            "event": "video_call.completed", "patient_external_id": customer, "appointment_id": format!("appt_{customer}"),
            "provider_id": "dr_abc", "call_duration_minutes": 15, "completed_at": "2026-11-04T22:30:00Z",
        })
        .to_string();
        self.until_acknowledged(&Post::Call { id: format!("msg_{customer}"), body }).await;
    }
}

/// A request that is repeated until it is acknowledged.
enum Post {
    /// By the platform, under an idempotency key.
    Publish { key: String, body: String },
    /// By the partner, under its message id; signed anew each time.
    Call { id: String, body: String },
}

async fn partner(world: Arc<World>) {
    while !world.ended.load(Ordering::Relaxed) {
        let customer = format!("cus_{}", world.next());
        let created =
            json!({ "customer_id": customer, "address": { "state": "TX", "postal_code": "78701", "country": "US" } });
        // Half of the calls come before their customer is known: the message waits, and is resumed.
        if chance::unit() < 0.5 {
            world.call(&customer).await;
            world.publish(&customer, "customer.created", &created).await;
        } else {
            world.publish(&customer, "customer.created", &created).await;
            world.call(&customer).await;
        }
        world.calls.lock().unwrap().insert(customer);
    }
}

async fn publisher(world: Arc<World>) {
    while !world.ended.load(Ordering::Relaxed) {
        let order = format!("ord_{}", world.next());
        world.publish(&order, "order.placed", &json!({ "order_id": order })).await;
        world.orders.lock().unwrap().insert(order);
    }
}

/// Event ids by what they are about; more than one of them would be a duplicate.
type Seen = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// A subscriber that fails now and then, and notes what it accepted.
async fn subscriber(seen: Seen) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let answerer = |_: &_| {
        let status = if chance::unit() < 0.05 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        Reply::status(status)
    };
    let mut sink = Sink::start(listener, Vec::new(), Arc::new(SystemClock), Arc::new(answerer)).unwrap();
    let url = format!("http://{}/", sink.address());
    tokio::spawn(async move {
        while let Some(delivered) = sink.next().await {
            if delivered.answered != StatusCode::OK {
                continue;
            }
            let envelope = delivered.json();
            let about = match envelope["type"].as_str().unwrap() {
                "order.placed" => envelope["data"]["order_id"].as_str().unwrap().to_owned(),
                event_type => format!("{event_type} {}", envelope["data"]["customer_id"].as_str().unwrap()),
            };
            let id = delivered.header("webhook-id").unwrap().to_owned();
            assert_eq!(envelope["id"], json!(id));
            seen.lock().unwrap().entry(about).or_default().insert(id);
        }
    });
    url
}

async fn furnish(server: &Server, url: &str) -> SigningSecret {
    let component = guests::emr_video_call().to_vec();
    let pushed = server.admin.send(
        Method::PUT,
        "/admin/plugins/emr-video-call",
        &[("content-type", "application/wasm")],
        component,
    );
    assert!(pushed.await.unwrap().status.is_success());
    let make = async |path: &str, body: Value| {
        let answer = server.admin.json(Method::POST, path, &body).await.unwrap();
        assert!(answer.status.is_success(), "{}", answer.json());
        answer.json()
    };
    let subscription = json!({ "name": "all", "url": url, "events": ["*"], "retry_policy": "exponential", "max_retries": 50, "max_in_flight": 32 });
    make("/admin/subscriptions", subscription).await;
    let source = json!({ "slug": "emr", "name": "EMR", "verification": { "type": "standard_webhooks" }, "plugin": "emr-video-call" });
    secret_of(&make("/admin/sources", source).await)
}

/// Where the killed server keeps what it acknowledged: a directory, and settings that name another database than the one in it.
struct Home {
    directory: TempDir,
    settings: Vec<String>,
    _cluster: Option<Cluster>,
}

impl Home {
    fn on_sqlite() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), settings: Vec::new(), _cluster: None }
    }

    /// A PostgreSQL that waits for its disk; `None` where it is not installed, which has been said.
    fn on_postgres() -> Option<Self> {
        let cluster = Cluster::start(&Settings { fsync: true, ..Settings::default() })?;
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("shared.key"), hex::encode(chance::bytes::<32>())).unwrap();
        let settings = vec![format!("database_url={}", cluster.create_database()), "keys.file=shared.key".to_owned()];
        Some(Self { directory, settings, _cluster: Some(cluster) })
    }

    async fn start(&self, more: &[&str]) -> Server {
        let directory = self.directory.path().to_owned();
        let settings: Vec<String> = self.settings.iter().cloned().chain(more.iter().map(ToString::to_string)).collect();
        let start = move || {
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            Server::start_with(&directory, &settings, &[])
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_it_loses_nothing_and_repeats_nothing() {
    kill_at_random_moments(&Home::on_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_on_postgresql_it_loses_nothing_and_repeats_nothing() {
    let Some(home) = Home::on_postgres() else { return };
    kill_at_random_moments(&home).await;
}

async fn kill_at_random_moments(home: &Home) {
    let rounds: u32 = std::env::var("KILL_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let seen = Seen::default();
    let url = subscriber(Arc::clone(&seen)).await;
    let mut server = home.start(&[]).await;
    let secret = furnish(&server, &url).await;
    let doors = |server: &Server| Doors { public: server.public.clone(), admin: server.admin.clone() };
    let world = Arc::new(World {
        doors: RwLock::new(doors(&server)),
        secret,
        ended: AtomicBool::new(false),
        number: AtomicU64::new(0),
        orders: Mutex::default(),
        calls: Mutex::default(),
    });
    let mut tasks = JoinSet::new();
    (0..PARTNERS).for_each(|_| drop(tasks.spawn(partner(Arc::clone(&world)))));
    (0..PUBLISHERS).for_each(|_| drop(tasks.spawn(publisher(Arc::clone(&world)))));
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_secs_f64(0.05 + chance::unit())).await;
        server.kill();
        server = home.start(&[]).await;
        *world.doors.write().unwrap() = doors(&server);
    }
    world.ended.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let orders = world.orders.lock().unwrap().clone();
    let calls = world.calls.lock().unwrap().clone();
    println!("{rounds} rounds: {} orders and {} calls were acknowledged", orders.len(), calls.len());
    assert!(orders.len() > 10 && calls.len() > 10, "{} orders, {} calls", orders.len(), calls.len());
    let expected: BTreeSet<String> = orders
        .iter()
        .cloned()
        .chain(calls.iter().map(|customer| format!("compliance.establishment_fulfilled {customer}")))
        .collect();
    eventually("everything acknowledged arrives", async || {
        let seen = seen.lock().unwrap();
        expected.iter().all(|about| seen.contains_key(about)).then_some(())
    })
    .await;
    for (about, ids) in seen.lock().unwrap().iter() {
        assert_eq!(ids.len(), 1, "{about} was told by more than one event");
    }
    for customer in &calls {
        let path = format!("/admin/establishments?customer_id={customer}");
        let rows = server.admin.get(&path).await.unwrap().json();
        assert_eq!(rows["data"].as_array().unwrap().len(), 1, "{customer}");
    }
}
