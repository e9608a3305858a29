//! The story of the specification, end to end: one signed call goes in, two signed deliveries come out, and every record in between is there.

use crate::harness::{Gateway, Receiver, SourceClient, eventually};
use hookwright::sink::Reply;
use hookwright_store::ManualClock;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// The specification's example, byte for byte.
const EXAMPLE: &str = r#"{
  "event": "video_call.completed",
  "patient_external_id": "cus_xyz",
  "appointment_id": "appt_789",
  "provider_id": "dr_abc",
  "call_duration_minutes": 15,
  "completed_at": "2026-01-04T22:30:00Z"
}
"#;
const FULFILLED: &str = "compliance.establishment_fulfilled";

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_s_call_becomes_two_signed_deliveries_with_every_record_between() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let mut receiver = Receiver::start().await;
    gateway.customer("cus_xyz", "Texas", "78701").await;
    let raw = gateway.subscribe(&receiver.url("/raw"), &[FULFILLED], json!({ "name": "Raw" })).await;
    let transform = json!({ "name": "Klaviyo", "transform": { "plugin": "klaviyo-profile" } });
    let reshaped = gateway.subscribe(&receiver.url("/klaviyo"), &[FULFILLED], transform).await;

    let answer = emr.post_as(&gateway, "video-call-completed", "msg_1", EXAMPLE.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let first = answer.json();

    let (mut one, mut other) = (receiver.next().await, receiver.next().await);
    if one.path == "/klaviyo" {
        std::mem::swap(&mut one, &mut other);
    }
    assert!(raw.verifies(&one) && reshaped.verifies(&other), "each by its own secret");
    assert!(!raw.verifies(&other) && !reshaped.verifies(&one), "and by no other");
    assert_eq!(one.header("webhook-id"), other.header("webhook-id"), "one event, one id");
    let envelope = one.json();
    assert_eq!(envelope["type"], FULFILLED);
    assert_eq!(envelope["id"], json!(one.header("webhook-id")));
    assert_eq!(envelope["data"]["customer_id"], "cus_xyz");
    assert_eq!(envelope["data"]["region_code"], "US-TX");
    assert_eq!(envelope["data"]["establishment"]["established"], true);
    assert_eq!(envelope["metadata"], json!({ "api_version": "1.0", "webhook_subscription_id": raw.id }));
    assert!(other.json()["type"].as_str() != Some(FULFILLED), "the plugin reshaped it: {}", other.json());

    records(&gateway, &emr, &envelope).await;
    again(&gateway, &emr, &first).await;
}

/// Everything that followed is on record.
async fn records(gateway: &Gateway, emr: &SourceClient, envelope: &Value) {
    let establishments = gateway.list("/admin/establishments?customer_id=cus_xyz").await;
    assert_eq!(establishments.len(), 1);
    assert_eq!(establishments[0]["id"], envelope["data"]["establishment"]["id"]);
    assert_eq!(establishments[0]["since"], "2026-01-04T22:30:00Z");
    assert_eq!(establishments[0]["until"], "2027-01-04T22:30:00Z");
    let messages = gateway.list("/admin/messages?source=emr").await;
    assert_eq!(messages[0]["source_id"], json!(emr.id));
    assert_eq!((messages.len(), &messages[0]["status"]), (1, &json!("processed")));
    let settled = eventually("both deliveries are settled", async || {
        let rows = gateway.list("/admin/deliveries").await;
        (rows.len() == 2 && rows.iter().all(|row| row["status"] == "delivered")).then_some(rows)
    })
    .await;
    for row in settled {
        let delivery = gateway.read(&format!("/admin/deliveries/{}", row["id"].as_str().unwrap())).await;
        assert_eq!(delivery["attempts"], 1);
        assert_eq!(delivery["attempt_list"][0]["response_code"], 200);
    }
    let audit = gateway.list("/admin/audit").await;
    for action in ["source.created", "subscription.created"] {
        assert!(audit.iter().any(|entry| entry["action"] == action), "{action} is not in the audit");
    }
}

