//! Signatures in the ways of other senders: set, kept, changed, on the wire and on record.

use super::{bare, pointers, problem, subscription};
use crate::harness::{Receiver, eventually};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

const SECRET: &str = "It's a Secret to Everybody";

fn github(secret: Option<&str>) -> Value {
    let mut entry = json!({ "header": "X-Hub-Signature-256", "template": "sha256={sha256_hex}" });
    if let Some(secret) = secret {
        entry["secret"] = json!(secret);
    }
    entry
}

fn with(entries: Value) -> Value {
    let mut body = subscription();
    body["legacy_signatures"] = entries;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn their_secrets_are_kept_and_never_shown() {
    let gateway = bare().await;
    let made = gateway.make("/admin/subscriptions", &with(json!([github(Some(SECRET))]))).await;
    assert!(!made.to_string().contains(SECRET), "it came from the caller, who has it");
    let path = format!("/admin/subscriptions/{}", made["id"].as_str().unwrap());
    let shown = json!([{
        "header": "x-hub-signature-256", "template": "sha256={sha256_hex}", "content": "body", "secret_hint": "…body",
    }]);
    let gateway = gateway.restart().await;
    assert_eq!(gateway.read(&path).await["legacy_signatures"], shown);
    // A change that does not speak of them leaves them as they are, and one that does keeps what it does not name.
    let renamed = gateway.request(Method::PATCH, &path, &json!({ "name": "Other" })).await.json();
    assert_eq!(renamed["legacy_signatures"], shown);
    let put = gateway.request(Method::PUT, &path, &with(json!([github(None)]))).await.json();
    assert_eq!(put["legacy_signatures"], shown);
    let mut letting_go = github(None);
    letting_go["secret"] = Value::Null;
    let put = gateway.request(Method::PUT, &path, &with(json!([letting_go]))).await.json();
    assert_eq!(put["legacy_signatures"][0].get("secret_hint"), None);
    let none = gateway.request(Method::PATCH, &path, &json!({ "legacy_signatures": null })).await.json();
    assert_eq!(none["legacy_signatures"], json!([]));
    assert!(!gateway.read("/admin/audit").await.to_string().contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn svix_s_headers_are_made_with_the_subscription_s_own_secret_and_redacted() {
    let gateway = bare().await;
    let mut receiver = Receiver::start().await;
    let svix = json!([
        { "header": "svix-id", "template": "{id}" },
        { "header": "svix-timestamp", "template": "{timestamp}" },
        { "header": "svix-signature", "template": "v1,{sha256_base64}", "content": "id.timestamp.body" },
        github(Some(SECRET)),
    ]);
    gateway.subscribe(&receiver.url("/"), &["*"], json!({ "legacy_signatures": svix })).await;
    gateway.publish("order.placed", json!({ "n": 1 })).await;
    let delivered = receiver.next().await;
    for name in ["id", "timestamp", "signature"] {
        let (theirs, ours) = (format!("svix-{name}"), format!("webhook-{name}"));
        assert_eq!(delivered.header(&theirs), delivered.header(&ours), "{name}");
    }
    let digest = delivered.header("x-hub-signature-256").unwrap().strip_prefix("sha256=").unwrap();
    assert_eq!(hex::decode(digest).unwrap().len(), 32);
    let id = eventually("the delivery is on record", async || {
        let rows = gateway.list("/admin/deliveries?status=delivered").await;
        rows.first().map(|row| row["id"].as_str().unwrap().to_owned())
    })
    .await;
    let record = gateway.read(&format!("/admin/deliveries/{id}")).await;
    let headers = record["attempt_list"][0]["request_headers"].as_array().unwrap().clone();
    let shown = |name: &str| headers.iter().find(|header| header[0] == name).map(|header| header[1].clone());
    for name in ["svix-signature", "x-hub-signature-256"] {
        assert_eq!(shown(name), Some(json!("[redacted]")), "{name}");
    }
    assert_eq!(shown("svix-id"), shown("webhook-id"));
    assert!(!record.to_string().contains(digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_signed_is_refused() {
    let gateway = bare().await;
    let refused = async |body: Value| {
        let answer = gateway.request(Method::POST, "/admin/subscriptions", &body).await;
        assert_eq!(problem(&answer), (422, "invalid".to_owned()));
        pointers(&answer)
    };
    let entry = |header: &str| json!({ "header": header, "template": "{sha256_hex}", "secret": SECRET });
    assert_eq!(refused(with(json!([entry("webhook-id")]))).await, ["/legacy_signatures/0/header"]);
    assert_eq!(refused(with(json!([entry("x-a"), entry("X-A")]))).await, ["/legacy_signatures/1/header"]);
    let mut taken = with(json!([entry("x-a")]));
    taken["headers"] = json!({ "X-A": "1" });
    assert_eq!(refused(taken).await, ["/legacy_signatures/0/header"]);
    let seed = format!("whsk_{}", STANDARD.encode([1; 32]));
    let mut asymmetric = with(json!([github(None)]));
    asymmetric["secret"] = json!(seed);
    assert_eq!(refused(asymmetric).await, ["/legacy_signatures/0/secret"]);

    let made = gateway.make("/admin/subscriptions", &with(json!([github(None)]))).await;
    let path = format!("/admin/subscriptions/{}", made["id"].as_str().unwrap());
    let rotation = json!({ "type": "ed25519" });
    let answer = gateway.request(Method::POST, &format!("{path}/rotate-secret"), &rotation).await;
    assert_eq!((problem(&answer).0, pointers(&answer)), (422, vec!["/legacy_signatures/0/secret".to_owned()]));
    let own = gateway.request(Method::PATCH, &path, &json!({ "legacy_signatures": [github(Some(SECRET))] })).await;
    assert_eq!(own.status, StatusCode::OK);
    gateway.make(&format!("{path}/rotate-secret"), &rotation).await;
}
