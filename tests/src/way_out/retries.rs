//! Failures, and what follows from them.

use super::{ask, attempts, hasty, numbered, settled, settled_of};
use crate::harness::Receiver;
use hookwright::sink::Reply;
use http::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_tried_again_until_it_is_delivered() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    receiver.answer(|delivered| match delivered.number {
        1 => Reply::status(StatusCode::INTERNAL_SERVER_ERROR),
        2 => Reply::status(StatusCode::NOT_FOUND),
        _ => Reply::status(StatusCode::OK),
    });
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = settled(&gateway, "delivered").await;
    assert_eq!(attempts(&delivery), numbered(&["500", "404", "200"]));
    assert_eq!(delivery["attempts"], 3);
    assert_eq!(delivery["response_code"], 200);
    let at = [receiver.next().await.at_ms, receiver.next().await.at_ms, receiver.next().await.at_ms];
    // The schedule says 50 and 100 ms, less a fifth at most.
    assert!(at[1] - at[0] >= 40 && at[2] - at[1] >= 80, "{at:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_is_spent_and_no_more() {
    for (fields, expected) in [
        (json!({ "max_retries": 2 }), numbered(&["500", "500", "500"])),
        (json!({ "max_retries": 0 }), numbered(&["500"])),
        (json!({ "retry_policy": "none", "max_retries": 5 }), numbered(&["500"])),
    ] {
        let gateway = hasty().start().await;
        let receiver = Receiver::start().await;
        receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
        gateway.subscribe(&receiver.url("/"), &["*"], fields).await;
        gateway.publish("order.placed", json!({})).await;
        let delivery = settled(&gateway, "failed").await;
        assert_eq!(attempts(&delivery), expected);
        assert_eq!(delivery["reason"], "retries_exhausted");
        assert_eq!(delivery["next_retry_at"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn between_attempts_it_says_when_the_next_is_due() {
    let gateway = hasty().set("delivery.schedule", "1h").start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::BAD_GATEWAY);
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = settled(&gateway, "retrying").await;
    assert_eq!((&delivery["attempts"], &delivery["response_code"]), (&json!(1), &json!(502)));
    let due = hookwright_core::timestamp::parse_rfc3339(delivery["next_retry_at"].as_str().unwrap()).unwrap();
    let minutes = (due - gateway.now_ms()) / 60_000;
    assert!((47..=72).contains(&minutes), "an hour, a fifth more or less: {minutes} minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let gateway = hasty().start().await;
    let (mut target, receiver) = (Receiver::start().await, Receiver::start().await);
    let location = target.url("/elsewhere");
    receiver.answer(move |_| Reply {
        headers: vec![("location".to_owned(), location.clone())],
        ..Reply::status(StatusCode::TEMPORARY_REDIRECT)
    });
    gateway.subscribe(&receiver.url("/"), &["order.*"], json!({ "retry_policy": "none" })).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = settled(&gateway, "failed").await;
    assert_eq!(attempts(&delivery), numbered(&["307"]));
    // What comes to the target first is what is sent to it directly.
    gateway.subscribe(&target.url("/direct"), &["customer.*"], json!({})).await;
    gateway.publish("customer.seen", json!({})).await;
    assert_eq!(target.next().await.path, "/direct");
}

#[tokio::test(flavor = "multi_thread")]
async fn gone_disables_the_subscription_and_keeps_what_is_pending() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    receiver.status(StatusCode::GONE);
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = settled(&gateway, "failed").await;
    assert_eq!((attempts(&delivery), &delivery["reason"]), (numbered(&["410"]), &json!("gone")));
    receiver.next().await;
    let subscription = gateway.read(&format!("/admin/subscriptions/{}", subscribed.id)).await;
    assert_eq!((&subscription["active"], &subscription["disabled_reason"]), (&json!(false), &json!("gone")));
    let published = gateway.publish("order.paid", json!({})).await;
    assert_eq!(published["deliveries"], 0, "it wants no more");
    // Switched on again, it gets what is new.
    receiver.status(StatusCode::OK);
    ask(&gateway, &format!("/admin/subscriptions/{}/resume", subscribed.id)).await;
    gateway.publish("order.shipped", json!({})).await;
    assert_eq!(receiver.next().await.json()["type"], "order.shipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_postpones_the_attempt() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    receiver.answer(|delivered| match delivered.number {
        1 => Reply {
            headers: vec![("retry-after".to_owned(), "1".to_owned())],
            ..Reply::status(StatusCode::TOO_MANY_REQUESTS)
        },
        _ => Reply::status(StatusCode::OK),
    });
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert!(second.at_ms - first.at_ms >= 990, "{} ms", second.at_ms - first.at_ms);
    let delivery = settled_of(&gateway, "/admin/deliveries", "delivered").await;
    assert_eq!(attempts(&delivery), numbered(&["429", "200"]));
    assert!(delivery["attempt_list"][0]["response_headers"].to_string().contains("retry-after"));
}