/// The partner repeats itself: the first answer's ids, and no second effect.
async fn again(gateway: &Gateway, emr: &SourceClient, first: &Value) {
    let answer = emr.post_as(gateway, "video-call-completed", "msg_1", EXAMPLE.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["message_id"], first["message_id"]);
    assert_eq!(gateway.list("/admin/messages").await.len(), 1);
    assert_eq!(gateway.list("/admin/deliveries").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_is_there_after_a_restart() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    let url = receiver.url("/");
    gateway.subscribe(&url, &["compliance.*"], json!({})).await;
    let answer = emr.post_as(&gateway, "video-call-completed", "msg_1", EXAMPLE.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    let first = answer.json();
    let tables = async |gateway: &Gateway| {
        let mut all = Vec::new();
        for table in ["sources", "subscriptions", "messages", "events", "establishments", "plugins"] {
            all.push(gateway.list(&format!("/admin/{table}")).await);
        }
        all
    };
    let before = tables(&gateway).await;
    let gateway = gateway.restart().await;
    assert_eq!(tables(&gateway).await, before);
    let answer = emr.post_as(&gateway, "video-call-completed", "msg_1", EXAMPLE.as_bytes()).await;
    assert_eq!(answer.json()["message_id"], first["message_id"], "a repetition is known after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_establishment_lapses_by_the_clock_even_over_a_restart() {
    // A little after the example's call.
    let clock = Arc::new(ManualClock::at(1_767_600_000_000));
    let gateway = Gateway::builder()
        .clock(Arc::<ManualClock>::clone(&clock))
        .set("compliance.validity_days_by_region", "US-TX=30")
        .start()
        .await;
    let emr = gateway.source("emr").await;
    let mut receiver = Receiver::start().await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    gateway.subscribe(&receiver.url("/"), &["compliance.*"], json!({})).await;
    emr.post_as(&gateway, "video-call-completed", "msg_1", EXAMPLE.as_bytes()).await;
    assert_eq!(receiver.next().await.json()["type"], FULFILLED);

    clock.advance(31 * 86_400_000);
    let gateway = gateway.restart().await;
    let expired = receiver.next().await.json();
    assert_eq!(expired["type"], "compliance.establishment_expired");
    assert_eq!(expired["data"]["establishment"]["established"], false);
    let rows = gateway.list("/admin/establishments?customer_id=cus_xyz").await;
    assert_eq!((&rows[0]["established"], &rows[0]["until"]), (&json!(false), &json!("2026-02-03T22:30:00Z")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_sealed() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let mut receiver = Receiver::start().await;
    receiver.answer(|_| Reply { body: "an-answer-in-the-clear".into(), ..Reply::status(StatusCode::OK) });
    gateway.customer("cus_xyz", "TX", "78701").await;
    let subscribed = gateway.subscribe(&receiver.url("/"), &["compliance.*"], json!({})).await;
    // The plugins' fixtures name the example's provider, and are nobody's secret.
    let told = EXAMPLE.replace("dr_abc", "dr_in_the_clear");
    emr.post_as(&gateway, "video-call-completed", "msg_1", told.as_bytes()).await;
    receiver.next().await;
    eventually("the delivery is settled", async || {
        let rows = gateway.list("/admin/deliveries").await;
        (rows.len() == 1 && rows[0]["status"] == "delivered").then_some(())
    })
    .await;
    let secrets = [emr.secret.reveal().to_string(), subscribed.secret.reveal().to_string()];
    let words =
        ["dr_in_the_clear", "Ada Example", "1 Main St", "an-answer-in-the-clear", &secrets[0][6..], &secrets[1][6..]];
    let mut files = 0;
    for entry in std::fs::read_dir(gateway.directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Compiled plugins: code, and nothing that came in.
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        files += usize::from(bytes.len() > 10_000);
        for word in words {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{word} is readable in {}", path.display());
        }
    }
    assert!(files > 0, "the records were not found");
}
