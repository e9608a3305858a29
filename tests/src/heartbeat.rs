//! A source that should be heard of and is not.

use crate::harness::patience::eventually;
use crate::harness::{Gateway, guests, video_call};
use hookwright::clock::SystemClock;
use hookwright_store::{Clock, ManualClock};
use http::Method;
use serde_json::json;
use std::sync::Arc;

async fn silences(gateway: &Gateway) -> usize {
    gateway.list("/admin/events?type=source.silent").await.len()
}

async fn ends(gateway: &Gateway) -> Vec<serde_json::Value> {
    gateway.list("/admin/events?type=source.heard").await
}

/// A source is changed, which makes the gateway look at all.
async fn look(gateway: &Gateway, id: &str) {
    let patch = json!({ "name": "nothing of importance" });
    assert!(gateway.request(Method::PATCH, &format!("/admin/sources/{id}"), &patch).await.status.is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_of_a_silence_once() {
    let clock = Arc::new(ManualClock::at(SystemClock.now_ms()));
    let gateway = Gateway::builder().clock(Arc::<ManualClock>::clone(&clock)).start().await;
    let emr = gateway.source_with("emr", json!({ "heartbeat_seconds": 60 })).await;
    let other = gateway.source("other").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    clock.advance(59_000);
    look(&gateway, &other.id).await;
    clock.advance(2_000);
    look(&gateway, &other.id).await;
    eventually("the silence is told", async || (silences(&gateway).await == 1).then_some(())).await;
    let events = gateway.list("/admin/events?type=source.silent").await;
    let event = gateway.read(&format!("/admin/events/{}", events[0]["id"].as_str().unwrap())).await;
    assert_eq!((&event["data"]["slug"], &event["data"]["source_id"]), (&json!("emr"), &json!(emr.id)));
    assert!(event["data"]["last_heard_at"].is_string(), "{event}");
    // Another look tells nothing new; a message tells that it is over.
    clock.advance(60_000);
    look(&gateway, &other.id).await;
    assert!(ends(&gateway).await.is_empty());
    emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_2")).await;
    look(&gateway, &other.id).await;
    let told = eventually("the end is told", async || ends(&gateway).await.pop()).await;
    let told = gateway.read(&format!("/admin/events/{}", told["id"].as_str().unwrap())).await;
    assert_eq!(
        (&told["data"]["slug"], &told["data"]["silent_since"]),
        (&json!("emr"), &event["data"]["last_heard_at"])
    );
    assert!(told["data"]["heard_at"].is_string(), "{told}");
    assert_eq!(silences(&gateway).await, 1);
    // A restart tells nothing twice, and another silence is told.
    let gateway = gateway.restart().await;
    look(&gateway, &other.id).await;
    clock.advance(61_000);
    look(&gateway, &other.id).await;
    eventually("the second silence is told", async || (silences(&gateway).await == 2).then_some(())).await;
    let gateway = gateway.restart().await;
    look(&gateway, &other.id).await;
    assert_eq!((silences(&gateway).await, ends(&gateway).await.len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_heartbeat_is_a_sign_of_life_though_it_is_like_the_last() {
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("fhir", guests::fhir()).await;
    gateway.source_open("ehr", json!({ "plugin": "fhir", "verification": { "type": "none" } })).await;
    let beat = json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": {
        "resourceType": "SubscriptionStatus", "status": "active", "type": "heartbeat",
        "subscription": { "reference": "Subscription/1" }, "eventsSinceSubscriptionStart": "7",
    }}]});
    for _ in 0..2 {
        let headers = [("content-type", "application/fhir+json")];
        let answer =
            gateway.public.send(Method::POST, "/webhooks/ehr/notify", &headers, beat.to_string()).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.json()["duplicate"]), (200, &json!(false)), "{}", answer.json());
    }
    assert_eq!(gateway.list("/admin/messages?status=ignored").await.len(), 2);
}
