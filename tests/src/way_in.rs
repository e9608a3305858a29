//! The way in, over HTTP: what partners send, good and bad, and what becomes of it.

mod bounds;
mod doors;
mod framing;
mod plugins;
mod privacy;
mod repeats;
mod resumption;
mod signature;
mod soundness;
mod wire;

use crate::harness::Gateway;
use hookwright::client::Answer;
use http::Method;
use serde_json::Value;

/// Posts to a path of the public listener with these headers.
async fn post(gateway: &Gateway, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    gateway.public.send(Method::POST, path, headers, body.to_vec()).await.unwrap()
}

/// The one message on record.
async fn only_message(gateway: &Gateway) -> Value {
    let messages = gateway.list("/admin/messages").await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    messages[0].clone()
}

/// Fails unless the answer is a problem of this status and code, which names the request.
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!((body["status"].as_u64(), body["type"].as_str()), (Some(u64::from(status)), Some("about:blank")));
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"));
}
