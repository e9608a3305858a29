//! Failures one after the other: the version is put into quarantine, the last good one comes back, and nothing is lost.

use super::{acme, active, all_processed, audited, digest, messages, post};
use crate::harness::{Gateway, Receiver, eventually, guests};
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_traps_again_and_again_gives_way_to_the_last_good_one() {
    let gateway = acme().await;
    let mut receiver = Receiver::start().await;
    gateway.subscribe(&receiver.url("/"), &["plugin.*"], json!({})).await;
    gateway.push("acme", guests::unruly()).await;
    let bad = digest(guests::unruly());
    assert_eq!(active(&gateway).await, json!(bad));
    for number in 0..4 {
        assert_eq!(post(&gateway, "trap", &format!("appt_{number}")).await.status, StatusCode::ACCEPTED);
    }
    assert_eq!(active(&gateway).await, json!(bad), "four are not five");
    post(&gateway, "trap", "appt_4").await;

    // What the bad version failed on is read by the good one, in the order in which it came.
    let messages = all_processed(&gateway, 5).await;
    let good = digest(guests::emr_video_call());
    assert!(messages.iter().all(|message| message["plugin_digest"] == json!(good)), "{messages:?}");
    let events = gateway.list("/admin/events?limit=200&type=compliance.establishment_fulfilled").await;
    assert_eq!(events.len(), 5, "every call had its effect once");
    assert_eq!(active(&gateway).await, json!(good));

    let told = receiver.next().await.json();
    assert_eq!(told["type"], "plugin.quarantined");
    assert_eq!((&told["data"]["plugin"], &told["data"]["digest"]), (&json!("acme"), &json!(bad)));
    assert_eq!(told["data"]["serving"], json!(good));
    let entry = audited(&gateway, "plugin.quarantined").await;
    assert_eq!((&entry["actor"], &entry["target"]), (&json!("system"), &json!("acme")));
    let version = gateway.read(&format!("/admin/plugins/acme/versions/{bad}")).await;
    assert!(version["quarantine"]["reason"].as_str().unwrap().contains("trap"), "{version}");
    let history = gateway.list("/admin/plugins/acme/history").await;
    assert_eq!((&history[0]["cause"], &history[0]["digest"]), (&json!("quarantine"), &json!(good)));
    assert!(metrics(&gateway).await.contains("hookwright_plugin_quarantines_total{plugin=\"acme\"} 1"));
}

async fn metrics(gateway: &Gateway) -> String {
    let answer = gateway.admin.get("/metrics").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_between_failures_begins_the_count_anew() {
    let gateway = acme().await;
    gateway.push("acme", guests::unruly()).await;
    for _ in 0..3 {
        for number in 0..4 {
            post(&gateway, "trap", &format!("appt_{number}")).await;
        }
        assert_eq!(post(&gateway, "fine", "appt_9").await.status, StatusCode::OK);
    }
    assert_eq!(active(&gateway).await, json!(digest(guests::unruly())));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_to_go_back_to_messages_wait_for_a_version_that_reads_them() {
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("acme", guests::unruly()).await;
    gateway.source_open("acme", json!({ "verification": { "type": "none" }, "plugin": "acme" })).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    for number in 0..5 {
        post(&gateway, "trap", &format!("appt_{number}")).await;
    }
    eventually("no version serves", async || active(&gateway).await.is_null().then_some(())).await;
    let told = post(&gateway, "trap", "appt_5").await.json();
    assert_eq!(told["reason"]["code"], "plugin_missing");
    gateway.push("acme", guests::emr_video_call()).await;
    all_processed(&gateway, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timeouts_count_like_traps_and_the_limit_is_the_plugin_s_own() {
    let gateway = acme().await;
    gateway.push("acme", guests::unruly()).await;
    let policy = json!({ "policy": { "failures_max": 2 } });
    let answer = gateway.request(Method::PATCH, "/admin/plugins/acme", &policy).await;
    assert_eq!((answer.status, &answer.json()["policy"]["failures_max"]), (StatusCode::OK, &json!(2)));
    for number in 0..2 {
        post(&gateway, "loop", &format!("appt_{number}")).await;
    }
    all_processed(&gateway, 2).await;
    assert_eq!(active(&gateway).await, json!(digest(guests::emr_video_call())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantine_outlives_a_restart_and_its_event_is_published_once() {
    let gateway = acme().await;
    gateway.push("acme", guests::unruly()).await;
    for number in 0..5 {
        post(&gateway, "trap", &format!("appt_{number}")).await;
    }
    all_processed(&gateway, 5).await;
    let events = async |gateway: &Gateway| gateway.list("/admin/events?type=plugin.quarantined").await.len();
    eventually("the event is published", async || (events(&gateway).await == 1).then_some(())).await;
    let gateway = gateway.restart().await;
    assert_eq!(active(&gateway).await, json!(digest(guests::emr_video_call())));
    let quarantined = digest(guests::unruly());
    let refused = json!({ "digest": quarantined });
    let answer = gateway.request(Method::POST, "/admin/plugins/acme/activate", &refused).await;
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::CONFLICT, &json!("version_quarantined")));
    assert_eq!(events(&gateway).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_left_alone_where_the_plugin_s_policy_says_so() {
    let gateway = acme().await;
    gateway.push("acme", guests::unruly()).await;
    let policy = json!({ "policy": { "reprocess": false } });
    assert_eq!(gateway.request(Method::PATCH, "/admin/plugins/acme", &policy).await.status, StatusCode::OK);
    for number in 0..5 {
        post(&gateway, "trap", &format!("appt_{number}")).await;
    }
    eventually("the good version serves", async || {
        (active(&gateway).await == json!(digest(guests::emr_video_call()))).then_some(())
    })
    .await;
    // First a look at what would come of it, without any effect.
    let tried = gateway.make("/admin/plugins/acme/try", &json!({ "quarantined": true })).await;
    assert_eq!((&tried["tried"], &tried["fails"]), (&json!(5), &json!(0)), "{tried}");
    assert!(tried["results"].as_array().unwrap().iter().all(|trial| trial["now"]["outcome"] == "accepted"));
    let statuses: Vec<Value> = messages(&gateway).await.iter().map(|message| message["status"].clone()).collect();
    assert!(statuses.iter().all(|status| status == "quarantined"), "{statuses:?}");
    let asked = gateway.make("/admin/plugins/acme/reprocess", &json!({})).await;
    assert_eq!(asked["messages"], 5);
    all_processed(&gateway, 5).await;
}
