//! What is changed on one node holds on the others: plugins, sources, keys.

use super::node::{Doors, nodes};
use crate::harness::guests;
use hookwright::client::Client;
use hookwright_test_postgres::Cluster;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Promised, and what is granted to a machine that runs other tests beside this one.
const AT_MOST: Duration = Duration::from_secs(1 + 4);

/// Waits until a request on another node answers as it should; tells how long that took.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < AT_MOST, "in {AT_MOST:?} it did not come true that {what}");
        sleep(Duration::from_millis(5)).await;
    }
    println!("{what}: after {:?}", began.elapsed());
}

async fn put(admin: &Client, component: &[u8]) -> String {
    let headers = [("content-type", "application/wasm")];
    let pushed = admin.send(Method::PUT, "/admin/plugins/emr-video-call", &headers, component.to_vec()).await.unwrap();
    assert!(pushed.status.is_success(), "{}", pushed.json());
    pushed.json()["active"].as_str().unwrap().to_owned()
}

async fn serving(admin: &Client) -> Option<String> {
    let ready: Value = admin.get("/readyz?details").await.unwrap().json();
    ready["details"]["plugins"]["emr-video-call"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_on_one_node_holds_on_the_other_within_a_second() {
    let start = || Cluster::shared().map(|cluster| (cluster, cluster.create_database()));
    let Some((cluster, url)) = tokio::task::spawn_blocking(start).await.unwrap() else { return };
    let place = tempfile::tempdir().unwrap();
    let nodes = nodes(2, cluster, &url, place.path()).await;
    for node in &nodes {
        node.start().await;
    }
    let Doors { admin: one, .. } = nodes[0].doors().unwrap();
    let Doors { admin: two, public } = nodes[1].doors().unwrap();

    let first = put(&one, guests::emr_video_call()).await;
    until("a plugin that is new serves", async || serving(&two).await.as_ref() == Some(&first)).await;
    let second = put(&one, &guests::variant(guests::emr_video_call(), "second")).await;
    assert_ne!(first, second);
    until("another version serves", async || serving(&two).await.as_ref() == Some(&second)).await;
    let back = two.json(Method::POST, "/admin/plugins/emr-video-call/rollback", &json!({})).await.unwrap();
    assert!(back.status.is_success(), "{}", back.json());
    until("what the other rolled back to serves", async || serving(&one).await.as_ref() == Some(&first)).await;

    let source = json!({ "slug": "emr", "name": "EMR", "verification": { "type": "standard_webhooks" }, "plugin": "emr-video-call" });
    let made = one.json(Method::POST, "/admin/sources", &source).await.unwrap();
    assert!(made.status.is_success(), "{}", made.json());
    let post =
        async || public.send(Method::POST, "/webhooks/emr/video-call-completed", &[], "{}").await.unwrap().status;
    until("a source that is new refuses what is not signed", async || post().await == StatusCode::UNAUTHORIZED).await;
    let gone =
        one.send(Method::DELETE, &format!("/admin/sources/{}", made.json()["id"].as_str().unwrap()), &[], "").await;
    assert!(gone.unwrap().status.is_success());
    until("a source that is deleted is not found", async || post().await == StatusCode::NOT_FOUND).await;

    let key = json!({ "name": "me", "scopes": ["admin"] });
    let made = one.json(Method::POST, "/admin/keys", &key).await.unwrap();
    assert!(made.status.is_success(), "{}", made.json());
    let list = async || two.get("/admin/sources").await.unwrap().status;
    until("the first key closes the door", async || list().await == StatusCode::UNAUTHORIZED).await;
    for node in &nodes {
        node.kill().await;
    }
    cluster.drop_database(&url);
}
