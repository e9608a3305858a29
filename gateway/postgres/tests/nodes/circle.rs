//! Nodes that share a database, each with ids and a clock of its own.

use hookwright_core::delivery::Pending;
use hookwright_core::id::{DeliveryId, SubscriptionId};
use hookwright_core::intake::Policy;
use hookwright_core::seal::Keyring;
use hookwright_postgres::{PostgresConfig, PostgresStore};
use hookwright_store::contract::Factory;
use hookwright_store::contract::trial::Trial;
use hookwright_store::{Answering, Ids, Store, Waiting};
use hookwright_test_postgres::Cluster;
use rand::TryRng;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The longest that anything here is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One database, and the way in for nodes.
pub struct Circle {
    pub cluster: &'static Cluster,
    pub url: String,
    lease: Duration,
}

impl Circle {
    pub fn new(lease: Duration) -> Option<Self> {
        let cluster = Cluster::shared()?;
        Some(Self { cluster, url: cluster.create_database(), lease })
    }

    /// A node that is about to be opened.
    pub fn node(&self) -> Node<'_> {
        Node { circle: self, open: Mutex::default() }
    }

    /// What the database says.
    pub fn ask(&self, sql: &str) -> String {
        self.cluster.execute(&self.url, sql).trim().to_owned()
    }
}

impl Drop for Circle {
    fn drop(&mut self) {
        self.cluster.drop_database(&self.url);
    }
}

/// One node.
pub struct Node<'c> {
    circle: &'c Circle,
    open: Mutex<Option<PostgresStore>>,
}

impl Node<'_> {
    /// The node's number.
    pub fn number(&self) -> i64 {
        self.open.lock().unwrap().as_ref().unwrap().node()
    }
}

impl Factory for Node<'_> {
    fn open(&self, ids: Ids, policy: Policy) -> Answering<'_, Arc<dyn Store>> {
        Box::pin(async move {
            let keyring = Keyring::from_keys(&[1; 32], &[]);
            let lease = self.circle.lease;
            let config = PostgresConfig { policy, lease, ..PostgresConfig::new(self.circle.url.clone(), keyring) };
            let entropy = Arc::new(|bytes: &mut [u8]| rand::rngs::SysRng.try_fill_bytes(bytes).unwrap());
            let store = PostgresStore::open_with(config, ids, entropy).await?;
            *self.open.lock().unwrap() = Some(store.clone());
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }

    fn close(&self) -> Waiting<'_, ()> {
        Box::pin(async {
            let open = self.open.lock().unwrap().take();
            if let Some(store) = open {
                store.close().await.unwrap();
            }
        })
    }
}

/// Waits until a condition holds; says what did not.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "in {PATIENCE:?} it did not come true that {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// How many of these subscriptions a node serves.
pub fn served(node: &Trial<'_>, subscriptions: &[SubscriptionId]) -> usize {
    let served: BTreeSet<_> = node.store.served().iter().map(|one| one.id).collect();
    subscriptions.iter().filter(|id| served.contains(id)).count()
}

/// What is handed to a node until so many deliveries were; each may come more than once.
pub async fn handed(node: &Trial<'_>, many: usize) -> Vec<Pending> {
    let mut all: Vec<Pending> = Vec::new();
    let distinct = |all: &[Pending]| all.iter().map(|one| one.id).collect::<BTreeSet<DeliveryId>>().len();
    while distinct(&all) < many {
        let fresh = timeout(PATIENCE, node.store.fresh()).await;
        let fresh = fresh.unwrap_or_else(|_| panic!("{} of {many} were handed over", distinct(&all)));
        all.extend(fresh.deliveries);
    }
    all
}
