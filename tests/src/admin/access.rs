//! Keys and scopes.

use super::{bare, holder, problem, send, subscription};
use hookwright_store::{Clock, ManualClock};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn every_scope_opens_its_own_doors() {
    let gateway = bare().await;
    let admin = holder(&gateway.admin, &["admin"]).await;
    let made = admin.json(Method::POST, "/admin/subscriptions", &subscription()).await.unwrap().json();
    let path = format!("/admin/subscriptions/{}", made["id"].as_str().unwrap());
    let (pause, none) = (format!("{path}/pause"), Value::Null);
    let event = json!({ "type": "order.placed", "data": {} });
    let requests = [
        (Method::POST, "/admin/events", &event),
        (Method::GET, "/admin/events", &none),
        (Method::POST, pause.as_str(), &none),
        (Method::PATCH, path.as_str(), &json!({ "name": "Other" })),
        (Method::GET, "/admin/keys", &none),
    ];
    for (scope, allowed) in [
        ("publish", [true, false, false, false, false]),
        ("read", [false, true, false, false, false]),
        ("phi", [false, true, false, false, false]),
        ("operate", [false, false, true, false, false]),
        ("admin", [true, true, true, true, true]),
    ] {
        let client = holder(&admin, &[scope]).await;
        for ((method, path, body), allowed) in requests.iter().zip(allowed) {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let headers = [("content-type", "application/json")];
            let answer = client.send(method.clone(), path, &headers, body).await.unwrap();
            if allowed {
                assert!(answer.status.is_success(), "{scope} {method} {path}: {}", answer.json());
            } else {
                assert_eq!(problem(&answer), (403, "forbidden".to_owned()), "{scope} {method} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_when_it_expires_or_is_revoked_and_with_the_last_the_door_is_open_again() {
    let clock = Arc::new(ManualClock::at(1_800_000_000_000));
    let gateway =
        crate::harness::Gateway::builder().without_plugins().clock(Arc::<ManualClock>::clone(&clock)).start().await;
    let body = json!({ "name": "short", "scopes": ["admin"], "expires_at": "2027-01-15T08:00:10Z" });
    assert_eq!(clock.now_ms(), 1_800_000_000_000);
    let admin = holder(&gateway.admin, &["admin"]).await;
    let made = admin.json(Method::POST, "/admin/keys", &body).await.unwrap().json();
    let short = gateway.admin.clone().with_key(made["key"].as_str().unwrap()).unwrap();
    assert!(short.get("/admin/keys").await.unwrap().status.is_success());
    clock.advance(10_000);
    let expired = short.get("/admin/keys").await.unwrap();
    assert_eq!(problem(&expired), (401, "unauthorized".to_owned()));
    assert!(expired.header("www-authenticate").unwrap().starts_with("Bearer"));
    assert_eq!(problem(&gateway.admin.get("/admin/events").await.unwrap()).0, 401);

    let keys = admin.get("/admin/keys").await.unwrap().json();
    assert!(!keys.to_string().contains("hwk_"), "a key is shown once");
    for key in keys["data"].as_array().unwrap().iter().filter(|key| key["name"] != "test") {
        let path = format!("/admin/keys/{}", key["id"].as_str().unwrap());
        assert_eq!(admin.send(Method::DELETE, &path, &[], "").await.unwrap().status, 204);
    }
    let own = admin.get("/admin/keys").await.unwrap().json()["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/keys/{own}");
    assert_eq!(admin.send(Method::DELETE, &path, &[], "").await.unwrap().status, 204);
    assert!(gateway.admin.get("/admin/events").await.unwrap().status.is_success());
    assert_eq!(problem(&gateway.admin.send(Method::DELETE, &path, &[], "").await.unwrap()).0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_other_sites_are_not_answered() {
    let gateway = bare().await;
    let event = json!({ "type": "order.placed", "data": {} });
    let foreign = [("origin", "https://evil.example")];
    let answer = send(&gateway.admin, Method::POST, "/admin/events", &foreign, &event).await;
    assert_eq!(problem(&answer), (403, "forbidden".to_owned()));
    let own = [("origin", "http://localhost:8081")];
    assert!(send(&gateway.admin, Method::POST, "/admin/events", &own, &event).await.status.is_success());
}
