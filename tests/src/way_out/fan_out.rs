//! Who gets what, and that nobody waits for anybody else.

use super::{hasty, settled_of};
use crate::harness::{Gateway, Receiver, eventually};
use hookwright::sink::Reply;
use http::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_wants_is_kept_and_delivered_to_nobody() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let published = gateway.publish("order.placed", json!({ "order_id": "ord_1" })).await;
    assert_eq!(published["deliveries"], json!(0));
    assert_eq!(gateway.list("/admin/events").await.len(), 1);
    assert!(gateway.list("/admin/deliveries").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_types_prefixes_and_everything() {
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    for (path, patterns) in
        [("/exact", vec!["order.placed"]), ("/prefix", vec!["order.*", "order.placed"]), ("/all", vec!["*"])]
    {
        gateway.subscribe(&receiver.url(path), &patterns, json!({})).await;
    }
    let mut expected = Vec::new();
    for (event_type, paths) in [
        ("order.placed", ["/all", "/exact", "/prefix"].as_slice()),
        ("order.line.added", &["/all", "/prefix"]),
        ("orders.placed", &["/all"]),
    ] {
        let published = gateway.publish(event_type, json!({})).await;
        assert_eq!(published["deliveries"], paths.len(), "{event_type}");
        expected.extend(paths.iter().map(|path| format!("{event_type} {path}")));
    }
    let mut came = Vec::new();
    for _ in 0..expected.len() {
        let delivered = receiver.next().await;
        came.push(format!("{} {}", delivered.json()["type"].as_str().unwrap(), delivered.path));
    }
    came.sort_unstable();
    expected.sort_unstable();
    assert_eq!(came, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_hangs_delays_no_other() {
    let gateway = hasty().start().await;
    let (slow, mut well) = (Receiver::start().await, Receiver::start().await);
    slow.answer(|_| Reply { delay: Duration::from_secs(20), ..Reply::status(StatusCode::OK) });
    gateway.subscribe(&slow.url("/"), &["*"], json!({ "max_in_flight": 64 })).await;
    gateway.subscribe(&well.url("/"), &["*"], json!({})).await;
    let begun = Instant::now();
    for number in 0..200 {
        gateway.publish("order.placed", json!({ "number": number })).await;
    }
    for _ in 0..200 {
        well.next().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_under_way_at_once_than_the_subscription_says() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let gateway = hasty().start().await;
    let mut receiver = Receiver::start().await;
    let (begun, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, highest) = (Arc::clone(&begun), Arc::clone(&most));
    // An answer takes 50 ms; how many came within one such span is at least how many were under way together.
    receiver.answer(move |_| {
        let now = seen.fetch_add(1, Ordering::SeqCst) + 1;
        highest.fetch_max(now, Ordering::SeqCst);
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(40)).await;
            seen.fetch_sub(1, Ordering::SeqCst);
        });
        Reply { delay: Duration::from_millis(50), ..Reply::status(StatusCode::OK) }
    });
    gateway.subscribe(&receiver.url("/"), &["*"], json!({ "max_in_flight": 3 })).await;
    for number in 0..20 {
        gateway.publish("order.placed", json!({ "number": number })).await;
    }
    for _ in 0..20 {
        receiver.next().await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_s_deliveries_end_each_by_themselves() {
    let gateway = hasty().start().await;
    let (well, ill) = (Receiver::start().await, Receiver::start().await);
    ill.status(StatusCode::INTERNAL_SERVER_ERROR);
    let good = gateway.subscribe(&well.url("/"), &["*"], json!({})).await;
    let bad = gateway.subscribe(&ill.url("/"), &["*"], json!({ "max_retries": 1 })).await;
    gateway.publish("order.placed", json!({})).await;
    let of = |id: &str| format!("/admin/deliveries?subscription_id={id}");
    settled_of(&gateway, &of(&good.id), "delivered").await;
    settled_of(&gateway, &of(&bad.id), "failed").await;
    eventually("both are on record", async || (gateway.list("/admin/deliveries").await.len() == 2).then_some(())).await;
}
