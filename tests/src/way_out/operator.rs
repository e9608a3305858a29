//! What operators do to deliveries under way.

use super::{ask, attempts, hasty, numbered, settled};
use crate::harness::{Receiver, eventually};
use hookwright::sink::Reply;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_has_a_fresh_budget_and_keeps_the_history() {
    let gateway = hasty().start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    gateway.subscribe(&receiver.url("/"), &["*"], json!({ "max_retries": 1 })).await;
    gateway.publish("order.placed", json!({})).await;
    let failed = settled(&gateway, "failed").await;
    assert_eq!(attempts(&failed), numbered(&["500", "500"]));
    let retry = format!("/admin/deliveries/{}/retry", failed["id"].as_str().unwrap());
    ask(&gateway, &retry).await;
    let again = eventually("the fresh budget is spent", async || {
        let delivery = settled(&gateway, "failed").await;
        (delivery["attempts"] == 4).then_some(delivery)
    })
    .await;
    assert_eq!(attempts(&again), numbered(&["500", "500", "500", "500"]));
    receiver.status(StatusCode::OK);
    ask(&gateway, &retry).await;
    let delivered = settled(&gateway, "delivered").await;
    assert_eq!(attempts(&delivered), numbered(&["500", "500", "500", "500", "200"]));
    assert_eq!(delivered["reason"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_time_is_sent_at_once_when_asked_for() {
    let gateway = hasty().set("delivery.schedule", "1h").start().await;
    let receiver = Receiver::start().await;
    receiver.answer(|delivered| match delivered.number {
        1 => Reply::status(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Reply::status(StatusCode::OK),
    });
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let waiting = settled(&gateway, "retrying").await;
    ask(&gateway, &format!("/admin/deliveries/{}/retry", waiting["id"].as_str().unwrap())).await;
    assert_eq!(attempts(&settled(&gateway, "delivered").await), numbered(&["500", "200"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_nothing_is_attempted_and_resumed_everything_comes() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    // The first answer takes its time, so that the others are still waiting when the pause comes.
    receiver.answer(|delivered| Reply {
        delay: Duration::from_millis(if delivered.number == 1 { 300 } else { 0 }),
        ..Reply::status(StatusCode::OK)
    });
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({ "max_in_flight": 1 })).await;
    for number in 0..5 {
        gateway.publish("order.placed", json!({ "number": number })).await;
    }
    let first = receiver.next().await;
    let path = format!("/admin/subscriptions/{}", subscribed.id);
    ask(&gateway, &format!("{path}/pause")).await;
    eventually("what was under way is delivered", async || {
        (gateway.list("/admin/deliveries?status=delivered").await.len() == 1).then_some(())
    })
    .await;
    assert_eq!(gateway.list("/admin/deliveries?status=pending").await.len(), 4);
    ask(&gateway, &format!("{path}/resume")).await;
    let mut numbers = vec![first.json()["data"]["number"].as_u64().unwrap()];
    for _ in 0..4 {
        numbers.push(receiver.next().await.json()["data"]["number"].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    eventually("all are delivered, each by one attempt", async || {
        let rows = gateway.list("/admin/deliveries").await;
        rows.iter().all(|row| row["status"] == "delivered" && row["attempts"] == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_its_deliveries_end_with_that_reason() {
    let gateway = hasty().set("delivery.schedule", "1h").start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    settled(&gateway, "retrying").await;
    let answer =
        gateway.request(Method::DELETE, &format!("/admin/subscriptions/{}", subscribed.id), &json!(null)).await;
    assert!(answer.status.is_success(), "{}", answer.json());
    let delivery = settled(&gateway, "failed").await;
    assert_eq!((attempts(&delivery), &delivery["reason"]), (numbered(&["500"]), &json!("subscription_deleted")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_address_is_used_from_the_next_attempt_on() {
    let gateway = hasty().set("delivery.schedule", "1s").start().await;
    let (mut old, mut new) = (Receiver::start().await, Receiver::start().await);
    old.status(StatusCode::INTERNAL_SERVER_ERROR);
    let subscribed = gateway.subscribe(&old.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let first = old.next().await;
    let path = format!("/admin/subscriptions/{}", subscribed.id);
    let answer = gateway.request(Method::PATCH, &path, &json!({ "url": new.url("/new") })).await;
    assert!(answer.status.is_success(), "{}", answer.json());
    let second = new.next().await;
    assert_eq!(second.header("webhook-id"), first.header("webhook-id"));
}
