//! A subscription's secrets over time: rotated, live side by side, ended.

use super::{bare, holder, pointers, problem, send, subscription};
use crate::harness::{Gateway, Receiver};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwright::clock::SystemClock;
use hookwright::sink::{self, Delivered};
use hookwright_core::secret::{Ed25519Public, SigningSecret};
use hookwright_store::{Clock, ManualClock};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

const PRIVATE: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const DAY_MS: i64 = 86_400_000;

async fn rotate(gateway: &Gateway, path: &str, body: &Value) -> Value {
    gateway.make(&format!("{path}/rotate-secret"), body).await
}

/// How each signature of a delivery begins, and whether a symmetric secret made one of them.
fn signatures(delivered: &Delivered) -> Vec<&str> {
    delivered.header("webhook-signature").unwrap().split(' ').collect()
}

fn signed_by(delivered: &Delivered, secret: &Value) -> bool {
    let secrets = [SigningSecret::parse(secret.as_str().unwrap()).unwrap()];
    sink::check(&secrets, &delivered.headers, &delivered.body, delivered.at_ms).is_ok()
}

fn signed_by_public(delivered: &Delivered, public: &str) -> bool {
    let (id, timestamp) = (delivered.header("webhook-id").unwrap(), delivered.header("webhook-timestamp").unwrap());
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &delivered.body].concat();
    let public = Ed25519Public::parse(public).unwrap();
    let asymmetric = signatures(delivered).into_iter().filter_map(|text| text.strip_prefix("v1a,"));
    asymmetric.map(|text| STANDARD.decode(text).unwrap()).any(|signature| public.verifies(&message, &signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_shows_the_new_secret_once_and_lets_the_others_end() {
    let gateway = bare().await;
    let made = gateway.make("/admin/subscriptions", &subscription()).await;
    let path = format!("/admin/subscriptions/{}", made["id"].as_str().unwrap());
    let answer = gateway.admin.send(Method::POST, &format!("{path}/rotate-secret"), &[], "").await.unwrap();
    assert_eq!((answer.status, answer.header("etag")), (StatusCode::OK, Some("\"2\"")), "{}", answer.json());
    let rotated = answer.json();
    let secret = rotated["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && rotated["secret"] != made["secret"]);
    let list = rotated["secrets"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!((&list[0]["type"], list[0].get("expires_at")), (&json!("hmac"), None));
    assert_eq!(list[0]["hint"], rotated["secret_hint"]);
    assert_eq!(list[1]["hint"], made["secret_hint"]);
    let end = hookwright_core::timestamp::parse_rfc3339(list[1]["expires_at"].as_str().unwrap()).unwrap();
    assert!((end - gateway.now_ms() - DAY_MS).abs() < 60_000, "a day from now");
    let read = gateway.read(&path).await;
    assert_eq!((read.get("secret"), &read["secrets"]), (None, &rotated["secrets"]));
    assert!(!gateway.read("/admin/audit").await.to_string().contains(&secret[6..]));

    let own = rotate(&gateway, &path, &json!({ "secret": PRIVATE, "overlap_seconds": 60 })).await;
    assert_eq!((&own["secret"], &own["secret_hint"]), (&json!(PRIVATE), &json!("whsk_…ir4=")));
    assert_eq!((&own["secrets"][0]["type"], &own["secrets"][0]["public_key"]), (&json!("ed25519"), &json!(PUBLIC)));
    assert_eq!(own["secrets"].as_array().unwrap().len(), 3);
    let gateway = gateway.restart().await;
    let read = gateway.read(&path).await;
    assert_eq!(read["secrets"], own["secrets"], "kept over a restart");
    assert!(!read.to_string().contains(PRIVATE) && read.to_string().contains(PUBLIC));
    let actions = gateway.list("/admin/audit").await;
    assert_eq!(actions.iter().filter(|entry| entry["action"] == "subscription.secret_rotated").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_live_secret_signs_until_its_end_and_not_beyond() {
    let clock = Arc::new(ManualClock::at(SystemClock.now_ms()));
    let gateway = Gateway::builder().without_plugins().clock(Arc::<ManualClock>::clone(&clock)).start().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    let path = format!("/admin/subscriptions/{}", subscribed.id);
    let first = json!(*subscribed.secret.reveal());
    let second = rotate(&gateway, &path, &json!({ "overlap_seconds": 3600 })).await["secret"].clone();
    let third = rotate(&gateway, &path, &json!({ "type": "ed25519", "overlap_seconds": 7200 })).await;
    let public = third["secrets"][0]["public_key"].as_str().unwrap();

    gateway.publish("order.placed", json!({})).await;
    let all = receiver.next().await;
    let versions: Vec<&str> = signatures(&all).into_iter().filter_map(|text| text.split(',').next()).collect();
    assert_eq!(versions, ["v1a", "v1", "v1"], "newest first");
    assert!(signed_by_public(&all, public) && signed_by(&all, &second) && signed_by(&all, &first));

    clock.advance(3_600_000);
    gateway.publish("order.placed", json!({})).await;
    let two = receiver.next().await;
    assert_eq!(signatures(&two).len(), 2);
    assert!(signed_by_public(&two, public) && signatures(&two)[1].starts_with("v1,"));
    assert_eq!(gateway.read(&path).await["secrets"].as_array().unwrap().len(), 2);

    clock.advance(3_600_000);
    gateway.publish("order.placed", json!({})).await;
    let one = receiver.next().await;
    assert_eq!(signatures(&one).len(), 1);
    assert!(signed_by_public(&one, public));
    assert_eq!(gateway.read(&path).await["secrets"].as_array().unwrap().len(), 1);
    // What ended is dropped with the next change, whatever that is, and can come back as a new one.
    gateway.request(Method::PATCH, &path, &json!({ "description": "x" })).await;
    let back = rotate(&gateway, &path, &json!({ "secret": first, "overlap_seconds": 0 })).await;
    assert_eq!(back["secrets"].as_array().unwrap().len(), 1);
    gateway.publish("order.placed", json!({})).await;
    let again = receiver.next().await;
    assert!(signatures(&again).len() == 1 && !signatures(&again)[0].starts_with("v1a,"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_made_once_under_one_key_and_on_its_condition() {
    let gateway = bare().await;
    let made = gateway.make("/admin/subscriptions", &subscription()).await;
    let path = format!("/admin/subscriptions/{}", made["id"].as_str().unwrap());
    let rotation = format!("{path}/rotate-secret");
    let key = [("idempotency-key", "r1")];
    let body = json!({ "overlap_seconds": 60 });
    let first = send(&gateway.admin, Method::POST, &rotation, &key, &body).await;
    let again = send(&gateway.admin, Method::POST, &rotation, &key, &body).await;
    assert_eq!((again.json(), again.header("idempotency-replayed")), (first.json(), Some("true")));
    assert_eq!(gateway.read(&path).await["version"], 2);
    let other = send(&gateway.admin, Method::POST, &rotation, &key, &json!({ "overlap_seconds": 61 })).await;
    assert_eq!(problem(&other), (422, "idempotency_key_reused".to_owned()));
    let stale = send(&gateway.admin, Method::POST, &rotation, &[("if-match", "\"1\"")], &json!({})).await;
    assert_eq!(problem(&stale), (412, "changed_meanwhile".to_owned()));
    let admin = holder(&gateway.admin, &["admin"]).await;
    let operator = holder(&admin, &["operate", "read"]).await;
    let answer = operator.json(Method::POST, &rotation, &json!({})).await.unwrap();
    assert_eq!(problem(&answer).0, 403, "a new secret is shown to those who could have set one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rotated_is_refused() {
    let gateway = bare().await;
    let made = gateway.make("/admin/subscriptions", &subscription()).await;
    let path = format!("/admin/subscriptions/{}", made["id"].as_str().unwrap());
    let rotation = format!("{path}/rotate-secret");
    let refused = async |body: Value| {
        let answer = gateway.request(Method::POST, &rotation, &body).await;
        (problem(&answer), pointers(&answer))
    };
    let invalid = |pointer: &str| ((422, "invalid".to_owned()), vec![pointer.to_owned()]);
    assert_eq!(refused(json!({ "secret": made["secret"] })).await, invalid("/secret"));
    assert_eq!(refused(json!({ "secret": "whsec_c2hvcnQ=" })).await, invalid("/secret"));
    assert_eq!(refused(json!({ "overlap_seconds": 604_801 })).await, invalid("/overlap_seconds"));
    assert_eq!(refused(json!({ "secret": PRIVATE, "type": "hmac" })).await, invalid("/type"));
    for _ in 0..9 {
        rotate(&gateway, &path, &json!({})).await;
    }
    assert_eq!(refused(json!({})).await.0, (409, "too_many_secrets".to_owned()));
    assert_eq!(gateway.read(&path).await["version"], 10);
    let alone = rotate(&gateway, &path, &json!({ "overlap_seconds": 0 })).await;
    assert_eq!(alone["secrets"].as_array().unwrap().len(), 1);
    let answer =
        gateway.request(Method::POST, "/admin/subscriptions/sub_0000000000001/rotate-secret", &json!({})).await;
    assert_eq!(problem(&answer).0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_change_takes_the_place_of_all_at_once() {
    let gateway = bare().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    let path = format!("/admin/subscriptions/{}", subscribed.id);
    rotate(&gateway, &path, &json!({})).await;
    let changed = gateway.request(Method::PATCH, &path, &json!({ "secret": PRIVATE })).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.json());
    assert_eq!(changed.json()["secrets"].as_array().unwrap().len(), 1);
    gateway.publish("order.placed", json!({})).await;
    let delivered = receiver.next().await;
    assert!(signatures(&delivered).len() == 1 && signed_by_public(&delivered, PUBLIC));
}
