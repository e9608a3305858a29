//! Retention through a running gateway: what is old goes at the next look, what is pending stays, and operators see it.

use crate::harness::{Gateway, Receiver, eventually};
use hookwright_store::{Clock, ManualClock};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;
const START_MS: i64 = 1_767_565_800_000;

async fn row(gateway: &Gateway, kind: &str) -> Value {
    let rows = gateway.list("/admin/retention").await;
    rows.into_iter().find(|row| row["kind"] == kind).unwrap()
}

async fn status(gateway: &Gateway, path: &str) -> StatusCode {
    gateway.admin.get(path).await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_goes_and_what_is_pending_stays() {
    let clock = Arc::new(ManualClock::at(START_MS));
    let builder = Gateway::builder().without_plugins().clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let gateway = builder.set("retention.audit", "forever").start().await;
    let receiver = Receiver::start().await;
    gateway.subscribe(&receiver.url("/"), &["order.placed"], json!({})).await;
    let refusing = Receiver::start().await;
    refusing.status(StatusCode::INTERNAL_SERVER_ERROR);
    gateway.subscribe(&refusing.url("/"), &["order.paid"], json!({})).await;
    let done = gateway.publish("order.placed", json!({ "order_id": "ord_1" })).await;
    let stuck = gateway.publish("order.paid", json!({ "order_id": "ord_1" })).await;
    eventually("one is delivered, the other waits", async || {
        let delivered = gateway.list("/admin/deliveries?status=delivered").await;
        let waits = gateway.list("/admin/deliveries?status=retrying").await;
        (delivered.len() == 1 && waits.len() == 1).then_some(())
    })
    .await;
    let delivery = gateway.list("/admin/deliveries?status=delivered").await[0]["id"].as_str().unwrap().to_owned();
    let events = row(&gateway, "events").await;
    assert_eq!((&events["keep"], &events["to_go"], &events["last_run"]), (&json!("30d"), &json!(0), &Value::Null));
    assert_eq!(events["oldest_at"], "2026-01-04T22:30:00Z");
    assert_eq!(row(&gateway, "audit").await["keep"], "forever");

    // What is pending is not due before the clock moves, and is paused so that it does not end meanwhile.
    let subscriptions = gateway.list("/admin/subscriptions").await;
    for subscription in subscriptions {
        gateway.make(&format!("/admin/subscriptions/{}/pause", subscription["id"].as_str().unwrap()), &json!({})).await;
    }
    let gateway = gateway.restart_after(|| clock.advance(31 * DAY_MS)).await;
    let gone = format!("/admin/events/{}", done["id"].as_str().unwrap());
    eventually("the old event is gone", async || {
        (status(&gateway, &gone).await == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    assert_eq!(status(&gateway, &format!("/admin/deliveries/{delivery}")).await, StatusCode::NOT_FOUND);
    let kept = gateway.read(&format!("/admin/events/{}", stuck["id"].as_str().unwrap())).await;
    assert_eq!(kept["id"], stuck["id"]);
    let run = eventually("the run has ended", async || {
        let run = row(&gateway, "events").await["last_run"].clone();
        (run["state"] == "finished").then_some(run)
    })
    .await;
    assert_eq!((&run["removed"], &run["rows"]), (&json!(1), &json!(3)));
    let told = eventually("the audit tells of it", async || {
        let entries = gateway.list("/admin/audit").await;
        entries.into_iter().find(|entry| entry["action"] == "retention.removed" && entry["target"] == "events")
    })
    .await;
    assert!(told["detail"].as_str().unwrap().starts_with("records=1 before="), "{told}");
    let metrics = gateway.admin.get("/metrics").await.unwrap();
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(text.contains("hookwright_retention_removed_total{kind=\"events\"} 1\n"), "{text}");
    assert!(text.contains("hookwright_plugin_") && text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
}
