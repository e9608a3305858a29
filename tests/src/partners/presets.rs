//! Presets through the API.

use super::{SECRET, connect, get, post};
use crate::harness::Gateway;
use hookwright_core::preset::all;
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn presets_are_listed_and_shown() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let rows = gateway.list("/admin/presets").await;
    assert_eq!(rows.len(), all().len());
    let page = gateway.read("/admin/presets?limit=1&cursor=websub").await;
    assert_eq!((&page["data"][0]["id"], page["next_cursor"].as_str()), (&json!("x"), Some("x")));
    let zoom = gateway.read("/admin/presets/zoom").await;
    assert_eq!((&zoom["status"], &zoom["verification"]["header"]), (&json!("confirmed"), &json!("x-zm-signature")));
    assert_eq!(zoom["handshakes"][0]["name"], "url_validation");
    let none = gateway.request(Method::GET, "/admin/presets/doxy", &json!({})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_is_resolved_when_the_source_is_written() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let made = connect(&gateway, "zoom", json!({})).await;
    assert_eq!((&made["preset"], &made["methods"]), (&json!("zoom"), &json!(["POST"])));
    assert_eq!(made["verification"]["header"], "x-zm-signature");
    assert_eq!(made["handshakes"][0]["name"], "url_validation");
    let path = format!("/admin/sources/{}", made["id"].as_str().unwrap());
    // What is stated stands, and a patch that names another preset leaves nothing of the earlier one.
    let patched = gateway.request(Method::PATCH, &path, &json!({ "methods": ["PUT"] })).await.json();
    assert_eq!((&patched["methods"], &patched["preset"]), (&json!(["PUT"]), &json!("zoom")));
    let patched = gateway.request(Method::PATCH, &path, &json!({ "preset": "github" })).await.json();
    assert_eq!(patched["verification"]["type"], "strongest");
    assert!(patched["verification"].get("header").is_none(), "{patched}");
    assert_eq!((patched.get("handshakes"), &patched["methods"]), (None, &json!(["POST"])));
    assert!(!patched.to_string().contains(SECRET));
    for (body, pointer) in [
        (json!({ "preset": "doxy" }), "/preset"),
        (json!({ "preset": "zoom", "verify_token": "t" }), "/verify_token"),
        (json!({ "preset": "square" }), "/public_url"),
        (
            json!({ "preset": "x", "verification": { "type": "hmac", "header": "S", "signed_content": ["{body_digest:sha256:hex}"] } }),
            "/handshakes",
        ),
    ] {
        let refused = gateway.request(Method::PATCH, &path, &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.json());
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_tells_how_its_sender_is_known_and_by_which_secret() {
    let gateway = Gateway::builder().without_plugins().start().await;
    for (id, told) in [("zoom", "verified"), ("redox", "authenticated")] {
        let made = connect(&gateway, id, json!({ "secret": null, "secrets": ["another-secret", SECRET] })).await;
        assert_eq!(post(&gateway, id, r#"{"a":1}"#).await.status, StatusCode::ACCEPTED);
        let row = &gateway.list(&format!("/admin/messages?source={id}")).await[0];
        let message = gateway.read(&format!("/admin/messages/{}", row["id"].as_str().unwrap())).await;
        assert_eq!(message["authentication"], told, "{id}");
        assert_eq!(message["secret_id"], made["secret_ids"][1], "{id}");
        let kept = message.to_string();
        assert!(!kept.contains(SECRET) && !kept.to_lowercase().contains("signature"), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_the_query_are_not_kept() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let scheme = json!({ "type": "token", "location": "query:key" });
    let fields = json!({ "verification": scheme, "secrets": ["s3cret-token"] });
    gateway.source_open("emr", fields).await;
    let path = "/webhooks/emr/x?a=1&key=s3cret-token&access_token=t0ken&k%65y2=2&b=%20c";
    assert!(get(&gateway, path).await.status.is_success());
    let row = &gateway.list("/admin/messages").await[0];
    let message = gateway.read(&format!("/admin/messages/{}", row["id"].as_str().unwrap())).await;
    assert_eq!(message["query"], "a=1&key=redacted&access_token=redacted&k%65y2=2&b=%20c");
}
