//! Conditions, repetitions, scopes and races of the requests behind the commands.

use super::{history, key, plugin_as, problem, push, refused, two_versions, version};
use crate::harness::{Gateway, guests};
use hookwright::client::Answer;
use http::Method;
use serde_json::{Value, json};

async fn send(gateway: &Gateway, method: Method, rest: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    gateway.admin.send(method, &format!("/admin/plugins/emr{rest}"), &all, body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_on_what_has_changed_meanwhile_is_refused() {
    let (gateway, [first, second]) = two_versions().await;
    let revision = gateway.read("/admin/plugins/emr").await["revision"].as_i64().unwrap();
    let (now, old) = (format!("\"{revision}\""), format!("\"{}\"", revision - 1));
    let digest = json!({ "digest": second });
    let requests = [
        (Method::POST, "/activate", &digest),
        (Method::POST, "/canary", &digest),
        (Method::PATCH, "", &json!({ "policy": { "reuse": 2 } })),
    ];
    for (method, rest, body) in requests {
        let answer = send(&gateway, method.clone(), rest, &[("if-match", &old)], body).await;
        assert_eq!(problem(&answer), (412, "changed_meanwhile".to_owned()), "{method} {rest}");
    }
    let plugin = gateway.read("/admin/plugins/emr").await;
    assert_eq!((plugin["active"].as_str(), plugin["revision"].as_i64()), (Some(first.as_str()), Some(revision)));

    let moved = send(&gateway, Method::POST, "/activate", &[("if-match", &now)], &digest).await;
    assert_eq!((moved.status.as_u16(), moved.json()["revision"].as_i64()), (200, Some(revision + 1)));
    let answer = send(&gateway, Method::POST, "/rollback", &[("if-match", &now)], &Value::Null).await;
    assert_eq!(problem(&answer).0, 412);
    assert_eq!(history(&gateway, "emr").await, [second, first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_gets_the_same_bytes_and_has_no_second_effect() {
    let (gateway, [first, second]) = two_versions().await;
    let (to, back) = (json!({ "digest": second }), Value::Null);
    let twice = async |rest: &str, body: &Value, key: &str| {
        let headers = [("idempotency-key", key)];
        let once = send(&gateway, Method::POST, rest, &headers, body).await;
        let again = send(&gateway, Method::POST, rest, &headers, body).await;
        assert_eq!(once.status.as_u16(), 200, "{rest}: {}", once.json());
        assert_eq!((once.status, &once.body), (again.status, &again.body), "{rest}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{rest}");
        assert_eq!(once.header("idempotency-replayed"), None, "{rest}");
    };
    twice("/canary", &to, "a").await;
    twice("/activate", &to, "b").await;
    twice("/rollback", &back, "c").await;
    assert_eq!(history(&gateway, "emr").await, [first.clone(), second, first.clone()]);
    let other =
        send(&gateway, Method::POST, "/activate", &[("idempotency-key", "b")], &json!({ "digest": first })).await;
    assert_eq!(problem(&other), (422, "idempotency_key_reused".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_needs_its_scope() {
    let (gateway, [first, second]) = two_versions().await;
    let admin = key(&gateway, None, &["admin"]).await;
    let reader = key(&gateway, Some(&admin), &["read"]).await;
    let operator = key(&gateway, Some(&admin), &["operate"]).await;
    let both = key(&gateway, Some(&admin), &["operate", "phi"]).await;
    for reading in [&["list"][..], &["show", "emr"], &["versions", "emr"], &["versions", "emr", "--history"]] {
        plugin_as(&gateway, &reader, reading).expect(0);
    }
    let orders = [
        &["activate", "emr", &second][..],
        &["rollback", "emr"],
        &["set", "emr", "--reuse", "2"],
        &["canary", "start", "emr", &second],
        &["canary", "stop", "emr"],
        &["try", "emr"],
        &["reprocess", "emr"],
        &["record", "emr"],
    ];
    for order in orders {
        refused(plugin_as(&gateway, &reader, order), &["403"]);
    }
    assert_eq!(history_as(&gateway, &admin).await, [first.as_str()]);
    for order in &orders[..2] {
        plugin_as(&gateway, &operator, order).expect(0);
    }
    for order in &orders[2..7] {
        plugin_as(&gateway, &operator, order).expect(0);
    }
    refused(plugin_as(&gateway, &operator, &["record", "emr"]), &["403"]);
    plugin_as(&gateway, &both, &["record", "emr"]).expect(0);
    refused(super::plugin(&gateway, &["list"]), &["401"]);
}

async fn history_as(gateway: &Gateway, key: &str) -> Vec<String> {
    let client = gateway.admin.clone().with_key(key).unwrap();
    let answer = client.get("/admin/plugins/emr/history").await.unwrap().json();
    let rows = answer["data"].as_array().unwrap().clone();
    rows.iter().map(|row| row["digest"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_pushes_at_once_the_last_serves_and_both_are_on_record() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let before = push(&gateway, "emr", guests::emr_video_call());
    let put = async |tag: &str| {
        let headers = [("content-type", "application/wasm")];
        let component = version(guests::emr_video_call(), tag);
        let digest = hookwright_plugin_host::Digest::of(&component).to_string();
        (digest, gateway.admin.send(Method::PUT, "/admin/plugins/emr", &headers, component).await.unwrap())
    };
    let ((one, first), (other, second)) = tokio::join!(put("one"), put("other"));
    for answer in [&first, &second] {
        assert!(answer.status.is_success(), "{}", answer.json());
    }
    let served = history(&gateway, "emr").await;
    assert_eq!(served.len(), 3, "{served:?}");
    assert!(served.contains(&one) && served.contains(&other) && served[2] == before, "{served:?}");
    let plugin = gateway.read("/admin/plugins/emr").await;
    assert_eq!(plugin["active"], served[0].as_str());
    assert!(plugin["serving"].is_null(), "what serves is what the pointer names: {plugin}");
    assert_eq!(plugin["versions"].as_array().map(Vec::len), Some(3));
}
