//! Publishing, and the explanation of who got what.

use super::{bare, holder, pointers, problem};
use crate::harness::{Gateway, Receiver};
use http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn data_arrives_byte_for_byte() {
    let gateway = bare().await;
    let mut receiver = Receiver::start().await;
    gateway.subscribe(&receiver.url("/"), &["order.placed"], json!({})).await;
    let data = "{ \"b\":1.50,\n\t\"a\" : \"\\u00e9\", \"big\": 12345678901234567890123 }";
    let body = format!("{{\"data\": {data} ,\"type\":\"order.placed\"}}");
    let headers = [("content-type", "application/json; charset=utf-8")];
    let answer = gateway.admin.send(Method::POST, "/admin/events", &headers, body).await.unwrap();
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!((&answer.json()["deliveries"], &answer.json()["duplicate"]), (&json!(1), &json!(false)));
    let delivered = receiver.next().await;
    let text = String::from_utf8(delivered.body.to_vec()).unwrap();
    assert!(text.contains(&format!("\"data\":{data},\"metadata\"")), "{text}");
    let path = format!("/admin/events/{}", answer.json()["id"].as_str().unwrap());
    let read = gateway.admin.get(&path).await.unwrap();
    assert!(String::from_utf8(read.body.to_vec()).unwrap().contains(data));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_published_whole_or_not_at_all() {
    let gateway = bare().await;
    let event = json!({ "type": "order.placed", "data": {} });
    let list = Value::Array(vec![event.clone(); 1000]);
    let published = gateway.make("/admin/events", &list).await;
    assert_eq!(published["data"].as_array().unwrap().len(), 1000);
    for (list, pointers_expected) in [
        (json!([]), vec![""]),
        (Value::Array(vec![event.clone(); 1001]), vec![""]),
        (json!([event, { "type": "a b", "data": [] }]), vec!["/1/type", "/1/data"]),
        (json!([event, { "type": "customer.created", "data": { "customer_id": 7 } }]), vec!["/1/data/customer_id"]),
    ] {
        let answer = gateway.request(Method::POST, "/admin/events", &list).await;
        assert_eq!(problem(&answer), (422, "invalid".to_owned()));
        assert_eq!(pointers(&answer), pointers_expected);
    }
    let mut count = 0;
    let mut cursor = String::new();
    loop {
        let page = gateway.read(&format!("/admin/events?limit=200{cursor}")).await;
        count += page["data"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(count, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_takes_only_types_of_the_catalogue() {
    let gateway = Gateway::builder().without_plugins().set("events.strict", "true").start().await;
    assert!(gateway.publish("order.placed", json!({})).await["id"].is_string());
    let answer = gateway.request(Method::POST, "/admin/events", &json!({ "type": "order.place", "data": {} })).await;
    assert_eq!((problem(&answer).0, pointers(&answer)), (422, vec!["/type".to_owned()]));
    assert!(answer.json()["detail"].as_str().unwrap().contains("did you mean order.placed?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscription_is_told_why_it_did_or_did_not_get_an_event() {
    let gateway = bare().await;
    let receiver = Receiver::start().await;
    let url = receiver.url("/");
    let matched = gateway.subscribe(&url, &["customer.*", "order.*"], json!({})).await;
    let other = gateway.subscribe(&url, &["customer.*"], json!({})).await;
    let paused = gateway.subscribe(&url, &["*"], json!({ "active": false })).await;
    let deleted = gateway.subscribe(&url, &["*"], json!({})).await;
    let event = gateway.publish("order.placed", json!({})).await;
    let later = gateway.subscribe(&url, &["*"], json!({})).await;
    gateway.request(Method::DELETE, &format!("/admin/subscriptions/{}", deleted.id), &Value::Null).await;

    let path = format!("/admin/events/{}/explain", event["id"].as_str().unwrap());
    let told = gateway.read(&path).await;
    let of = |id: &str| {
        told["subscriptions"].as_array().unwrap().iter().find(|row| row["subscription_id"] == id).unwrap().clone()
    };
    for (id, received, reason) in [
        (&matched.id, true, "matched"),
        (&other.id, false, "no_pattern_matches"),
        (&paused.id, false, "inactive"),
        (&deleted.id, true, "subscription_deleted"),
        (&later.id, false, "created_later"),
    ] {
        assert_eq!((&of(id)["received"], &of(id)["reason"]), (&json!(received), &json!(reason)), "{}", of(id));
    }
    assert_eq!(of(&matched.id)["matched_pattern"], "order.*");
    assert!(of(&matched.id)["delivery_id"].as_str().unwrap().starts_with("dlv_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordering_key_is_kept_sealed_shown_and_part_of_what_a_key_stands_for() {
    let gateway = bare().await;
    let event = |ordering_key: &str| json!({ "type": "order.placed", "data": {}, "idempotency_key": "e1", "ordering_key": ordering_key });
    let made = gateway.make("/admin/events", &event("cus_1")).await;
    let path = format!("/admin/events/{}", made["id"].as_str().unwrap());
    assert_eq!(gateway.read(&path).await["ordering_key"], "cus_1");
    assert_eq!(gateway.make("/admin/events", &event("cus_1")).await["duplicate"], true);
    let clash = gateway.request(Method::POST, "/admin/events", &event("cus_2")).await;
    assert_eq!(problem(&clash), (422, "idempotency_key_reused".to_owned()));
    let keyed = async |ordering_key: &str| {
        let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
        let body = json!({ "type": "order.paid", "data": {}, "ordering_key": ordering_key });
        gateway.admin.send(Method::POST, "/admin/events", &headers, body.to_string()).await.unwrap()
    };
    assert_eq!(keyed("a").await.status, StatusCode::ACCEPTED);
    assert_eq!(keyed("a").await.header("idempotency-replayed"), Some("true"));
    assert_eq!(problem(&keyed("b").await), (422, "idempotency_key_reused".to_owned()));
    for bad in [json!(""), json!("a\tb"), json!("x".repeat(256)), json!(7)] {
        let body = json!({ "type": "order.placed", "data": {}, "ordering_key": bad });
        let answer = gateway.request(Method::POST, "/admin/events", &body).await;
        assert_eq!((problem(&answer).0, pointers(&answer)), (422, vec!["/ordering_key".to_owned()]));
    }
    let admin = holder(&gateway.admin, &["admin"]).await;
    let reader = holder(&admin, &["read"]).await;
    let seen = reader.get(&path).await.unwrap().json();
    assert_eq!((seen.get("ordering_key"), &seen["redacted"]), (None, &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordering_key_does_not_change_the_envelope() {
    let gateway = bare().await;
    let mut receiver = Receiver::start().await;
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    gateway.make("/admin/events", &json!({ "type": "order.placed", "data": {}, "ordering_key": "cus_1" })).await;
    let envelope = receiver.next().await.json();
    let members: Vec<&String> = envelope.as_object().unwrap().keys().collect();
    assert_eq!(members, ["created_at", "data", "id", "metadata", "type"]);
    assert!(!envelope.to_string().contains("cus_1"));
}
