//! Three nodes on one PostgreSQL, and everything that happens to machines: what was acknowledged arrives, in its order, and nothing happens twice.
//!
//! A node is killed every second; PostgreSQL is restarted, fast and as by a power cut; transactions hold a snapshot and a row; a node is stopped past its
//! lease, a node is cut off from the database, and the clock of a node is five minutes off. The ordinary run is one round of these; `CHAOS_SECONDS=300
//! CHAOS_SEED=7 cargo test -p hookwright-tests chaos -- --nocapture` goes on for that long. The seed decides which fault comes when and hits whom, what is
//! posted where, and what subscribers refuse; how the processes interleave it cannot decide. `CHAOS_ONLY=CutOff` makes one kind of fault alone, over and over.

mod faults;
mod ledger;
mod load;
mod session;
mod subscribers;
mod verdict;

use super::node::{Node, nodes};
use crate::harness::gateway::secret_of;
use crate::harness::{eventually, guests};
use faults::{Faults, Stage};
use hookwright::client::Client;
use hookwright_core::secret::SigningSecret;
use hookwright_test_postgres::{Cluster, Settings};
use http::{Method, StatusCode};
use ledger::Ledger;
use load::{Load, partner, publisher};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;
use verdict::Verdict;

const NODES: usize = 3;
const PUBLISHERS: usize = 4;
const PARTNERS: usize = 1;
/// Everything is delivered so soon after the last fault.
const DRAIN_MAX: Duration = Duration::from_mins(1);

/// The directory of the nodes; it stays where the test fails.
struct Place(Option<TempDir>);

impl Place {
    fn new() -> Self {
        Self(Some(tempfile::Builder::new().prefix("hookwright-chaos-").tempdir().unwrap()))
    }

    fn path(&self) -> &Path {
        self.0.as_ref().unwrap().path()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(directory) = self.0.take().filter(|_| std::thread::panicking()) {
            eprintln!("the logs of the nodes are in {}", directory.keep().display());
        }
    }
}

/// Makes the plugin, the source and the subscriptions, and waits until every node knows them. Returns the source's secret.
async fn furnish(nodes: &[Node], ledger: &Arc<Ledger>, seed: u64) -> SigningSecret {
    let admin = |node: &Node| node.doors().unwrap().admin;
    let first = admin(&nodes[0]);
    let headers = [("content-type", "application/wasm")];
    let pushed =
        first.send(Method::PUT, "/admin/plugins/emr-video-call", &headers, guests::emr_video_call().to_vec()).await;
    let pushed = pushed.unwrap();
    assert!(pushed.status.is_success(), "{}", pushed.json());
    for subscriber in subscribers::start(ledger, seed).await {
        make(&first, "/admin/subscriptions", &subscriber).await;
    }
    let source = json!({ "slug": "emr", "name": "EMR", "verification": { "type": "standard_webhooks" }, "plugin": "emr-video-call" });
    let source = make(&first, "/admin/sources", &source).await;
    for node in nodes {
        eventually("every node knows what one was told", async || {
            let admin = admin(node);
            let count = async |path: &str| admin.get(path).await.ok()?.json()["data"].as_array().map(Vec::len);
            let known = count("/admin/subscriptions").await? == subscribers::COUNT
                && count("/admin/sources").await? == 1
                && count("/admin/plugins").await? == 1;
            known.then_some(())
        })
        .await;
    }
    secret_of(&source)
}

async fn make(admin: &Client, path: &str, body: &Value) -> Value {
    let answer = admin.json(Method::POST, path, body).await.unwrap();
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    answer.json()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is {text}, not a number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn chaos_loses_nothing_reorders_nothing_and_repeats_nothing_but_attempts() {
    let seed = number("CHAOS_SEED").unwrap_or(1);
    let at_least = Duration::from_secs(number("CHAOS_SECONDS").unwrap_or_default());
    let started = tokio::task::spawn_blocking(|| {
        let cluster = Cluster::start(&Settings { fsync: true, ..Settings::default() })?;
        let url = cluster.create_database();
        Some((cluster, url))
    });
    let Some((cluster, url)) = started.await.unwrap() else { return };
    println!("seed {seed}, at least {} s", at_least.as_secs());
    let place = Place::new();
    let nodes = Arc::new(nodes(NODES, &cluster, &url, place.path()).await);
    for node in nodes.iter() {
        node.start().await;
    }
    let ledger = Arc::<Ledger>::default();
    let secret = furnish(&nodes, &ledger, seed).await;
    let load = Arc::new(Load {
        nodes: Arc::clone(&nodes),
        ledger: Arc::clone(&ledger),
        secret,
        seed,
        ended: false.into(),
        posts: 0.into(),
        repeated: 0.into(),
        replayed: 0.into(),
        longest: std::sync::Mutex::default(),
    });
    let mut posting = JoinSet::new();
    (0..PUBLISHERS).for_each(|number| drop(posting.spawn(publisher(Arc::clone(&load), number))));
    (0..PARTNERS).for_each(|_| drop(posting.spawn(partner(Arc::clone(&load)))));

    let stage = Arc::new(Stage::new(cluster, url, Arc::clone(&nodes), Arc::clone(&ledger)));
    let report = Faults::new(Arc::clone(&stage), seed).run(at_least).await;

    load.ended.store(true, Ordering::Relaxed);
    while let Some(ended) = posting.join_next().await {
        ended.unwrap();
    }
    let verdict = Verdict::of(&stage, DRAIN_MAX).await;
    report.print(&load, &verdict);
    verdict.assert();
    report.assert(&load);
}
