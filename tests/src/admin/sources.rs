//! Sources: made, read, changed, deleted.

use super::{bare, pointers, problem};
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_made_changed_and_deleted() {
    let gateway = bare().await;
    let body = json!({
        "slug": "emr", "name": "EMR", "plugin": "emr-video-call", "settings": { "zone": "America/Chicago" }, "methods": ["POST"],
        "on_error": "reject", "updates_customers": true, "active": true,
        "verification": { "type": "hmac", "header": "X-Signature", "prefix": "sha256=", "encoding": "hex", "digest": "sha256" },
        "secrets": ["the new secret of the partner", "the old secret of the partner"],
    });
    let made = gateway.make("/admin/sources", &body).await;
    for name in ["slug", "name", "plugin", "settings", "methods", "on_error", "updates_customers", "active", "secrets"]
    {
        assert_eq!(made[name], body[name], "{name}");
    }
    let path = format!("/admin/sources/{}", made["id"].as_str().unwrap());
    let read = gateway.admin.get(&path).await.unwrap();
    assert_eq!(read.header("etag"), Some("\"1\""));
    assert_eq!(read.json()["secret_hints"], json!(["…tner", "…tner"]));
    assert!(!read.json().to_string().contains("secret of the partner"));

    let wanted = json!({ "settings": { "zone": null, "strict": true }, "secret": "one more secret of theirs" });
    let patched = gateway.request(Method::PATCH, &path, &wanted).await.json();
    assert_eq!((&patched["settings"], &patched["secret_hints"]), (&json!({ "strict": true }), &json!(["…eirs"])));
    assert_eq!((&patched["verification"]["header"], &patched["version"]), (&json!("X-Signature"), &json!(2)));
    let unfit = gateway.request(Method::PATCH, &path, &json!({ "verification": null })).await;
    assert_eq!(pointers(&unfit), ["/secret"], "the secret on record is none of Standard Webhooks'");

    let delete = gateway.request(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(delete.status, StatusCode::NO_CONTENT);
    assert_eq!(problem(&gateway.admin.get(&path).await.unwrap()).0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slug_is_one_sources_own() {
    let gateway = bare().await;
    let first = gateway.make("/admin/sources", &json!({ "slug": "emr", "plugin": "p" })).await;
    let second = gateway.make("/admin/sources", &json!({ "slug": "other", "plugin": "p" })).await;
    let taken = gateway.request(Method::POST, "/admin/sources", &json!({ "slug": "emr", "plugin": "p" })).await;
    assert_eq!((problem(&taken), pointers(&taken)), ((409, "taken".to_owned()), vec!["/slug".to_owned()]));
    let path = format!("/admin/sources/{}", second["id"].as_str().unwrap());
    let renamed = gateway.request(Method::PATCH, &path, &json!({ "slug": "emr" })).await;
    assert_eq!(problem(&renamed), (409, "taken".to_owned()));
    let path = format!("/admin/sources/{}", first["id"].as_str().unwrap());
    assert!(gateway.request(Method::PATCH, &path, &json!({ "slug": "emr" })).await.status.is_success());
}
