//! Deliveries that a plugin reshapes.

use super::{ask, attempts, numbered, settled};
use crate::harness::gateway::Builder;
use crate::harness::{Gateway, Receiver};
use http::StatusCode;
use serde_json::{Value, json};

fn hasty() -> Builder {
    Gateway::builder().set("delivery.schedule", "50ms")
}

fn bound(settings: &Value, on_error: &str) -> Value {
    json!({ "transform": { "plugin": "klaviyo-profile", "settings": settings, "on_error": on_error }, "max_retries": 2 })
}

fn order() -> Value {
    json!({ "order_id": "ord_1", "customer_id": "cus_xyz", "customer": { "id": "cus_xyz", "email": "ada@example.com" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reshaped_bytes_are_what_is_signed_and_sent() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    let subscribed =
        gateway.subscribe(&receiver.url("/"), &["*"], bound(&json!({ "revision": "2026-01-15" }), "retry")).await;
    let published = gateway.publish("order.placed", order()).await;
    let delivered = receiver.next().await;
    assert!(subscribed.verifies(&delivered));
    assert_eq!(delivered.header("webhook-id"), published["id"].as_str());
    assert_eq!(delivered.header("revision"), Some("2026-01-15"));
    assert_eq!(delivered.json()["data"]["attributes"]["unique_id"], published["id"]);
    let delivery = settled(&gateway, "delivered").await;
    let digest = delivery["attempt_list"][0]["plugin_digest"].as_str().unwrap();
    assert_eq!(digest.len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_plugin_skips_is_on_record_with_its_reason() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    gateway.subscribe(&receiver.url("/"), &["*"], bound(&json!({}), "retry")).await;
    gateway.publish("lab.result_ready", json!({})).await;
    let delivery = settled(&gateway, "failed").await;
    assert_eq!(delivery["reason"], "skipped_by_plugin");
    assert_eq!(attempts(&delivery), numbered(&["skipped_by_plugin"]));
    let attempt = &delivery["attempt_list"][0];
    assert!(attempt["error"]["detail"].as_str().is_some_and(|reason| !reason.is_empty()), "{attempt}");
    assert_eq!(attempt["plugin_digest"].as_str().map(str::len), Some(64));
    assert!(attempt["response_code"].is_null());
    gateway.publish("order.placed", order()).await;
    assert_eq!(receiver.next().await.header("content-type"), Some("application/json"));
}

/// Settings that make the plugin fail.
fn wrong() -> Value {
    json!({ "revision": 7 })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_policy_leaves_the_record_it_promises() {
    // The plugin calls wrong settings a permanent fault: to try them again would not make them right.
    let once = || numbered(&["plugin_fault_permanent"]);
    for (on_error, expected, reason) in [
        ("retry", once(), "plugin_fault_permanent"),
        ("dead_letter", once(), "dead_letter"),
        ("skip", once(), "skipped_on_plugin_error"),
    ] {
        let gateway = hasty().start().await;
        let mut receiver = Receiver::start().await;
        let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], bound(&wrong(), on_error)).await;
        gateway.publish("order.placed", order()).await;
        let delivery = settled(&gateway, "failed").await;
        assert_eq!((attempts(&delivery), &delivery["reason"]), (expected, &json!(reason)), "{on_error}");
        let attempt = &delivery["attempt_list"][0];
        assert_eq!(attempt["response_code"], Value::Null);
        assert!(attempt["error"]["detail"].as_str().unwrap().contains("settings"), "{attempt}");
        // Nothing was sent: with settings that fit, the retry is the first request that comes.
        let path = format!("/admin/subscriptions/{}", subscribed.id);
        let right = json!({ "transform": { "settings": { "revision": "2024-10-15" } } });
        assert_eq!(gateway.request(http::Method::PATCH, &path, &right).await.status, StatusCode::OK);
        ask(&gateway, &format!("/admin/deliveries/{}/retry", delivery["id"].as_str().unwrap())).await;
        assert_eq!(receiver.next().await.header("revision"), Some("2024-10-15"));
        settled(&gateway, "delivered").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passed_through_the_envelope_is_sent_and_the_failure_is_on_record() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], bound(&wrong(), "pass_through")).await;
    gateway.publish("order.placed", order()).await;
    let delivered = receiver.next().await;
    assert!(subscribed.verifies(&delivered));
    assert_eq!((&delivered.json()["type"], &delivered.json()["data"]), (&json!("order.placed"), &order()));
    let delivery = settled(&gateway, "delivered").await;
    assert_eq!(attempts(&delivery), numbered(&["200"]));
    assert!(delivery["attempt_list"][0]["logs"].to_string().contains("plugin_fault_permanent"), "{delivery}");
}
