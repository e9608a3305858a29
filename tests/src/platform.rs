//! The plugin platform under traffic: what goes wrong with a version, and what the gateway makes of it.

mod breaker;
mod canary;
mod policy;
mod shadow;

use crate::harness::{Gateway, eventually, guests, video_call};
use hookwright::client::Answer;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// A gateway with the plugin `acme`, whose first version reads video calls, and an open source that names it.
async fn acme() -> Gateway {
    let gateway = Gateway::builder().without_plugins().set("plugins.inbound_deadline", "500ms").start().await;
    gateway.push("acme", guests::emr_video_call()).await;
    gateway.source_open("acme", json!({ "verification": { "type": "none" }, "plugin": "acme" })).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    gateway
}

/// Posts a video call to a hook; the unruly version does what the hook says, the sound one reads the call.
async fn post(gateway: &Gateway, hook: &str, appointment: &str) -> Answer {
    let body = serde_json::to_vec(&video_call("cus_xyz", appointment)).unwrap();
    gateway.public.send(Method::POST, &format!("/webhooks/acme/{hook}"), &[], body).await.unwrap()
}

/// Pushes a version that is kept and does not serve; gives its digest.
async fn keep(gateway: &Gateway, component: &[u8]) -> String {
    let headers = [("content-type", "application/wasm")];
    let path = "/admin/plugins/acme?activate=false";
    let answer = gateway.admin.send(Method::PUT, path, &headers, component.to_vec()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    digest(component)
}

fn digest(component: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(component))
}

async fn active(gateway: &Gateway) -> Value {
    gateway.read("/admin/plugins/acme").await["active"].clone()
}

/// The messages on record, the oldest first.
async fn messages(gateway: &Gateway) -> Vec<Value> {
    let mut messages = gateway.list("/admin/messages?limit=200").await;
    messages.reverse();
    messages
}

/// Waits until every message is processed.
async fn all_processed(gateway: &Gateway, count: usize) -> Vec<Value> {
    eventually("every message is processed", async || {
        let messages = messages(gateway).await;
        let done = messages.iter().filter(|message| message["status"] == "processed").count();
        (done == count && messages.len() == count).then_some(messages)
    })
    .await
}

/// Waits until the audit has an action, and gives its newest entry.
async fn audited(gateway: &Gateway, action: &str) -> Value {
    eventually(action, async || {
        gateway.list("/admin/audit?limit=200").await.into_iter().find(|entry| entry["action"] == action)
    })
    .await
}
