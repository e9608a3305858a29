//! `Idempotency-Key`: the same request twice has one effect and one answer.

use super::{bare, pointers, problem, send, subscription};
use crate::harness::{Gateway, Receiver, eventually, video_call};
use hookwright::client::Answer;
use http::{Method, StatusCode};
use serde_json::{Value, json};

async fn post(gateway: &Gateway, path: &str, key: &str, body: &Value) -> Answer {
    send(&gateway.admin, Method::POST, path, &[("idempotency-key", key)], body).await
}

/// Makes a request twice and checks that the second answer is the first one, marked.
async fn twice(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    let first = post(gateway, path, "k1", body).await;
    assert!(first.status.is_success(), "{path}: {}", first.json());
    assert_eq!(first.header("idempotency-replayed"), None);
    let second = post(gateway, path, "k1", body).await;
    assert_eq!((second.status, second.json()), (first.status, first.json()), "{path}");
    assert_eq!(second.header("idempotency-replayed"), Some("true"), "{path}");
    for name in ["location", "etag", "content-type"] {
        assert_eq!(second.header(name), first.header(name), "{path} {name}");
    }
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_twice_under_one_key_is_there_once() {
    let gateway = bare().await;
    let made = twice(&gateway, "/admin/subscriptions", &subscription()).await;
    assert!(made.json()["secret"].as_str().unwrap().starts_with("whsec_"), "the repeat shows the secret, too");
    twice(&gateway, "/admin/sources", &json!({ "slug": "emr", "plugin": "p" })).await;
    assert_eq!(gateway.list("/admin/subscriptions").await.len(), 1);
    assert_eq!(gateway.list("/admin/sources").await.len(), 1);

    let other = json!({ "slug": "other", "plugin": "p" });
    let answer = post(&gateway, "/admin/sources", "k1", &other).await;
    assert_eq!(problem(&answer), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(pointers(&answer), ["Idempotency-Key"]);
    assert_eq!(gateway.list("/admin/sources").await.len(), 1);

    let id = made.json()["id"].as_str().unwrap().to_owned();
    twice(&gateway, &format!("/admin/subscriptions/{id}/pause"), &json!({})).await;
    assert_eq!(gateway.read(&format!("/admin/subscriptions/{id}")).await["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_twice_under_one_key_is_published_once() {
    let gateway = bare().await;
    let one = json!({ "type": "order.placed", "data": { "n": 1 } });
    twice(&gateway, "/admin/events", &one).await;
    assert_eq!(gateway.list("/admin/events").await.len(), 1);
    assert_eq!(problem(&post(&gateway, "/admin/events", "k1", &json!([one])).await).1, "idempotency_key_reused");

    let keyed = |n: u32| json!({ "type": "order.placed", "data": { "n": n }, "idempotency_key": "e1" });
    let first = gateway.make("/admin/events", &keyed(1)).await;
    let again = gateway.make("/admin/events", &json!([keyed(1), { "type": "order.paid", "data": {} }])).await;
    assert_eq!((first["duplicate"].clone(), again["data"][0]["duplicate"].clone()), (json!(false), json!(true)));
    assert_eq!(again["data"][0]["id"], first["id"]);
    let clash = gateway.request(Method::POST, "/admin/events", &json!([{ "type": "a", "data": {} }, keyed(2)])).await;
    assert_eq!(
        (problem(&clash).1.as_str(), pointers(&clash)),
        ("idempotency_key_reused", vec!["/1/idempotency_key".to_owned()])
    );
    assert_eq!(gateway.list("/admin/events").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_under_one_key_is_one_retry() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    gateway.subscribe(&receiver.url("/"), &["*"], json!({ "retry_policy": "none" })).await;
    gateway.publish("order.placed", json!({})).await;
    let failed = async |attempts: u64| {
        eventually("the delivery failed", async || {
            let rows = gateway.list("/admin/deliveries?status=failed").await;
            rows.first().filter(|row| row["attempts"] == attempts).cloned()
        })
        .await
    };
    let delivery = failed(1).await;
    let path = format!("/admin/deliveries/{}/retry", delivery["id"].as_str().unwrap());
    let first = post(&gateway, &path, "k1", &json!({})).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    failed(2).await;
    let second = post(&gateway, &path, "k1", &json!({})).await;
    assert_eq!((second.json(), second.header("idempotency-replayed")), (first.json(), Some("true")));
    assert_eq!(
        gateway.list("/admin/audit").await.iter().filter(|entry| entry["action"] == "delivery.retried").count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_taken_up_once_under_one_key() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_conflict", "TX", "87501").await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_conflict", "appt_1")).await;
    let message = answer.json()["message_id"].as_str().unwrap().to_owned();
    let path = format!("/admin/messages/{message}/reprocess");
    let texas = json!({ "region": "US-TX" });
    let first = twice(&gateway, &path, &texas).await;
    assert_eq!((&first.json()["status"], &first.json()["id"]), (&json!("processed"), &json!(message)));
    assert_eq!(gateway.list("/admin/events?type=compliance.establishment_fulfilled").await.len(), 1);
    assert_eq!(problem(&post(&gateway, &path, "k1", &json!({})).await).1, "idempotency_key_reused");
    assert_eq!(problem(&post(&gateway, &path, "k2", &texas).await), (409, "already_processed".to_owned()));
}
