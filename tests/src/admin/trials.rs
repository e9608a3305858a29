//! `POST …/{id}/test`: one event for one subscription, by the way that every event goes.

use super::{bare, holder, problem, send};
use crate::harness::{Receiver, eventually};
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_test_reaches_its_subscription_alone_signed_and_on_record() {
    let gateway = bare().await;
    let (mut receiver, mut other) = (Receiver::start().await, Receiver::start().await);
    let tested = gateway.subscribe(&receiver.url("/"), &["customer.*"], json!({})).await;
    let wants_all = gateway.subscribe(&other.url("/"), &["*"], json!({})).await;
    let path = format!("/admin/subscriptions/{}/test", tested.id);
    let answer = gateway.admin.send(Method::POST, &path, &[], "").await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json());
    let sent = answer.json();
    let delivered = receiver.next().await;
    assert!(tested.verifies(&delivered));
    assert_eq!(delivered.header("webhook-id"), sent["event_id"].as_str());
    assert_eq!(delivered.json()["type"], "webhook.test");
    assert_eq!(delivered.json()["data"]["subscription_id"], tested.id);
    let delivery = format!("/admin/deliveries/{}", sent["delivery_id"].as_str().unwrap());
    let record = eventually("the delivery is on record", async || {
        Some(gateway.read(&delivery).await).filter(|record| record["status"] == "delivered")
    })
    .await;
    assert_eq!((&record["event_id"], &record["attempts"]), (&sent["event_id"], &json!(1)));

    let told = gateway.read(&format!("/admin/events/{}/explain", sent["event_id"].as_str().unwrap())).await;
    let reason = |id: &str| {
        let rows = told["subscriptions"].as_array().unwrap();
        let row = rows.iter().find(|row| row["subscription_id"] == id).unwrap();
        (row["received"].as_bool().unwrap(), row["reason"].as_str().unwrap().to_owned())
    };
    assert_eq!(reason(&tested.id), (true, "addressed".to_owned()));
    assert_eq!(reason(&wants_all.id), (false, "addressed_to_another".to_owned()));
    // What comes to the other one first is what was published for it.
    gateway.publish("order.placed", json!({})).await;
    assert_eq!(other.next().await.json()["type"], "order.placed");
    let audit = gateway.list("/admin/audit").await;
    let entry = audit.iter().find(|entry| entry["action"] == "subscription.tested").unwrap();
    assert_eq!(entry["target"], tested.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_retried_as_its_subscription_says() {
    let gateway = crate::harness::Gateway::builder().without_plugins().set("delivery.schedule", "50ms").start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    let subscribed = gateway.subscribe(&receiver.url("/"), &["order.*"], json!({ "max_retries": 1 })).await;
    let sent = gateway.make(&format!("/admin/subscriptions/{}/test", subscribed.id), &json!({})).await;
    let delivery = format!("/admin/deliveries/{}", sent["delivery_id"].as_str().unwrap());
    let record = eventually("the delivery failed", async || {
        Some(gateway.read(&delivery).await).filter(|record| record["status"] == "failed")
    })
    .await;
    assert_eq!((&record["attempts"], &record["reason"]), (&json!(2), &json!("retries_exhausted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_made_once_under_one_key_and_only_where_it_can_arrive() {
    let gateway = bare().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["order.*"], json!({})).await;
    let path = format!("/admin/subscriptions/{}", subscribed.id);
    let test = format!("{path}/test");
    let key = [("idempotency-key", "t1")];
    let first = send(&gateway.admin, Method::POST, &test, &key, &json!({})).await;
    receiver.next().await;
    gateway.make(&format!("{path}/pause"), &json!({})).await;
    let again = send(&gateway.admin, Method::POST, &test, &key, &json!({})).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(gateway.list("/admin/events").await.len(), 1);
    let paused = gateway.request(Method::POST, &test, &json!({})).await;
    assert_eq!(problem(&paused), (409, "subscription_inactive".to_owned()));
    let unknown = gateway.request(Method::POST, "/admin/subscriptions/sub_0000000000001/test", &json!({})).await;
    assert_eq!(problem(&unknown).0, 404);
    let body = gateway.request(Method::POST, &test, &json!({ "type": "order.placed" })).await;
    assert_eq!(problem(&body), (422, "invalid".to_owned()));
    let published =
        gateway.request(Method::POST, "/admin/events", &json!({ "type": "webhook.test", "data": {} })).await;
    assert_eq!(problem(&published), (422, "invalid".to_owned()));

    gateway.make(&format!("{path}/resume"), &json!({})).await;
    let admin = holder(&gateway.admin, &["admin"]).await;
    let (operator, reader) = (holder(&admin, &["operate"]).await, holder(&admin, &["read", "publish"]).await);
    assert_eq!(problem(&reader.json(Method::POST, &test, &json!({})).await.unwrap()).0, 403);
    assert_eq!(operator.json(Method::POST, &test, &json!({})).await.unwrap().status, StatusCode::ACCEPTED);
}
