//! Where requests go: sources, hooks, methods, and what lies beside them.

use super::{assert_problem, only_message, post};
use crate::harness::{Gateway, video_call};
use http::{Method, StatusCode};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_public_listener_says_that_it_is_up_and_has_no_administration() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let up = gateway.public.get("/healthz").await.unwrap();
    assert_eq!((up.status, up.json()), (StatusCode::OK, json!({ "status": "ok" })));
    let ready = gateway.public.get("/readyz").await.unwrap();
    assert_eq!((ready.status, ready.json()), (StatusCode::OK, json!({ "status": "ready" })));
    for path in ["/admin/subscriptions", "/metrics", "/", "/webhooks", "/webhook/emr"] {
        assert_eq!(gateway.public.get(path).await.unwrap().status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_tells_the_plugins_to_whoever_asks_for_details() {
    let gateway = Gateway::start().await;
    for listener in [&gateway.public, &gateway.admin] {
        let ready = listener.get("/readyz?details").await.unwrap().json();
        assert_eq!(ready["details"]["plugins"]["emr-video-call"].as_str().map(str::len), Some(64), "{ready}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_source_and_one_that_is_switched_off_look_alike() {
    let gateway = Gateway::start().await;
    let emr = gateway.source_with("emr", json!({ "active": false })).await;
    let off = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "a")).await;
    assert_problem(&off, 404, "unknown_source");
    for path in ["/webhooks/nobody/x", "/webhooks/EMR/x", "/webhooks/e%6Dr/x", "/webhooks//x", "/webhooks/emr%2Fx"] {
        let unknown = post(&gateway, path, &[], b"{}").await;
        assert_problem(&unknown, 404, "unknown_source");
        assert_eq!(unknown.json()["detail"], off.json()["detail"]);
    }
    assert!(gateway.list("/admin/messages").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_takes_any_method_unless_it_says_which() {
    let gateway = Gateway::start().await;
    gateway.push("unruly", crate::harness::guests::unruly()).await;
    let open = json!({ "verification": { "type": "none" }, "plugin": "unruly" });
    gateway.source_open("open", open.clone()).await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = gateway.public.send(method.clone(), "/webhooks/open/Encounter/12", &[], Vec::new()).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{method}");
    }
    let mut picky = open;
    picky["methods"] = json!(["POST", "PUT"]);
    gateway.source_open("picky", picky).await;
    let refused = gateway.public.get("/webhooks/picky/x").await.unwrap();
    assert_problem(&refused, 405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("POST, PUT"));
    assert_eq!(post(&gateway, "/webhooks/picky/x", &[], b"").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_kept_as_it_came_without_credentials() {
    let gateway = Gateway::start().await;
    gateway.push("unruly", crate::harness::guests::unruly()).await;
    gateway.source_open("open", json!({ "verification": { "type": "none" }, "plugin": "unruly" })).await;
    let headers = [
        ("content-type", "text/plain"),
        ("authorization", "Bearer hunter2"),
        ("cookie", "session=hunter2"),
        ("x-drchrono-signature", "hunter2"),
        ("x-kind", "ADT"),
        ("x-request-id", "partner-7"),
    ];
    let answer = post(&gateway, "/webhooks/open/headers?a=1&b=%20", &headers, b"MSH|\xff").await;
    assert_eq!(answer.header("x-request-id"), Some("partner-7"));
    let shown = answer.body.to_vec();
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("x-kind") && !shown.contains("authorization") && !shown.contains("cookie"), "{shown}");
    let id = only_message(&gateway).await["id"].as_str().unwrap().to_owned();
    let message = gateway.read(&format!("/admin/messages/{id}")).await;
    assert_eq!((message["hook"].as_str(), message["query"].as_str()), (Some("headers"), Some("a=1&b=%20")));
    assert_eq!(message["authentication"], "unauthenticated");
    assert_eq!(message["body_base64"], "TVNIfP8=");
    assert!(!message.to_string().contains("hunter2"));
}
