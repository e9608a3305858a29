//! What is kept goes on by itself: when the customer appears, when a better plugin goes live, when an operator decides; and establishments end by themselves.

use super::only_message;
use crate::harness::{Gateway, eventually, guests, video_call};
use hookwright_store::ManualClock;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

const NOW: i64 = 1_767_571_200_000;
const DAY_MS: i64 = 86_400_000;

async fn until_status(gateway: &Gateway, id: &str, status: &str) -> Value {
    eventually(status, async || {
        let message = gateway.read(&format!("/admin/messages/{id}")).await;
        (message["status"] == status).then_some(message)
    })
    .await
}

fn id_of(answer: &Value) -> String {
    answer["message_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_for_its_customer_over_a_restart() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_late", "appt_1")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["reason"]["code"], "customer_unknown");
    assert_eq!(only_message(&gateway).await["waiting_for"], "cus_late");
    let gateway = gateway.restart().await;
    gateway.customer("cus_late", "TX", "78701").await;
    let message = until_status(&gateway, &id_of(&answer.json()), "processed").await;
    assert_eq!(message["events"].as_array().map(Vec::len), Some(1));
    assert_eq!(gateway.list("/admin/establishments?customer_id=cus_late").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_wait_for_one_customer_all_go_on() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    for number in 0..150 {
        let answer =
            emr.post(&gateway, "video-call-completed", &video_call("cus_late", &format!("appt_{number}"))).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    gateway.customer("cus_late", "TX", "78701").await;
    eventually("none waits", async || gateway.list("/admin/messages?status=waiting").await.is_empty().then_some(()))
        .await;
    assert_eq!(gateway.list("/admin/establishments").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_plugin_could_not_read_is_read_when_a_better_one_goes_live() {
    let gateway = Gateway::start().await;
    gateway.push("clinic", guests::unruly()).await;
    let emr = gateway.source_with("emr", json!({ "plugin": "clinic" })).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let answer = emr.post(&gateway, "trap", &video_call("cus_xyz", "appt_1")).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (StatusCode::ACCEPTED, Some("quarantined")));
    let gateway = gateway.restart().await;
    let id = id_of(&answer.json());
    assert_eq!(
        gateway.read(&format!("/admin/messages/{id}")).await["status"],
        "quarantined",
        "the same version fails again"
    );
    gateway.push("clinic", guests::emr_video_call()).await;
    let message = until_status(&gateway, &id, "processed").await;
    assert_ne!(message["plugin_digest"], answer.json()["plugin_digest"]);
    assert_eq!(gateway.list("/admin/establishments").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_its_plugin_is_read_when_there_is_one() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["reason"]["code"], "plugin_missing");
    // Meanwhile the partner sends it once more, under another id.
    gateway.push("emr-video-call", guests::emr_video_call()).await;
    until_status(&gateway, &id_of(&answer.json()), "processed").await;
    let again = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await.json();
    assert_eq!((again["duplicate"].as_bool(), id_of(&again)), (Some(true), id_of(&answer.json())));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_goes_on_with_an_operators_region() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "10001").await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (StatusCode::ACCEPTED, Some("held")));
    assert_eq!(answer.json()["reason"]["code"], "region_conflict");
    let path = format!("/admin/messages/{}/reprocess", id_of(&answer.json()));
    let reprocessed = gateway.request(Method::POST, &path, &json!({ "region": "US-TX" })).await;
    assert_eq!((reprocessed.status, reprocessed.json()["status"].as_str()), (StatusCode::OK, Some("processed")));
    assert_eq!(gateway.list("/admin/establishments").await[0]["region"], "US-TX");
    let again = gateway.request(Method::POST, &path, &json!({ "region": "US-NY" })).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_establishment_ends_when_its_time_is_up_over_a_restart() {
    let clock = Arc::new(ManualClock::at(NOW));
    let gateway = Gateway::builder().clock(clock.clone()).start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    let expired = "/admin/events?type=compliance.establishment_expired";
    assert!(gateway.list(expired).await.is_empty());
    clock.advance(400 * DAY_MS);
    let gateway = gateway.restart().await;
    eventually("the establishment expires", async || (gateway.list(expired).await.len() == 1).then_some(())).await;
    assert_eq!(gateway.list("/admin/establishments").await[0]["established"], false);
    let gateway = gateway.restart().await;
    assert_eq!(gateway.list(expired).await.len(), 1, "and only once");
}
