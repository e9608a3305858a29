//! Plugins that trap, loop, hoard, flood and talk nonsense: the message is kept, the gateway goes on.

use super::{assert_problem, only_message, post};
use crate::harness::{Gateway, guests, video_call};
use http::{Method, StatusCode};
use serde_json::{Value, json};

async fn unruly(fields: Value) -> Gateway {
    let gateway = Gateway::builder().set("plugins.inbound_deadline", "200ms").start().await;
    gateway.push("unruly", guests::unruly()).await;
    let mut source = json!({ "verification": { "type": "none" }, "plugin": "unruly" });
    source.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    gateway.source_open("open", source).await;
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_plugin_does_the_message_is_quarantined() {
    let gateway = unruly(json!({})).await;
    // All of this one after the other would put the version into quarantine.
    let never = json!({ "policy": { "failures_max": 0 } });
    assert_eq!(gateway.request(Method::PATCH, "/admin/plugins/unruly", &never).await.status, StatusCode::OK);
    for (hook, code) in [
        ("trap", "plugin_trap"),
        ("loop", "plugin_timeout"),
        ("allocate", "plugin_out_of_memory"),
        ("flood", "plugin_output_too_large"),
        ("nonsense", "plugin_output"),
        ("not-json", "plugin_output"),
        ("twice", "plugin_output"),
        ("settings", "plugin_settings"),
    ] {
        let answer = post(&gateway, &format!("/webhooks/open/{hook}"), &[], hook.as_bytes()).await;
        let told = answer.json();
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{hook}: {told}");
        assert_eq!((told["status"].as_str(), told["reason"]["code"].as_str()), (Some("quarantined"), Some(code)));
        let message = gateway.read(&format!("/admin/messages/{}", told["message_id"].as_str().unwrap())).await;
        assert_eq!((message["status"].as_str(), message["body"].as_str()), (Some("quarantined"), Some(hook)));
        assert_eq!(message["plugin_digest"].as_str().map(str::len), Some(64));
    }
    assert!(gateway.list("/admin/events").await.is_empty());
    assert_eq!(post(&gateway, "/webhooks/open/fine", &[], b"").await.status, StatusCode::OK, "and it serves on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_may_have_such_messages_rejected() {
    let gateway = unruly(json!({ "on_error": "reject" })).await;
    assert_problem(&post(&gateway, "/webhooks/open/trap", &[], b"x").await, 422, "plugin_trap");
    assert_eq!(only_message(&gateway).await["status"], "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_plugin_does_not_hold_up_other_sources() {
    let gateway = unruly(json!({})).await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let call = video_call("cus_xyz", "appt_1");
    let (looped, called) = tokio::join!(
        post(&gateway, "/webhooks/open/loop", &[], b"x"),
        emr.post(&gateway, "video-call-completed", &call),
    );
    assert_eq!((looped.status, called.status), (StatusCode::ACCEPTED, StatusCode::OK));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_reply_is_the_answer_and_each_time_anew() {
    let gateway = unruly(json!({})).await;
    for challenge in ["abc", "abc", "def"] {
        let path = format!("/webhooks/open/handshake?challenge={challenge}");
        let answer = gateway.public.get(&path).await.unwrap();
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, challenge.as_bytes()));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
    }
    let refused = post(&gateway, "/webhooks/open/nak", &[], b"MSH|").await;
    assert_eq!((refused.status, &*refused.body), (StatusCode::UNPROCESSABLE_ENTITY, &b"MSA|AE"[..]));
    let told = post(&gateway, "/webhooks/open/malformed", &[], b"x").await;
    assert_problem(&told, 422, "malformed");
    assert_eq!(told.json()["errors"][0]["pointer"], "/patient/id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_event_goes_out_as_its_data_was_written() {
    let gateway = unruly(json!({})).await;
    let answer = post(&gateway, "/webhooks/open/event", &[], br#"{ "b": 1.50, "a": [ ] }"#).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (StatusCode::OK, Some("processed")));
    let id = answer.json()["events"][0].as_str().unwrap().to_owned();
    let event = gateway.admin.get(&format!("/admin/events/{id}")).await.unwrap();
    assert!(String::from_utf8_lossy(&event.body).contains(r#"{ "b": 1.50, "a": [ ] }"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_strict_catalogue_a_plugins_own_types_are_quarantined() {
    let gateway = Gateway::builder().set("events.strict", "true").start().await;
    gateway.push("unruly", guests::unruly()).await;
    gateway.source_open("open", json!({ "verification": { "type": "none" }, "plugin": "unruly" })).await;
    let answer = post(&gateway, "/webhooks/open/event", &[], b"{}").await;
    assert_eq!(answer.json()["reason"]["code"], "plugin_output");
    assert!(gateway.list("/admin/events").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_plugins_is_pushed_once_and_what_is_broken_in_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let setting = directory.path().display().to_string();
    std::fs::write(directory.path().join("emr_video_call.wasm"), guests::emr_video_call()).unwrap();
    std::fs::write(directory.path().join("broken.wasm"), b"no component").unwrap();
    let gateway = Gateway::builder().without_plugins().set("plugins.directory", &setting).start().await;
    let details =
        async |gateway: &Gateway| gateway.public.get("/readyz?details").await.unwrap().json()["details"].clone();
    let told = details(&gateway).await;
    assert_eq!(told["plugins"].as_object().map(serde_json::Map::len), Some(1), "{told}");
    assert!(told["plugins"]["emr-video-call"].is_string(), "{told}");
    assert!(told["plugin_troubles"]["broken"].is_string(), "{told}");
    // Another version is pushed by hand; the directory, which holds the one before it, does not undo that.
    gateway.push("emr-video-call", guests::unruly()).await;
    let by_hand = details(&gateway).await["plugins"].clone();
    let gateway = gateway.restart().await;
    assert_eq!(details(&gateway).await["plugins"], by_hand);
}
