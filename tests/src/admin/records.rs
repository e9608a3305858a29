//! Records: who may see what is in them, and that the seeing is recorded.

use super::{holder, problem};
use crate::harness::{Gateway, Receiver, eventually, video_call};
use hookwright::client::Client;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// A gateway after one consultation that was delivered, and the paths of its records.
async fn told() -> (Gateway, [String; 4]) {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let receiver = Receiver::start().await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    gateway.subscribe(&receiver.url("/"), &["compliance.establishment_fulfilled"], json!({})).await;
    let answer = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    let message = answer.json()["message_id"].as_str().unwrap().to_owned();
    let delivery = eventually("the delivery is settled", async || {
        gateway.list("/admin/deliveries?status=delivered").await.first().cloned()
    })
    .await;
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    let paths = [
        format!("/admin/events/{}", id(&delivery["event_id"])),
        format!("/admin/deliveries/{}", id(&delivery["id"])),
        format!("/admin/messages/{message}"),
        "/admin/customers/cus_xyz".to_owned(),
    ];
    (gateway, paths)
}

async fn read(client: &Client, path: &str) -> Value {
    let answer = client.get(path).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.json());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_for_those_who_may_see_them_and_their_reading_is_recorded() {
    let (gateway, paths) = told().await;
    let admin = holder(&gateway.admin, &["admin"]).await;
    let reader = holder(&admin, &["read"]).await;
    let physician = holder(&admin, &["phi"]).await;
    let readings = async || {
        let audit = read(&admin, "/admin/audit?limit=200").await;
        let actions =
            audit["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned());
        actions.filter(|action| action.split('.').next_back() == Some("read")).collect::<Vec<_>>()
    };
    for path in &paths {
        let shown = read(&reader, path).await;
        assert_eq!(shown["redacted"], true, "{path}");
        for secret in ["appt_1", "Main St", "Ada", "dr_abc"] {
            assert!(!shown.to_string().contains(secret), "{path}: {secret}");
        }
    }
    assert!(readings().await.is_empty());
    for (path, content) in paths.iter().zip(["appt_1", "appt_1", "appt_1", "Main St"]) {
        let shown = read(&physician, path).await;
        assert!(shown.get("redacted").is_none() && shown.to_string().contains(content), "{path}: {shown}");
    }
    let mut recorded = readings().await;
    recorded.reverse();
    assert_eq!(recorded, ["event.read", "delivery.read", "message.read", "customer.read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_shows_what_the_specification_names() {
    let (gateway, [event, delivery, message, _]) = told().await;
    let delivery = gateway.read(&delivery).await;
    assert_eq!(delivery["payload"]["type"], "compliance.establishment_fulfilled");
    assert_eq!(delivery["payload"]["metadata"]["webhook_subscription_id"], delivery["subscription_id"]);
    assert_eq!(delivery["payload"]["id"], delivery["event_id"]);
    assert_eq!(
        (&delivery["status"], &delivery["attempts"], &delivery["response_code"]),
        (&json!("delivered"), &json!(1), &json!(200))
    );
    assert_eq!(delivery["attempt_list"][0]["number"], 1);
    let event = gateway.read(&event).await;
    assert_eq!((&event["deliveries"][0]["id"], &event["delivery_count"]), (&delivery["id"], &json!(1)));
    let message = gateway.read(&message).await;
    assert_eq!((&message["status"], &message["events"][0]), (&json!("processed"), &event["id"]));
    assert!(message["body"].as_str().unwrap().contains("video_call.completed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_found_by_what_they_belong_to() {
    let (gateway, _) = told().await;
    let rows = async |path: &str| gateway.list(path).await.len();
    let delivery = gateway.list("/admin/deliveries").await[0].clone();
    let (event, subscription) = (delivery["event_id"].as_str().unwrap(), delivery["subscription_id"].as_str().unwrap());
    for (path, count) in [
        (format!("/admin/deliveries?event_id={event}"), 1),
        (format!("/admin/deliveries?subscription_id={subscription}&status=delivered"), 1),
        (format!("/admin/deliveries?subscription_id={subscription}&status=failed"), 0),
        ("/admin/deliveries?event_id=evt_0000000000001".to_owned(), 0),
        ("/admin/messages?source=emr&status=processed".to_owned(), 1),
        ("/admin/messages?source=emr&status=held".to_owned(), 0),
        ("/admin/events?type=customer.created".to_owned(), 1),
        ("/admin/events?type=customer.deleted".to_owned(), 0),
        ("/admin/establishments?customer_id=cus_xyz&region=US-TX".to_owned(), 1),
        ("/admin/establishments?customer_id=cus_xyz&region=US-NM".to_owned(), 0),
    ] {
        assert_eq!(rows(&path).await, count, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_stated_and_what_is_left_out_is_gone() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let path = "/admin/customers/cus_1";
    let whole =
        json!({ "name": "Ada Example", "address": { "state": "Texas", "postal_code": "78701", "country": "US" } });
    let made = gateway.request(Method::PUT, path, &whole).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, Some(path)));
    assert_eq!((&made.json()["region"], &made.json()["name"]), (&json!("US-TX"), &json!("Ada Example")));
    let changed = gateway.request(Method::PUT, path, &json!({ "address": { "state": "TX" } })).await;
    assert_eq!((changed.status, changed.json().get("name").cloned()), (StatusCode::OK, None));
    assert_eq!(gateway.list("/admin/events?type=compliance.requirement_created").await.len(), 1);
    let bad = gateway.request(Method::PUT, "/admin/customers/a%2Fb", &json!({})).await;
    assert_eq!(problem(&bad), (422, "invalid".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_versions_are_listed() {
    let gateway = Gateway::start().await;
    let plugins = gateway.list("/admin/plugins").await;
    let names: Vec<_> = plugins.iter().map(|plugin| plugin["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["emr-video-call", "klaviyo-profile"]);
    assert_eq!((&plugins[0]["world"], &plugins[1]["world"]), (&json!("inbound"), &json!("outbound")));
    assert_eq!(plugins[0]["versions"][0]["digest"], plugins[0]["active"]);
    let wrong = json!({ "name": "x", "url": "https://example.com/", "events": ["*"], "transform": { "plugin": "emr-video-call" } });
    let answer = gateway.request(Method::POST, "/admin/subscriptions", &wrong).await;
    assert_eq!(super::pointers(&answer), ["/transform/plugin"]);
    assert_eq!(gateway.list("/admin/event-types").await.len(), 18);
}
