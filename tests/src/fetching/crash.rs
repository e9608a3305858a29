//! The process is killed while the partner is being asked.

use super::partner::Partner;
use super::{encounter, notification};
use crate::harness::gateway::secret_of;
use crate::harness::guests;
use crate::harness::patience::eventually;
use crate::harness::server::Server;
use hookwright::clock::SystemClock;
use hookwright_core::signature::sign_v1;
use hookwright_store::Clock;
use http::Method;
use serde_json::{Value, json};
use std::path::Path;

async fn started(directory: &Path) -> Server {
    let directory = directory.to_owned();
    tokio::task::spawn_blocking(move || Server::start(&directory)).await.unwrap()
}

async fn make(server: &Server, path: &str, body: &Value) -> Value {
    let answer = server.admin.json(Method::POST, path, body).await.unwrap();
    assert!(answer.status.is_success(), "{path}: {}", answer.json());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_answer_and_the_partners_word_asks_once_more() {
    // The first question is never answered.
    let partner = Partner::start(|before, _| (before > 0).then(|| encounter("e1", "cus_xyz"))).await;
    let place = tempfile::tempdir().unwrap();
    let server = started(place.path()).await;
    let wasm = [("content-type", "application/wasm")];
    let pushed = server.admin.send(Method::PUT, "/admin/plugins/fhir", &wasm, guests::fhir().to_vec()).await.unwrap();
    assert!(pushed.status.is_success(), "{}", pushed.json());
    let customer = json!({ "type": "customer.created", "data": { "customer_id": "cus_xyz", "address": {
        "line1": "1 Main St", "city": "Austin", "state": "TX", "postal_code": "78701", "country": "US" }}});
    make(&server, "/admin/events", &customer).await;
    let fetch = json!({ "base_url": partner.url("/fhir/"), "timeout_ms": 60_000 });
    let source = json!({ "slug": "ehr", "plugin": "fhir", "fetch": fetch });
    let secret = secret_of(&make(&server, "/admin/sources", &source).await);
    let body = notification(1, "Encounter/e1").to_string();
    let now_secs = SystemClock.now_ms().div_euclid(1000);
    let signature = sign_v1(&[secret], "msg_1", now_secs, body.as_bytes());
    let stamp = now_secs.to_string();
    let headers = [
        ("webhook-id", "msg_1"),
        ("webhook-timestamp", stamp.as_str()),
        ("webhook-signature", signature.as_str()),
        ("content-type", "application/fhir+json"),
    ];
    let answer = server.public.send(Method::POST, "/webhooks/ehr/notify", &headers, body).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.json()["status"].as_str()), (202, Some("fetching")));
    eventually("the partner is asked", async || (partner.asked().len() == 1).then_some(())).await;
    server.kill();
    let server = started(place.path()).await;
    let path = format!("/admin/messages/{}", answer.json()["message_id"].as_str().unwrap());
    eventually("the message is processed", async || {
        let message = server.admin.get(&path).await.unwrap().json();
        (message["status"] == "processed").then_some(())
    })
    .await;
    assert_eq!(partner.asked().len(), 2);
    let events = server.admin.get("/admin/events?type=compliance.establishment_fulfilled").await.unwrap().json();
    assert_eq!(events["data"].as_array().unwrap().len(), 1, "{events}");
}
