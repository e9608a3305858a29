//! What an end and a new start do to deliveries.

use super::{attempts, hasty, numbered, settled};
use crate::harness::{Receiver, eventually};
use hookwright::sink::Reply;
use http::StatusCode;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_was_due_later_is_made_after_the_restart() {
    let gateway = hasty().set("delivery.schedule", "2s").start().await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({ "order_id": "ord_1" })).await;
    settled(&gateway, "retrying").await;
    receiver.status(StatusCode::OK);
    let gateway = gateway.restart().await;
    let delivery = settled(&gateway, "delivered").await;
    assert_eq!(attempts(&delivery), numbered(&["500", "200"]), "the attempts go on counting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_larger_than_the_window_is_delivered_whole_after_a_restart() {
    const EVENTS: usize = 5_000;
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({ "max_in_flight": 32 })).await;
    receiver.answer(|_| Reply { delay: Duration::from_mins(1), ..Reply::status(StatusCode::OK) });
    let events: Vec<_> = (0..EVENTS).map(|n| json!({ "type": "order.placed", "data": { "n": n } })).collect();
    for events in events.chunks(100) {
        gateway.make("/admin/events", &json!(events)).await;
    }
    let gateway = gateway.restart().await;
    receiver.answer(|_| Reply::status(StatusCode::OK));
    let mut seen = BTreeSet::new();
    while seen.len() < EVENTS {
        seen.insert(receiver.next().await.json()["data"]["n"].as_u64().unwrap());
    }
    eventually("all are delivered", async || {
        let path = format!("/admin/deliveries?subscription_id={}&limit=1", subscribed.id);
        let left = ["pending", "retrying"].map(|status| format!("{path}&status={status}"));
        let (pending, retrying) = (gateway.list(&left[0]).await, gateway.list(&left[1]).await);
        (pending.is_empty() && retrying.is_empty()).then_some(())
    })
    .await;
    assert!(gateway.list("/admin/deliveries?status=failed").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_waits_for_what_is_under_way() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    receiver.answer(|_| Reply { delay: Duration::from_millis(500), ..Reply::status(StatusCode::OK) });
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    receiver.next().await;
    let gateway = gateway.restart().await;
    let delivery = settled(&gateway, "delivered").await;
    assert_eq!(attempts(&delivery), numbered(&["200"]), "it was not sent again");
}
