//! What holds for every route: lists, headers, and refusals.

use super::{bare, pointers, problem, send, subscription};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_paged_to_its_end_without_a_gap_or_a_repeat() {
    let gateway = bare().await;
    for number in 0..5 {
        gateway.make("/admin/subscriptions", &subscription()).await;
        gateway.make("/admin/sources", &json!({ "slug": format!("emr-{number}"), "plugin": "p" })).await;
        gateway.customer(&format!("cus_{number}"), "TX", "78701").await;
    }
    for path in [
        "/admin/subscriptions",
        "/admin/sources",
        "/admin/events",
        "/admin/customers",
        "/admin/event-types",
        "/admin/audit",
    ] {
        let all = gateway.read(&format!("{path}?limit=200")).await;
        assert_eq!(all["next_cursor"], Value::Null, "{path}");
        let all: Vec<Value> = all["data"].as_array().unwrap().clone();
        assert!(all.len() >= 5, "{path}");
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = gateway.read(&format!("{path}?limit=2{cursor}")).await;
            let rows = page["data"].as_array().unwrap();
            assert!(rows.len() <= 2);
            paged.extend(rows.iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, all, "{path}");
        let distinct: BTreeSet<String> = paged.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), paged.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_no_list_is_refused() {
    let gateway = bare().await;
    for (path, pointer) in [
        ("/admin/events?limit=0", "?limit"),
        ("/admin/events?limit=201", "?limit"),
        ("/admin/events?cursor=nonsense", "?cursor"),
        ("/admin/events?tpye=order.placed", "?tpye"),
        ("/admin/deliveries?status=lost", "?status"),
        ("/admin/deliveries?subscription_id=evt_0000000000001", "?subscription_id"),
        ("/admin/messages?source=nobody", "?source"),
        ("/admin/establishments?region=Texas-ish", "?region"),
        ("/admin/event-types?cursor=nonsense", "?cursor"),
        ("/admin/subscriptions/sub_0000000000001?limit=5", "?limit"),
    ] {
        let answer = gateway.admin.get(path).await.unwrap();
        assert_eq!(
            (problem(&answer), pointers(&answer)),
            ((422, "invalid".to_owned()), vec![pointer.to_owned()]),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_as_that() {
    let gateway = bare().await;
    for path in [
        "/admin/subscriptions/sub_0000000000001",
        "/admin/subscriptions/src_0000000000001",
        "/admin/sources/emr",
        "/admin/events/evt_0000000000001",
        "/admin/events/x/explain",
        "/admin/deliveries/1",
        "/admin/messages/msg_0000000000001",
        "/admin/establishments/est_0000000000001",
        "/admin/customers/cus_nobody",
        "/admin/customers/%FF",
        "/admin/customers/a%2Fb",
        "/admin/plugins/nobody",
        "/admin/keys/key_0000000000001",
        "/admin/nothing",
        "/nothing",
    ] {
        assert_eq!(problem(&gateway.admin.get(path).await.unwrap()), (404, "not_found".to_owned()), "{path}");
    }
    for (method, path) in [
        (Method::POST, "/admin/deliveries/dlv_0000000000001/retry"),
        (Method::POST, "/admin/messages/msg_0000000000001/reprocess"),
        (Method::POST, "/admin/subscriptions/sub_0000000000001/pause"),
        (Method::DELETE, "/admin/sources/src_0000000000001"),
        (Method::DELETE, "/admin/subscriptions/sub_0000000000001"),
    ] {
        let answer = gateway.admin.send(method, path, &[], "").await.unwrap();
        assert_eq!(problem(&answer), (404, "not_found".to_owned()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_or_type_or_size_that_is_not_taken_is_refused() {
    let gateway = bare().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/admin/events", "POST"),
        (Method::PUT, "/admin/deliveries", "GET"),
        (Method::GET, "/admin/deliveries/dlv_1/retry", "POST"),
        (Method::POST, "/healthz", "GET"),
    ] {
        let answer = gateway.admin.send(method.clone(), path, &[], "").await.unwrap();
        assert_eq!(problem(&answer), (405, "method_not_allowed".to_owned()), "{method} {path}");
        assert!(answer.header("allow").unwrap().contains(allowed), "{method} {path}");
    }
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/json-seq"] {
        let headers = [("content-type", media_type)];
        let answer = gateway.admin.send(Method::POST, "/admin/events", &headers, "{}").await.unwrap();
        assert_eq!(problem(&answer), (415, "unsupported_media_type".to_owned()));
    }
    let large = json!({ "name": "x".repeat(2 << 20) });
    let answer = gateway.request(Method::POST, "/admin/subscriptions", &large).await;
    assert_eq!(problem(&answer), (413, "body_too_large".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsound_json_is_refused_with_its_place() {
    let gateway = bare().await;
    let headers = [("content-type", "application/json")];
    for (body, pointer) in [
        (&b"{\"type\":\"a\",\"data\":{\"x\":1,\"x\":2}}"[..], "/data/x"),
        (b"{\"type\":\"a\",\"data\":{\"x\":\"\xff\"}}", "/data/x"),
        (b"{\"type\":\"a\",\"data\":{}} {}", ""),
        (b"", ""),
        (b"{\"type\":", "/type"),
    ] {
        let answer = gateway.admin.send(Method::POST, "/admin/events", &headers, body).await.unwrap();
        assert_eq!(problem(&answer), (400, "malformed_json".to_owned()));
        assert_eq!(pointers(&answer), [pointer], "{}", String::from_utf8_lossy(body));
    }
    let deep = format!("{{\"type\":\"a\",\"data\":{}{}}}", "{\"a\":".repeat(100), "}".repeat(100));
    let answer = gateway.admin.send(Method::POST, "/admin/events", &headers, deep).await.unwrap();
    assert_eq!(problem(&answer).0, 400);
    assert!(gateway.list("/admin/events").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requests_id_and_reason_are_told_and_recorded() {
    let gateway = bare().await;
    let headers = [("x-request-id", "ticket-42"), ("x-audit-reason", "the partner moved")];
    let made = send(&gateway.admin, Method::POST, "/admin/subscriptions", &headers, &subscription()).await;
    assert_eq!(made.header("x-request-id"), Some("ticket-42"));
    let audit = gateway.list("/admin/audit").await;
    let entry = audit.iter().find(|entry| entry["action"] == "subscription.created").unwrap();
    assert_eq!(entry["target"], made.json()["id"]);
    assert_eq!(
        (&entry["request_id"], &entry["reason"], &entry["actor"]),
        (&json!("ticket-42"), &json!("the partner moved"), &json!("local"))
    );

    let refused = gateway.admin.get("/admin/nothing").await.unwrap();
    assert_eq!(refused.json()["request_id"].as_str(), refused.header("x-request-id"));
    let long = "x".repeat(501);
    let answer =
        send(&gateway.admin, Method::POST, "/admin/subscriptions", &[("x-audit-reason", &long)], &subscription()).await;
    assert_eq!(pointers(&answer), ["X-Audit-Reason"]);
}
