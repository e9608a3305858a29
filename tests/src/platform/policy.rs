//! What each binding wants: its own deadline, and versions by digest.

use super::{acme, digest, keep, post};
use crate::harness::{Gateway, Receiver, eventually, guests};
use hookwright::plugins::Order;
use hookwright_core::audit::AuditDraft;
use hookwright_core::plugin::CanaryCounts;
use hookwright_core::plugin::moves::{Move, Moved};
use hookwright_store::Change;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_s_own_deadline_is_the_one_that_counts() {
    let gateway = Gateway::builder().without_plugins().set("plugins.inbound_deadline", "2s").start().await;
    gateway.push("acme", guests::unruly()).await;
    let open = json!({ "verification": { "type": "none" }, "plugin": "acme", "deadline_ms": 80 });
    gateway.source_open("acme", open).await;
    #[expect(clippy::disallowed_methods, reason = "the time that a partner really waits")]
    let started = Instant::now();
    let told = post(&gateway, "loop", "appt_1").await.json();
    assert_eq!(told["reason"]["code"], "plugin_timeout", "{told}");
    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    let sources = gateway.list("/admin/sources").await;
    assert_eq!(sources[0]["deadline_ms"], 80);
    for bad in [json!(0), json!(2_001), json!("fast")] {
        let body = json!({ "slug": "x", "name": "x", "plugin": "acme", "deadline_ms": bad });
        let answer = gateway.request(Method::POST, "/admin/sources", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(answer.json()["errors"].to_string().contains("/deadline_ms"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_by_digest_stays_on_its_version_and_stops_at_its_quarantine() {
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("shape", guests::klaviyo_profile()).await;
    let pinned = digest(guests::klaviyo_profile());
    let mut receiver = Receiver::start().await;
    let transform = json!({ "transform": { "plugin": "shape", "version": pinned, "deadline_ms": 500 } });
    let subscribed = gateway.subscribe(&receiver.url("/"), &["order.placed"], transform).await;
    gateway.push("shape", &guests::variant(guests::klaviyo_profile(), "two")).await;
    let order = json!({ "order_id": "ord_1", "total": 12.5, "currency": "USD", "item_count": 1,
        "customer": { "id": "cus_xyz", "email": "ada@example.com" } });
    gateway.publish("order.placed", order).await;
    receiver.next().await;
    let delivery = eventually("the delivery is settled", async || {
        let rows = gateway.list("/admin/deliveries").await;
        rows.into_iter().find(|row| row["status"] == "delivered")
    })
    .await;
    let delivery = gateway.read(&format!("/admin/deliveries/{}", delivery["id"].as_str().unwrap())).await;
    assert_eq!(delivery["attempt_list"][0]["plugin_digest"], json!(pinned));
    let shown = gateway.read(&format!("/admin/subscriptions/{}", subscribed.id)).await;
    assert_eq!(shown["transform"]["deadline_ms"], 500);

    quarantine(&gateway, "shape", &pinned).await;
    let published = gateway.publish("order.placed", json!({ "order_id": "ord_2" })).await;
    let path = format!("/admin/deliveries?event_id={}", published["id"].as_str().unwrap());
    let attempt = eventually("the attempt is on record", async || {
        let rows = gateway.list(&path).await;
        let delivery = gateway.read(&format!("/admin/deliveries/{}", rows[0]["id"].as_str().unwrap())).await;
        delivery["attempt_list"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(attempt["error"]["kind"], "plugin_quarantined", "{attempt}");
    let plugin = gateway.read("/admin/plugins/shape").await;
    assert_ne!(plugin["active"], json!(pinned), "what serves is another, and goes on");
}

/// Puts a version into quarantine as the gateway itself does after too many failures.
async fn quarantine(gateway: &Gateway, name: &str, digest: &str) {
    let counts = CanaryCounts::default();
    let wanted = Move::Quarantine { digest: digest.to_owned(), reason: "the test wants it".to_owned(), counts };
    let audit = AuditDraft {
        at: gateway.now_ms(),
        actor: "system".to_owned(),
        action: "plugin.quarantined".to_owned(),
        target: name.to_owned(),
        reason: None,
        request_id: None,
        detail: String::new(),
    };
    let change = |_: &Moved| Ok(Change { audit: audit.clone(), claim: None });
    gateway.running.app.plugins.make(Order::new(name, wanted, "system"), change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_move_names_must_be_there() {
    let gateway = acme().await;
    let ask = async |path: &str, body: Value| {
        let answer = gateway.request(Method::POST, path, &body).await;
        (answer.status.as_u16(), answer.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    let (activate, rollback) = ("/admin/plugins/acme/activate", "/admin/plugins/acme/rollback");
    assert_eq!(ask(rollback, json!({})).await, (409, "nothing_to_roll_back_to".to_owned()));
    assert_eq!(ask(activate, json!({ "digest": "ab".repeat(32) })).await, (409, "unknown_version".to_owned()));
    assert_eq!(ask(activate, json!({ "digest": "ab" })).await.0, 422);
    assert_eq!(ask("/admin/plugins/nobody/rollback", json!({})).await, (404, "not_found".to_owned()));
    let second = keep(&gateway, &guests::variant(guests::emr_video_call(), "two")).await;
    assert_eq!(ask(activate, json!({ "digest": second, "force": true })).await, (422, "reason_needed".to_owned()));
    assert_eq!(ask(activate, json!({ "digest": second })).await.0, 200);
    assert_eq!(ask(rollback, json!({})).await.0, 200);
    assert_eq!(ask(rollback, json!({})).await, (409, "nothing_to_roll_back_to".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_on_condition_is_held_to_it() {
    let gateway = acme().await;
    let revision = gateway.read("/admin/plugins/acme").await["revision"].as_i64().unwrap();
    let second = guests::variant(guests::emr_video_call(), "two");
    let push = async |tag: i64| {
        let tag = format!("\"{tag}\"");
        let headers = [("content-type", "application/wasm"), ("if-match", tag.as_str())];
        gateway.admin.send(Method::PUT, "/admin/plugins/acme", &headers, second.clone()).await.unwrap()
    };
    assert_eq!(push(revision + 1).await.status, StatusCode::PRECONDITION_FAILED);
    let plugin = gateway.read("/admin/plugins/acme").await;
    assert_eq!((&plugin["revision"], &plugin["trouble"]), (&json!(revision), &Value::Null));
    let answer = push(revision).await;
    assert_eq!((answer.status, &answer.json()["active"]), (StatusCode::OK, &json!(digest(&second))));
    let headers = [("content-type", "application/json"), ("if-match", "\"1\"")];
    let answer = gateway.admin.send(Method::POST, "/admin/plugins/acme/try", &headers, "{}").await.unwrap();
    assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::PRECONDITION_FAILED, &json!("no_version")));
}
