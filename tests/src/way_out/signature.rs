//! What is on the wire, checked without a line of the gateway's own code.

use crate::harness::{Gateway, Receiver};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwright::sink::{Delivered, Reply};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// HMAC-SHA256 as RFC 2104 writes it down.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |byte: u8| block.map(|b| b ^ byte);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

/// The signature that Standard Webhooks asks for.
fn expected(key: &[u8], delivered: &Delivered) -> String {
    let id = delivered.header("webhook-id").unwrap();
    let timestamp = delivered.header("webhook-timestamp").unwrap();
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &delivered.body].concat();
    format!("v1,{}", STANDARD.encode(hmac(key, &message)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sent_bytes_are_signed_anew_for_each_attempt_under_the_event_s_id() {
    let gateway = super::hasty().start().await;
    let mut receiver = Receiver::start().await;
    receiver.answer(|delivered| match delivered.number {
        1 => Reply::status(StatusCode::INTERNAL_SERVER_ERROR),
        _ => Reply::status(StatusCode::NO_CONTENT),
    });
    let subscribed = gateway.subscribe(&receiver.url("/hooks?a=b"), &["order.placed"], json!({})).await;
    let published = gateway.publish("order.placed", json!({ "order_id": "ord_1", "total": 1.50 })).await;
    let (first, second) = (receiver.next().await, receiver.next().await);
    for delivered in [&first, &second] {
        assert_eq!(delivered.header("webhook-signature"), Some(expected(subscribed.secret.key(), delivered).as_str()));
        assert_eq!(delivered.header("webhook-id"), published["id"].as_str());
        let seconds: i64 = delivered.header("webhook-timestamp").unwrap().parse().unwrap();
        assert!((delivered.at_ms.div_euclid(1000) - seconds).abs() <= 5, "the time of the attempt");
        assert_eq!((delivered.method.as_str(), delivered.path.as_str()), ("POST", "/hooks?a=b"));
        assert_eq!(delivered.header("content-type"), Some("application/json"));
        assert!(delivered.header("user-agent").unwrap().starts_with("Hookwright/"));
    }
    assert_eq!(first.body, second.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envelope_holds_the_data_as_it_was_published() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    // Key order, the number's spelling and the escapes are the publisher's.
    let data = r#"{"z":1.50,"a":"caf\u00e9","nested":{"b":[1,2.0,null]}}"#;
    let body = format!(r#"{{"type":"order.placed","data":{data}}}"#);
    let headers = [("content-type", "application/json")];
    let answer = gateway.admin.send(http::Method::POST, "/admin/events", &headers, body.into_bytes()).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let delivered = receiver.next().await;
    let envelope = delivered.json();
    let expected = format!(
        r#"{{"id":"{}","type":"order.placed","created_at":"{}","data":{data},"metadata":{{"api_version":"1.0","webhook_subscription_id":"{}"}}}}"#,
        answer.json()["id"].as_str().unwrap(),
        envelope["created_at"].as_str().unwrap(),
        subscribed.id,
    );
    assert_eq!(String::from_utf8_lossy(&delivered.body), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn own_headers_are_sent_and_not_shown_and_the_gateway_s_cannot_be_replaced() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let mut receiver = Receiver::start().await;
    let headers = json!({ "authorization": "Bearer quite-secret", "x-tenant": "clinic-7" });
    gateway.subscribe(&receiver.url("/"), &["*"], json!({ "headers": headers })).await;
    gateway.publish("order.placed", json!({ "order_id": "ord_1" })).await;
    let delivered = receiver.next().await;
    assert_eq!(delivered.header("authorization"), Some("Bearer quite-secret"));
    assert_eq!(delivered.header("x-tenant"), Some("clinic-7"));
    let delivery = super::settled(&gateway, "delivered").await;
    let attempt = &delivery["attempt_list"][0];
    let shown = |name: &str| -> Option<&str> {
        let headers = attempt["request_headers"].as_array().unwrap();
        headers.iter().find(|header| header[0] == name).and_then(|header| header[1].as_str())
    };
    assert_eq!(shown("webhook-id"), delivered.header("webhook-id"));
    assert_eq!(shown("webhook-timestamp"), delivered.header("webhook-timestamp"));
    assert_eq!(shown("authorization"), Some("[redacted]"));
    assert_eq!(shown("webhook-signature"), Some("[redacted]"));
    assert!(!delivery.to_string().contains("quite-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_on_record_as_far_as_it_may_be() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let receiver = Receiver::start().await;
    receiver.answer(|_| Reply {
        headers: [("x-request-id", "req_1"), ("set-cookie", "session=secret")].map(owned).to_vec(),
        body: "x".repeat(20_000).into(),
        ..Reply::status(StatusCode::OK)
    });
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = super::settled(&gateway, "delivered").await;
    let attempt = &delivery["attempt_list"][0];
    assert_eq!(attempt["response_code"], 200);
    assert_eq!(attempt["response_truncated"], true);
    assert_eq!(attempt["response_body"].as_str().unwrap().len(), 16 * 1024);
    let headers = attempt["response_headers"].to_string();
    assert!(headers.contains("req_1") && !headers.contains("session"), "{headers}");
    assert_eq!(attempt["error"], Value::Null);
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
