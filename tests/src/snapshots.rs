//! The forms that strangers rely on, written down: a change to one of them shows in a review.

use crate::harness::{Gateway, Receiver, eventually, video_call};
use http::Method;
use serde_json::{Value, json};

/// Replaces what is another in every run, and keeps its kind.
fn settled(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let shown = match (name.as_str(), value) {
                    ("duration_ms", Value::Number(_)) => json!("(milliseconds)"),
                    ("request_id", Value::String(_)) => json!("(request id)"),
                    ("plugin_digest", Value::String(_)) => json!("(digest)"),
                    (_, Value::Array(pair)) if matches!(pair.as_slice(), [Value::String(_), Value::String(_)]) => {
                        Value::Array(pair.iter().map(settled).collect())
                    }
                    _ => settled(value),
                };
                (name.clone(), shown)
            })
            .collect(),
        Value::Array(items) => Value::Array(items.iter().map(settled).collect()),
        Value::String(text) => json!(settled_text(text)),
        other => other.clone(),
    }
}

fn settled_text(text: &str) -> String {
    let is_id = |prefix: &str| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 13 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    if let Some(prefix) =
        ["evt_", "sub_", "dlv_", "att_", "msg_", "est_", "aud_", "src_"].into_iter().find(|prefix| is_id(prefix))
    {
        return format!("{prefix}…");
    }
    let this_year = text.len() >= 20
        && text.as_bytes()[10] == b'T'
        && text.ends_with('Z')
        && !text.starts_with("2026-01-04")
        && !text.starts_with("2027-01-04");
    match text {
        _ if this_year => "(time)".to_owned(),
        _ if text.starts_with("v1,") => "v1,…".to_owned(),
        _ if text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit()) => "(seconds)".to_owned(),
        _ if text.ends_with(" GMT") => "(date)".to_owned(),
        _ if text.starts_with("127.0.0.1:") => "127.0.0.1:…".to_owned(),
        _ => text.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envelope_and_an_attempt() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let mut receiver = Receiver::start().await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let events = ["compliance.establishment_fulfilled"];
    gateway.subscribe(&receiver.url("/raw"), &events, json!({})).await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_789")).await;
    assert!(answer.status.is_success());
    let delivered = receiver.next().await;
    // The text itself: the order of the members is part of the form.
    let envelope = delivered.json();
    let mut text = hookwright::indent::indent(std::str::from_utf8(&delivered.body).unwrap());
    let of_the_moment = [
        "/id",
        "/created_at",
        "/data/establishment/id",
        "/data/provenance/address_as_of",
        "/metadata/webhook_subscription_id",
    ];
    for pointer in of_the_moment {
        let value = envelope.pointer(pointer).and_then(Value::as_str).unwrap();
        text = text.replace(value, &settled_text(value));
    }
    insta::assert_snapshot!("envelope", text);
    let headers: Vec<Value> = delivered
        .headers
        .iter()
        .map(|(name, value)| {
            json!([name, if name == "content-length" { "(length)".to_owned() } else { settled_text(value) }])
        })
        .collect();
    insta::assert_json_snapshot!("delivery-headers", headers);
    let id = eventually("the delivery is settled", async || {
        let rows = gateway.list("/admin/deliveries").await;
        rows.iter().find(|row| row["status"] == "delivered").map(|row| row["id"].as_str().unwrap().to_owned())
    })
    .await;
    let delivery = gateway.read(&format!("/admin/deliveries/{id}")).await;
    insta::assert_json_snapshot!("delivery", settled(&delivery));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_the_ways_in() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let limited = gateway.source_with("picky", json!({ "methods": ["PUT"] })).await;
    let mut told = Vec::new();
    let mut note = |what: &str, answer: &hookwright::client::Answer| {
        let body = settled(&answer.json());
        told.push(json!({ "what": what, "status": answer.status.as_u16(), "content_type": answer.header("content-type"), "body": body }));
    };
    let hook = "video-call-completed";
    let now_secs = gateway.now_ms().div_euclid(1000);
    let good = video_call("cus_xyz", "appt_1").to_string();
    let post = async |path: &str, headers: &[(&str, String)], body: &str| {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        gateway.public.send(Method::POST, path, &headers, body.to_owned()).await.unwrap()
    };
    note("unknown source", &post("/webhooks/nobody/x", &[], &good).await);
    note("no signature", &post("/webhooks/emr/x", &[], &good).await);
    let signed = |id: &str, at: i64, body: &str| emr.sign(id, at, body.as_bytes()).to_vec();
    note("wrong signature", &post("/webhooks/emr/x", &signed("msg_1", now_secs, "{}"), &good).await);
    note("stale signature", &post("/webhooks/emr/x", &signed("msg_1", now_secs - 3600, &good), &good).await);
    note("wrong method", &limited.post(&gateway, hook, &json!({})).await);
    for (what, body) in [
        ("not JSON", "not json"),
        ("a duplicate key", r#"{"event":"video_call.completed","event":"x"}"#),
        ("an unsupported event", r#"{"event":"coffee.brewed"}"#),
        ("a missing field", r#"{"event":"video_call.completed"}"#),
    ] {
        note(what, &post("/webhooks/emr/x", &signed(&format!("msg_{}", what.len()), now_secs, body), body).await);
    }
    let large = "x".repeat((1 << 20) + 1);
    note("too large", &post("/webhooks/emr/x", &signed("msg_l", now_secs, &large), &large).await);
    note("no such route", &post("/elsewhere", &[], "").await);
    insta::assert_json_snapshot!("problems-public", told);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_the_administration() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let mut told = Vec::new();
    let mut note = |what: &str, answer: &hookwright::client::Answer| {
        let body = settled(&answer.json());
        told.push(json!({ "what": what, "status": answer.status.as_u16(), "content_type": answer.header("content-type"), "body": body }));
    };
    let post = async |path: &str, body: Value| gateway.request(Method::POST, path, &body).await;
    note("no such route", &gateway.admin.get("/admin/nothing").await.unwrap());
    note("wrong method", &gateway.request(Method::DELETE, "/admin/events", &json!({})).await);
    note("unknown id", &gateway.admin.get("/admin/subscriptions/sub_0000000000001").await.unwrap());
    note("an id of another kind", &gateway.admin.get("/admin/subscriptions/evt_0000000000001").await.unwrap());
    note("an unknown parameter", &gateway.admin.get("/admin/events?lmit=5").await.unwrap());
    note("a bad limit", &gateway.admin.get("/admin/events?limit=0").await.unwrap());
    let headers = [("content-type", "application/json")];
    note("not JSON", &gateway.admin.send(Method::POST, "/admin/events", &headers, "{").await.unwrap());
    note("no content type", &gateway.admin.send(Method::POST, "/admin/events", &[], "{}").await.unwrap());
    note("nothing at all", &post("/admin/events", json!({})).await);
    note("a bad type", &post("/admin/events", json!({ "type": "Order Placed", "data": {} })).await);
    note("data that is no object", &post("/admin/events", json!({ "type": "order.placed", "data": 7 })).await);
    note(
        "a subscription with everything wrong",
        &post(
            "/admin/subscriptions",
            json!({ "url": "ftp://x", "events": ["order.*.x"], "secret": "short", "retry_policy": "sometimes", "max_retries": -1, "nmae": "x" }),
        )
        .await,
    );
    note(
        "a source with everything wrong",
        &post("/admin/sources", json!({ "slug": "Not A Slug", "verification": { "type": "magic" } })).await,
    );
    let key = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let event = |n: u32| json!({ "type": "order.placed", "data": { "n": n } }).to_string();
    assert!(gateway.admin.send(Method::POST, "/admin/events", &key, event(1)).await.unwrap().status.is_success());
    note("a key with another body", &gateway.admin.send(Method::POST, "/admin/events", &key, event(2)).await.unwrap());
    let wasm = [("content-type", "application/wasm")];
    note("not a component", &gateway.admin.send(Method::PUT, "/admin/plugins/x", &wasm, "nonsense").await.unwrap());
    gateway.make("/admin/keys", &json!({ "name": "first", "scopes": ["admin"] })).await;
    note("no key, once one exists", &gateway.admin.get("/admin/events").await.unwrap());
    note("a mistyped key", &gateway.admin.clone().with_key("hwk_x").unwrap().get("/admin/events").await.unwrap());
    insta::assert_json_snapshot!("problems-admin", told);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_change() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let mut told = Vec::new();
    let mut note = |what: &str, answer: &hookwright::client::Answer| {
        let body = settled(&answer.json());
        told.push(json!({ "what": what, "status": answer.status.as_u16(), "body": body }));
    };
    let taken = json!({ "slug": "emr", "plugin": "emr-video-call" });
    note("a slug that is taken", &gateway.request(Method::POST, "/admin/sources", &taken).await);
    let outbound = json!({ "slug": "other", "plugin": "klaviyo-profile" });
    note("a plugin of the other direction", &gateway.request(Method::POST, "/admin/sources", &outbound).await);
    let path = format!("/admin/sources/{}", emr.id);
    let amend = |etag: &'static str| {
        let headers = [("content-type", "application/merge-patch+json"), ("if-match", etag)];
        let (gateway, path) = (&gateway, path.as_str());
        async move { gateway.admin.send(Method::PATCH, path, &headers, r#"{"name":"Other"}"#).await.unwrap() }
    };
    note("a version that is not the last", &amend("\"99\"").await);
    note("a condition that is none", &amend("yesterday").await);
    gateway.customer("cus_xyz", "TX", "78701").await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    let message = answer.json()["message_id"].as_str().unwrap().to_owned();
    let again = format!("/admin/messages/{message}/reprocess");
    note("a message that had its effects", &gateway.request(Method::POST, &again, &json!({})).await);
    let private =
        json!({ "name": "x", "url": "http://10.0.0.1/", "events": ["*"], "retry_policy": "none", "max_retries": 0 });
    note("an address that is not public", &gateway.request(Method::POST, "/admin/subscriptions", &private).await);
    let made = gateway.make("/admin/keys", &json!({ "name": "reader", "scopes": ["read"] })).await;
    let reader = gateway.admin.clone().with_key(made["key"].as_str().unwrap()).unwrap();
    let publish = json!({ "type": "order.placed", "data": {} });
    note("a key without the scope", &reader.json(Method::POST, "/admin/events", &publish).await.unwrap());
    insta::assert_json_snapshot!("problems-changes", told);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_that_takes_some_doing() {
    let gateway = Gateway::builder().set("public.body_timeout", "300ms").start().await;
    let emr = gateway.source("emr").await;
    let mut told = Vec::new();
    let mut note = |what: &str, answer: &hookwright::client::Answer| {
        let body = settled(&answer.json());
        told.push(json!({ "what": what, "status": answer.status.as_u16(), "body": body }));
    };
    let long = format!("/webhooks/emr/{}", "h".repeat(1025));
    note("a path too long", &gateway.public.send(Method::POST, &long, &[], "{}").await.unwrap());
    let many = vec![("x", "1"); 80];
    note("too many headers", &gateway.public.send(Method::POST, "/webhooks/emr/x", &many, "{}").await.unwrap());
    let customer = r#"{"address":{"state":"TX"}}"#;
    let headers = [("content-type", "application/json"), ("if-match", "\"1\"")];
    let put = gateway.admin.send(Method::PUT, "/admin/customers/cus_xyz", &headers, customer).await.unwrap();
    note("a condition where nothing has versions", &put);
    let wasm = [("content-type", "application/wasm")];
    let outbound = crate::harness::guests::klaviyo_profile();
    let path = "/admin/plugins/emr-video-call";
    note("a version of the other direction", &gateway.admin.send(Method::PUT, path, &wasm, outbound).await.unwrap());
    let waiting = emr.post(&gateway, "video-call-completed", &video_call("cus_nobody", "appt_1")).await;
    let message = waiting.json()["message_id"].as_str().unwrap().to_owned();
    gateway.request(Method::DELETE, &format!("/admin/sources/{}", emr.id), &Value::Null).await;
    let again = format!("/admin/messages/{message}/reprocess");
    note("a message without a source", &gateway.request(Method::POST, &again, &json!({})).await);
    let receiver = Receiver::start().await;
    let subscription = gateway.subscribe(&receiver.url("/"), &["order.placed"], json!({})).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = gateway.list("/admin/deliveries").await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/subscriptions/{}", subscription.id);
    gateway.request(Method::DELETE, &path, &Value::Null).await;
    let retry = format!("/admin/deliveries/{delivery}/retry");
    note("a delivery without a subscription", &gateway.request(Method::POST, &retry, &json!({})).await);
    insta::assert_json_snapshot!("problems-later", told);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_to_a_partner() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let pluginless = gateway.source_with("early", json!({ "plugin": "not-pushed-yet" })).await;
    let hook = "video-call-completed";
    let mut told = Vec::new();
    let mut note = |what: &str, answer: &hookwright::client::Answer| {
        let body = settled(&answer.json());
        told.push(json!({ "what": what, "status": answer.status.as_u16(), "body": body }));
    };
    gateway.customer("cus_texas", "TX", "78701").await;
    gateway.customer("cus_conflict", "TX", "87501").await;
    note("processed", &emr.post(&gateway, hook, &video_call("cus_texas", "appt_1")).await);
    note("a repetition", &emr.post(&gateway, hook, &video_call("cus_texas", "appt_1")).await);
    note("waiting", &emr.post(&gateway, hook, &video_call("cus_nobody", "appt_2")).await);
    note("held", &emr.post(&gateway, hook, &video_call("cus_conflict", "appt_3")).await);
    note("quarantined", &pluginless.post(&gateway, hook, &video_call("cus_texas", "appt_4")).await);
    insta::assert_json_snapshot!("answers-public", told);
}
