//! Failures, and what follows from them.

use super::{ask, attempts, hasty, numbered, settled, settled_of};
use crate::harness::{Receiver, eventually};
use hookwright::clock::SystemClock;
use hookwright::sink::Reply;
use hookwright_store::Clock;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_status_is_the_last_one() {
    let gateway = hasty().set("delivery.permanent_statuses", "404").start().await;
    for (options, status, expected, reason) in [
        (json!({}), 404, numbered(&["404"]), "permanent_status"),
        (json!({}), 422, numbered(&["422", "422"]), "retries_exhausted"),
        (json!({ "permanent_statuses": [422] }), 422, numbered(&["422"]), "permanent_status"),
        (json!({ "permanent_statuses": [422] }), 404, numbered(&["404", "404"]), "retries_exhausted"),
    ] {
        let receiver = Receiver::start().await;
        receiver.status(StatusCode::from_u16(status).unwrap());
        let mut fields = json!({ "max_retries": 1 });
        fields.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], fields).await;
        gateway.publish("order.placed", json!({})).await;
        let list = format!("/admin/deliveries?subscription_id={}", subscribed.id);
        let delivery = settled_of(&gateway, &list, "failed").await;
        assert_eq!((attempts(&delivery), delivery["reason"].as_str()), (expected, Some(reason)), "{status} {options}");
        let path = format!("/admin/subscriptions/{}", subscribed.id);
        assert_eq!(gateway.read(&path).await["active"], true);
        gateway.request(Method::DELETE, &path, &Value::Null).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_too_old_is_not_tried_again_unless_an_operator_asks() {
    let gateway = hasty().set("delivery.schedule", "2m").start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({ "max_age_seconds": 60 })).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = settled(&gateway, "failed").await;
    assert_eq!((attempts(&delivery), &delivery["reason"]), (numbered(&["500"]), &json!("expired")));
    ask(&gateway, &format!("/admin/deliveries/{}/retry", delivery["id"].as_str().unwrap())).await;
    let asked = eventually("the operator's attempt is on record", async || {
        let delivery = settled(&gateway, "retrying").await;
        (delivery["attempts"] == 2).then_some(delivery)
    })
    .await;
    assert_eq!(attempts(&asked), numbered(&["500", "500"]), "what an operator asks for does not expire");
    gateway.request(Method::DELETE, &format!("/admin/subscriptions/{}", subscribed.id), &Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_too_long_is_ended_without_an_attempt() {
    let clock = Arc::new(Shifted::default());
    let gateway = hasty().clock(Arc::clone(&clock) as Arc<dyn Clock>).start().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({ "max_age_seconds": 60 })).await;
    let path = format!("/admin/subscriptions/{}", subscribed.id);
    ask(&gateway, &format!("{path}/pause")).await;
    // Paused, it gets nothing new; what it has is what came before.
    ask(&gateway, &format!("{path}/resume")).await;
    receiver.answer(|_| Reply { delay: std::time::Duration::from_secs(1), ..Reply::status(StatusCode::OK) });
    gateway.request(Method::PATCH, &path, &json!({ "max_in_flight": 1 })).await;
    gateway.publish("order.placed", json!({ "n": 1 })).await;
    gateway.publish("order.placed", json!({ "n": 2 })).await;
    receiver.next().await;
    clock.forward(61_000);
    let expired = settled_of(&gateway, "/admin/deliveries?status=failed", "failed").await;
    assert_eq!((attempts(&expired), &expired["reason"]), (numbered(&[]), &json!("expired")));
    // Asked for by an operator, it is tried all the same.
    receiver.status(StatusCode::OK);
    ask(&gateway, &format!("/admin/deliveries/{}/retry", expired["id"].as_str().unwrap())).await;
    assert_eq!(receiver.next().await.json()["data"]["n"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_made_smaller_is_not_overdrawn() {
    let gateway = hasty().set("delivery.schedule", "1s").start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({ "max_retries": 5 })).await;
    gateway.publish("order.placed", json!({})).await;
    settled(&gateway, "retrying").await;
    let path = format!("/admin/subscriptions/{}", subscribed.id);
    let answer = gateway.request(Method::PATCH, &path, &json!({ "max_retries": 0 })).await;
    assert_eq!(answer.status, StatusCode::OK);
    let delivery = settled(&gateway, "failed").await;
    assert_eq!((attempts(&delivery), &delivery["reason"]), (numbered(&["500"]), &json!("retries_exhausted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_method_is_the_subscription_s() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/a"), &["*"], json!({ "method": "PUT" })).await;
    gateway.publish("order.placed", json!({})).await;
    let delivered = receiver.next().await;
    assert_eq!((delivered.method.as_str(), delivered.path.as_str()), ("PUT", "/a"));
    assert!(subscribed.verifies(&delivered));
}

/// The system's clock, some time on.
#[derive(Default)]
struct Shifted(AtomicI64);

impl Shifted {
    fn forward(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.0.load(Ordering::SeqCst)
    }
}
