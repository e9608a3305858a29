//! Signed bodies that cannot be taken: each is kept as rejected, and the partner hears what is wrong, and where.

use super::{assert_problem, only_message};
use crate::harness::{Gateway, video_call};
use serde_json::json;

async fn refuse(body: &[u8], code: &str, pointer: &str) {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let answer = emr.post_as(&gateway, "video-call-completed", "msg_1", body).await;
    assert_problem(&answer, 422, code);
    let problem = answer.json();
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    let message = only_message(&gateway).await;
    assert_eq!((message["status"].as_str(), &message["id"]), (Some("rejected"), &problem["message_id"]));
    assert_eq!(message["reason"]["code"], code);
    assert!(gateway.list("/admin/establishments").await.is_empty());
    // It had no effect, so the same id may come again, mended.
    let mended = video_call("cus_xyz", "appt_1").to_string();
    let answer = emr.post_as(&gateway, "video-call-completed", "msg_1", mended.as_bytes()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["duplicate"].as_bool()), (200, Some(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json() {
    refuse(b"event=video_call", "malformed", "byte 0").await;
    refuse(b"{\"event\":\"video_call.completed\"", "malformed", "/event").await;
    refuse(b"{\"event\":1} trailing", "malformed", "byte 12").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_utf8() {
    refuse(b"{\"event\":\"video_call\xff\"}", "malformed", "/event").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_too_deeply() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let answer = emr.post_as(&gateway, "video-call-completed", "msg_1", deep.as_bytes()).await;
    assert_problem(&answer, 422, "malformed");
    assert_eq!(only_message(&gateway).await["status"], "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_a_key_twice() {
    let twice = br#"{"event":"video_call.completed","patient_external_id":"cus_a","patient_external_id":"cus_b"}"#;
    refuse(twice, "malformed", "/patient_external_id").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_plugin_does_not_understand() {
    let mut call = video_call("cus_xyz", "appt_1");
    call["event"] = json!("video_call.dropped");
    refuse(call.to_string().as_bytes(), "unsupported", "/event").await;
    let mut call = video_call("cus_xyz", "appt_1");
    call["completed_at"] = json!("last Tuesday");
    refuse(call.to_string().as_bytes(), "malformed", "/completed_at").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_no_customer_can_have() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("../../etc", "appt_1")).await;
    assert_problem(&answer, 422, "malformed");
    assert!(!answer.json().to_string().contains("etc"), "{}", answer.json());
}
