//! The way out, over HTTP: what subscribers receive, and which records exist afterwards.

mod fan_out;
mod hostile;
mod isolation;
mod operator;
mod restart;
mod retries;
mod signature;
mod transform;

use crate::harness::gateway::Builder;
use crate::harness::{Gateway, eventually};
use http::Method;
use serde_json::Value;

/// A gateway without plugins whose retries are a matter of milliseconds.
fn hasty() -> Builder {
    Gateway::builder().without_plugins().set("delivery.schedule", "50ms, 100ms, 100ms")
}

/// The one delivery of a gateway, as soon as it has this status.
async fn settled(gateway: &Gateway, status: &str) -> Value {
    settled_of(gateway, "/admin/deliveries", status).await
}

/// The one delivery of a list, as soon as it has this status.
async fn settled_of(gateway: &Gateway, list: &str, status: &str) -> Value {
    let id = eventually(&format!("one delivery of {list} is {status}"), async || {
        let rows = gateway.list(list).await;
        assert!(rows.len() <= 1, "{rows:?}");
        rows.iter().find(|row| row["status"] == status).map(|row| row["id"].as_str().unwrap().to_owned())
    })
    .await;
    gateway.read(&format!("/admin/deliveries/{id}")).await
}

/// Asks for something that takes no body; panics if the gateway refuses.
async fn ask(gateway: &Gateway, path: &str) {
    let answer = gateway.admin.send(Method::POST, path, &[], Vec::new()).await.unwrap();
    assert!(answer.status.is_success(), "POST {path}: {} {}", answer.status, answer.json());
}

/// What each attempt came to: its number, and its status or kind of error.
fn attempts(delivery: &Value) -> Vec<(u64, String)> {
    let attempts = delivery["attempt_list"].as_array().unwrap();
    let came_to = |attempt: &Value| match attempt["error"]["kind"].as_str() {
        Some(kind) => kind.to_owned(),
        None => attempt["response_code"].to_string(),
    };
    attempts.iter().map(|attempt| (attempt["number"].as_u64().unwrap(), came_to(attempt))).collect()
}

/// The same, as a test writes it down.
fn numbered(came_to: &[&str]) -> Vec<(u64, String)> {
    (1..).zip(came_to.iter().map(|what| (*what).to_owned())).collect()
}
