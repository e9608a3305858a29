//! Who belongs to a cluster: nodes come, leave and die, and one that does not fit is refused.

use super::node::{Node, nodes};
use crate::harness::command::{hookwright, run};
use hookwright_test_postgres::Cluster;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Shares of the way out.
const SHARDS: usize = 1024;
/// A node's lease, and what it may take besides until its work goes on elsewhere.
const TAKE_OVER_MAX: Duration = Duration::from_secs(12);
/// What is granted to a machine that runs other tests beside this one.
const BUSY: Duration = Duration::from_secs(4);
/// What needs no lease to end happens within a heartbeat or two; the rest is for a machine that is busy.
const AT_ONCE: Duration = Duration::from_secs(8);

/// How many shards each node has, by the node's number.
fn shares(cluster: &Cluster, url: &str) -> BTreeMap<String, usize> {
    let rows = cluster.execute(url, "SELECT node_id, count(*) FROM shard WHERE node_id IS NOT NULL GROUP BY node_id");
    let row = |line: &str| line.split_once('|').map(|(node, count)| (node.to_owned(), count.parse().unwrap()));
    rows.lines().filter_map(row).collect()
}

/// Waits until so many nodes have all the shards, none of them more than its share; tells how long that took.
async fn shared_by(count: usize, cluster: &Cluster, url: &str, at_most: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let shares = shares(cluster, url);
        let fair = shares.values().all(|shards| *shards <= SHARDS.div_ceil(count));
        if shares.len() == count && fair && shares.values().sum::<usize>() == SHARDS {
            return began.elapsed();
        }
        assert!(began.elapsed() < at_most, "{count} nodes should share everything after {at_most:?}: {shares:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn database() -> Option<(&'static Cluster, String)> {
    tokio::task::spawn_blocking(|| Cluster::shared().map(|cluster| (cluster, cluster.create_database()))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_work_and_that_of_one_that_leaves_or_dies_goes_on() {
    let Some((cluster, url)) = database().await else { return };
    let place = tempfile::tempdir().unwrap();
    let nodes: Vec<Node> = nodes(3, cluster, &url, place.path()).await;
    for node in &nodes {
        node.start().await;
    }
    shared_by(3, cluster, &url, AT_ONCE).await;
    let versions = cluster.execute(&url, "SELECT DISTINCT version FROM node");
    assert_eq!(versions, env!("CARGO_PKG_VERSION"));

    assert_eq!(nodes[2].terminate().await, Some(0));
    let took = shared_by(2, cluster, &url, AT_ONCE).await;
    println!("what a node that left had went on after {took:?}");
    assert_eq!(cluster.execute(&url, "SELECT count(*) FROM node"), "2", "it is not waited for");

    nodes[1].kill().await;
    let took = shared_by(1, cluster, &url, TAKE_OVER_MAX + BUSY).await;
    println!("what a node that died had went on after {took:?}");

    nodes[1].start().await;
    shared_by(2, cluster, &url, AT_ONCE).await;
    for node in &nodes {
        node.kill().await;
    }
    cluster.drop_database(&url);
}

/// The settings of a node that connects without a detour.
fn settings(url: &str, place: &Path) -> [String; 6] {
    let key = place.join("hookwright.key");
    std::fs::write(&key, "5c".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let set = || "--set".to_owned();
    [
        set(),
        format!("database_url={url}"),
        set(),
        format!("keys.file={}", key.display()),
        set(),
        "admin.listen=127.0.0.1:0".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_older_than_the_schema_is_refused_with_a_word_about_it() {
    let Some((cluster, url)) = database().await else { return };
    let place = tempfile::tempdir().unwrap();
    let settings = settings(&url, place.path());
    run(place.path(), std::iter::once("migrate").chain(settings.iter().map(String::as_str))).expect(0);
    cluster.execute(
        &url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'of the future', true, '', 0); UPDATE meta SET value = decode('000000000000270f', 'hex') WHERE name = 'schema_floor'",
    );
    let arguments = ["serve", "--public-listen", "127.0.0.1:0"];
    let command = hookwright(place.path(), arguments.into_iter().chain(settings.iter().map(String::as_str)));
    let serving = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(30), serving).await.expect("it was not refused").unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("newer version") && said.contains("9999"), "{said}");
    assert_eq!(cluster.execute(&url, "SELECT count(*) FROM node"), "0", "it did not join");
    cluster.drop_database(&url);
}
