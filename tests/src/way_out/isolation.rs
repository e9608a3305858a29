//! What one subscription does to itself and not to others: order, rate, breaker, and its end when it does nothing but fail.

use super::{ask, attempts, hasty, settled_of};
use crate::harness::{Gateway, Receiver, eventually};
use hookwright::sink::Reply;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Publishes events of one ordering key, numbered from 1.
async fn publish_in_order(gateway: &Gateway, key: &str, count: u64) {
    for number in 1..=count {
        let body = json!({ "type": "order.placed", "data": { "key": key, "number": number }, "ordering_key": key });
        gateway.make("/admin/events", &body).await;
    }
}

fn told(delivered: &hookwright::sink::Delivered) -> (String, u64) {
    let body: Value = serde_json::from_slice(&delivered.body).unwrap();
    (body["data"]["key"].as_str().unwrap().to_owned(), body["data"]["number"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shares_a_key_arrives_in_order_though_attempts_fail() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    receiver.answer(|delivered| match delivered.number % 3 {
        1 => Reply::status(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Reply::status(StatusCode::OK),
    });
    gateway
        .subscribe(
            &receiver.url("/"),
            &["order.*"],
            json!({ "ordering": "key", "max_in_flight": 32, "max_retries": 30 }),
        )
        .await;
    for key in ["a", "b", "c"] {
        publish_in_order(&gateway, key, 8).await;
    }
    let (mut taken, mut count) = (std::collections::HashMap::<String, u64>::new(), 0);
    while count < 24 {
        let delivered = receiver.next().await;
        let (key, number) = told(&delivered);
        let before = taken.entry(key.clone()).or_default();
        assert_eq!(number, *before + 1, "of {key}, {number} came while {before} was the last that was taken");
        if delivered.answered.is_success() {
            *before += 1;
            count += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_fails_too_often_ends_for_an_operator_and_the_line_goes_on() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    receiver.answer(|delivered| match told(delivered).1 {
        1 => Reply::status(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Reply::status(StatusCode::OK),
    });
    let head = json!({ "policy": "dead_letter", "attempts": 2 });
    gateway.subscribe(&receiver.url("/"), &["order.*"], json!({ "ordering": "key", "head_of_line": head })).await;
    publish_in_order(&gateway, "a", 2).await;
    let failed = settled_of(&gateway, "/admin/deliveries?status=failed", "failed").await;
    assert_eq!((&failed["reason"], attempts(&failed).len()), (&json!("dead_letter"), 2));
    settled_of(&gateway, "/admin/deliveries?status=delivered", "delivered").await;
    let order = [receiver.next().await, receiver.next().await, receiver.next().await];
    assert_eq!(order.map(|delivered| told(&delivered).1), [1, 1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_attempts_begin_in_a_second_than_the_rate_allows() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    gateway.subscribe(&receiver.url("/"), &["order.*"], json!({ "rate_per_second": 20, "max_in_flight": 64 })).await;
    let mut others = Receiver::start().await;
    gateway.subscribe(&others.url("/"), &["order.*"], json!({})).await;
    publish_in_order(&gateway, "a", 30).await;
    let mut at = Vec::new();
    for _ in 0..30 {
        at.push(receiver.next().await.at_ms);
    }
    // A tenth of a second's worth may go at once; the rest at the rate: 28 of them take 1.4 s, less what the clock rounds off.
    let took = at.iter().max().unwrap() - at.iter().min().unwrap();
    assert!(took >= 1_300, "30 attempts in {took} ms");
    for _ in 0..30 {
        others.next().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_parks_deliveries_without_an_attempt_until_one_finds_that_all_is_well() {
    let gateway = hasty()
        .set("delivery.breaker.attempts_min", "4")
        .set("delivery.breaker.pause", "600ms")
        .set("delivery.schedule", "50ms")
        .start()
        .await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    let made =
        gateway.subscribe(&receiver.url("/"), &["order.*"], json!({ "max_in_flight": 1, "max_retries": 50 })).await;
    let health = format!("/admin/subscriptions/{}/health", made.id);
    publish_in_order(&gateway, "a", 6).await;
    let open = eventually("its breaker opens", async || {
        let health = gateway.read(&health).await;
        (health["breaker"] == "open").then_some(health)
    })
    .await;
    assert!(open["parked_until"].is_string() && open["failing_since"].is_string(), "{open}");
    let made_so_far = |rows: &[Value]| rows.iter().map(|row| row["attempts"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(made_so_far(&gateway.list("/admin/deliveries").await), 4, "no attempt is spent while it is open");
    let event = gateway.list("/admin/events").await[0]["id"].as_str().unwrap().to_owned();
    let why = gateway.read(&format!("/admin/events/{event}/explain")).await;
    let waits_for = why["subscriptions"][0]["waits_for"].as_str().unwrap_or_default().to_owned();
    assert!(waits_for.starts_with("parked: "), "{why}");
    receiver.status(StatusCode::OK);
    eventually("all six are delivered", async || {
        (gateway.list("/admin/deliveries?status=delivered").await.len() == 6).then_some(())
    })
    .await;
    assert_eq!(gateway.read(&health).await["breaker"], "closed");
    let actions: Vec<Value> =
        gateway.list("/admin/audit").await.into_iter().map(|entry| entry["action"].clone()).collect();
    assert!(
        actions.contains(&json!("subscription.parked")) && actions.contains(&json!("subscription.unparked")),
        "{actions:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_nothing_but_fail_is_told_of_switched_off_and_goes_on_when_switched_on() {
    let gateway = hasty().set("delivery.disable_after", "1s").set("delivery.schedule", "100ms").start().await;
    let (receiver, mut operators) = (Receiver::start().await, Receiver::start().await);
    receiver.status(StatusCode::BAD_GATEWAY);
    let made = gateway.subscribe(&receiver.url("/"), &["order.*"], json!({ "max_retries": 50 })).await;
    gateway.subscribe(&operators.url("/"), &["subscription.*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    for (event_type, field) in
        [("subscription.failing", "will_be_disabled_at"), ("subscription.disabled", "disabled_at")]
    {
        let body: Value = serde_json::from_slice(&operators.next().await.body).unwrap();
        assert_eq!((&body["type"], &body["data"]["reason"]), (&json!(event_type), &json!("failing")));
        assert_eq!(body["data"]["subscription_id"], made.id);
        assert!(body["data"][field].is_string(), "{body}");
    }
    let path = format!("/admin/subscriptions/{}", made.id);
    let off = gateway.read(&path).await;
    assert_eq!((&off["active"], &off["disabled_reason"]), (&json!(false), &json!("failing")));
    receiver.status(StatusCode::OK);
    ask(&gateway, &format!("{path}/resume")).await;
    settled_of(&gateway, &format!("/admin/deliveries?subscription_id={}", made.id), "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_410_is_told_to_operators_once() {
    let gateway = hasty().start().await;
    let (receiver, mut operators) = (Receiver::start().await, Receiver::start().await);
    receiver.status(StatusCode::GONE);
    gateway.subscribe(&receiver.url("/"), &["order.*"], json!({})).await;
    gateway.subscribe(&operators.url("/"), &["subscription.*", "customer.*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let body: Value = serde_json::from_slice(&operators.next().await.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["reason"]), (&json!("subscription.disabled"), &json!("gone")));
    gateway.publish("customer.seen", json!({})).await;
    let body: Value = serde_json::from_slice(&operators.next().await.body).unwrap();
    assert_eq!(body["type"], "customer.seen");
    assert_eq!(
        gateway.request(Method::GET, "/admin/subscriptions/sub_0000000000001/health", &json!(null)).await.status,
        404
    );
}
