//! Handshakes, as partners make them.

use super::{SECRET, connect, get, post, send, text};
use crate::harness::Gateway;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const ZOOM: &str = r#"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;

/// A signature without the time that it is made over.
fn wrong() -> [(String, String); 1] {
    [("x-zm-signature".to_owned(), format!("v0={}", "0".repeat(64)))]
}

fn code(answer: &hookwright::client::Answer) -> Value {
    answer.json()["code"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn zoom_is_answered_unless_it_signed_wrongly_and_no_message_is_made() {
    let gateway = Gateway::builder().without_plugins().start().await;
    connect(&gateway, "zoom", json!({})).await;
    let answer = post(&gateway, "zoom", ZOOM).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["plainToken"], "qgg8vlvZRS6UYooatFL8Aw");
    assert_eq!(answer.json()["encryptedToken"].as_str().map(str::len), Some(64));
    for (name, value) in
        [("content-type", "application/json"), ("x-content-type-options", "nosniff"), ("cache-control", "no-store")]
    {
        assert_eq!(answer.header(name), Some(value));
    }
    let unsigned = send(&gateway, Method::POST, "/webhooks/zoom", &[], ZOOM).await;
    assert_eq!((unsigned.status, unsigned.json()), (StatusCode::OK, answer.json()));
    let wrong = send(&gateway, Method::POST, "/webhooks/zoom", &wrong(), ZOOM).await;
    assert_eq!((wrong.status, code(&wrong)), (StatusCode::UNAUTHORIZED, json!("missing_header")));
    let oracle = ZOOM.replace("qgg8vlvZRS6UYooatFL8Aw", r#"v0:1700000000:{\"event\":\"x\"}"#);
    let refused = post(&gateway, "zoom", &oracle).await;
    assert_eq!((refused.status, code(&refused)), (StatusCode::BAD_REQUEST, json!("handshake_challenge")));
    assert!(gateway.list("/admin/messages").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_is_answered_whatever_methods_messages_have() {
    let gateway = Gateway::builder().without_plugins().start().await;
    connect(&gateway, "redox", json!({ "methods": ["POST"] })).await;
    let answer = get(&gateway, &format!("/webhooks/redox?challenge=2e73f864&verification-token={SECRET}")).await;
    assert_eq!((answer.status, text(&answer).as_str()), (StatusCode::OK, "2e73f864"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let wrong = get(&gateway, "/webhooks/redox?challenge=2e73f864&verification-token=other").await;
    assert_eq!((wrong.status, code(&wrong)), (StatusCode::UNAUTHORIZED, json!("handshake_token")));
    let markup = get(&gateway, &format!("/webhooks/redox?challenge=%3Cb%3E&verification-token={SECRET}")).await;
    assert_eq!((markup.status, code(&markup)), (StatusCode::BAD_REQUEST, json!("handshake_challenge")));
    let no_handshake = get(&gateway, "/webhooks/redox?challenge=2e73f864").await;
    assert_eq!((no_handshake.status, no_handshake.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
    let body = format!(r#"{{"verification-token":"{SECRET}","challenge":"2e73f864"}}"#);
    assert_eq!(text(&send(&gateway, Method::POST, "/webhooks/redox", &[], &body).await), "2e73f864");
    assert!(gateway.list("/admin/messages").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verify_token_is_agreed_or_nothing_is_answered() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let made = connect(&gateway, "meta", json!({ "verify_token": "an-example-token" })).await;
    assert!(!made.to_string().contains("an-example-token"), "{made}");
    let ask = async |token: &str| {
        get(&gateway, &format!("/webhooks/meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"))
            .await
    };
    assert_eq!(text(&ask("an-example-token").await), "1158201444");
    for token in ["", "other", SECRET] {
        assert_eq!(code(&ask(token).await), "handshake_token", "{token}");
    }
    let path = format!("/admin/sources/{}", made["id"].as_str().unwrap());
    // A patch of another member leaves the token as it is; a new one takes its place.
    assert!(gateway.request(Method::PATCH, &path, &json!({ "name": "Meta" })).await.status.is_success());
    assert_eq!(ask("an-example-token").await.status, StatusCode::OK);
    assert!(gateway.request(Method::PATCH, &path, &json!({ "verify_token": "a-new-token" })).await.status.is_success());
    assert_eq!(ask("an-example-token").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask("a-new-token").await.status, StatusCode::OK);
    connect(&gateway, "websub", json!({})).await;
    let nothing_agreed = get(&gateway, "/webhooks/websub?hub.mode=subscribe&hub.challenge=1&hub.verify_token=").await;
    assert_eq!(code(&nothing_agreed), "handshake_no_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_x_gets_as_an_answer_is_no_signature_of_a_message() {
    let gateway = Gateway::builder().without_plugins().start().await;
    connect(&gateway, "x", json!({})).await;
    let answer = get(&gateway, "/webhooks/x?crc_token=true").await;
    let token = answer.json()["response_token"].as_str().unwrap().to_owned();
    let headers = [("x-twitter-webhooks-signature".to_owned(), token)];
    let replayed = send(&gateway, Method::POST, "/webhooks/x", &headers, "true").await;
    assert_eq!((replayed.status, code(&replayed)), (StatusCode::UNAUTHORIZED, json!("body_could_be_a_challenge")));
    let body = "%7B%22for_user_id%22%3A1%7D";
    assert_eq!(code(&get(&gateway, &format!("/webhooks/x?crc_token={body}")).await), "handshake_challenge");
    assert_eq!(post(&gateway, "x", r#"{"for_user_id":"1"}"#).await.status, StatusCode::ACCEPTED);
    assert_eq!(gateway.list("/admin/messages").await.len(), 1);
}

/// What `/metrics` says, without the comments.
async fn measured(gateway: &Gateway) -> Vec<String> {
    let answer = gateway.admin.get("/metrics").await.unwrap();
    text(&answer).lines().filter(|line| line.starts_with("hookwright_source_")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_when_an_address_was_last_checked_and_why_requests_are_refused() {
    let clock = std::sync::Arc::new(hookwright_store::ManualClock::at(1_700_000_000_999));
    let gateway = Gateway::builder().without_plugins().clock(clock.clone()).start().await;
    connect(&gateway, "zoom", json!({})).await;
    connect(&gateway, "redox", json!({})).await;
    post(&gateway, "zoom", ZOOM).await;
    clock.advance(60_000);
    post(&gateway, "zoom", ZOOM).await;
    send(&gateway, Method::POST, "/webhooks/zoom", &wrong(), ZOOM).await;
    get(&gateway, "/webhooks/redox?challenge=secret-challenge&verification-token=secret-token").await;
    post(&gateway, "zoom", r#"{"event":"meeting.ended"}"#).await;
    post(&gateway, "redox", "{}").await;
    send(&gateway, Method::POST, "/webhooks/zoom", &[], "{}").await;
    connect(&gateway, "x", json!({})).await;
    post(&gateway, "x", "true").await;
    let lines = measured(&gateway).await;
    for line in [
        r#"hookwright_source_handshakes_total{source="zoom",handshake="url_validation",result="answered"} 2"#,
        r#"hookwright_source_handshakes_total{source="zoom",handshake="url_validation",result="missing_header"} 1"#,
        r#"hookwright_source_handshakes_total{source="redox",handshake="verify_get",result="handshake_token"} 1"#,
        r#"hookwright_source_handshake_answered_timestamp_seconds{source="zoom",handshake="url_validation"} 1700000060"#,
        r#"hookwright_source_requests_total{source="zoom",result="verified"} 1"#,
        r#"hookwright_source_requests_total{source="zoom",result="missing_header"} 1"#,
        r#"hookwright_source_requests_total{source="redox",result="authenticated"} 1"#,
        r#"hookwright_source_requests_total{source="x",result="body_could_be_a_challenge"} 1"#,
    ] {
        assert!(lines.iter().any(|own| own == line), "{line}\n{lines:#?}");
    }
    assert!(!lines.join("\n").contains("secret-"), "{lines:#?}");
    // Neither an address that nobody has nor a slug of the caller's makes a line.
    get(&gateway, "/webhooks/nobody?crc_token=1").await;
    assert_eq!(measured(&gateway).await.len(), lines.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_secret_is_felt_at_once() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let made = connect(&gateway, "medplum", json!({})).await;
    assert_eq!(post(&gateway, "medplum", r#"{"a":1}"#).await.status, StatusCode::ACCEPTED);
    let path = format!("/admin/sources/{}", made["id"].as_str().unwrap());
    assert!(
        gateway.request(Method::PATCH, &path, &json!({ "secret": "quite-another-secret" })).await.status.is_success()
    );
    assert_eq!(post(&gateway, "medplum", r#"{"a":2}"#).await.status, StatusCode::UNAUTHORIZED);
    assert!(
        gateway
            .request(Method::PATCH, &path, &json!({ "secrets": ["quite-another-secret", SECRET] }))
            .await
            .status
            .is_success()
    );
    assert_eq!(post(&gateway, "medplum", r#"{"a":3}"#).await.status, StatusCode::ACCEPTED);
}
