//! Partners that do not answer: what waits for them, for how long, and what is told of it.

use super::partner::Partner;
use super::{encounter, gateway, notification, settled};
use crate::harness::patience::eventually;
use crate::harness::{Gateway, SourceClient, guests};
use hookwright_store::ManualClock;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A partner that is away until it is told otherwise.
async fn partner_that_is_away() -> (Partner, Arc<AtomicBool>) {
    let is_back = Arc::new(AtomicBool::new(false));
    let back = Arc::clone(&is_back);
    let partner = Partner::start(move |_, asked| {
        let id = asked.path.strip_prefix("/fhir/Encounter/").unwrap_or_default();
        Some(if back.load(Ordering::SeqCst) { encounter(id, "cus_xyz") } else { (503, String::new()) })
    })
    .await;
    (partner, is_back)
}

/// A source whose partner is asked once before its messages wait.
async fn source(gateway: &Gateway, partner: &Partner, give_up_seconds: u32) -> SourceClient {
    let fetch = json!({ "base_url": partner.url("/fhir/"), "attempts_max": 1, "rate_per_second": 1000,
        "give_up_seconds": give_up_seconds });
    gateway.source_with("ehr", json!({ "plugin": "fhir", "fetch": fetch })).await
}

async fn named(gateway: &Gateway, ehr: &SourceClient, number: u32) -> String {
    let answer = ehr.post(gateway, "notify", &notification(number, &format!("Encounter/e{number}"))).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    answer.json()["message_id"].as_str().unwrap().to_owned()
}

/// The message, once it says that its partner did not answer.
async fn waiting(gateway: &Gateway, id: &str) -> Value {
    eventually("the message waits for its partner", async || {
        let message = gateway.read(&format!("/admin/messages/{id}")).await;
        message["logs"].to_string().contains("asked again later").then_some(message)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_for_a_partner_that_is_away_and_take_effect_when_it_is_back() {
    let (partner, is_back) = partner_that_is_away().await;
    let gateway = gateway().await;
    let ehr = source(&gateway, &partner, 3_600).await;
    let first = named(&gateway, &ehr, 1).await;
    let message = waiting(&gateway, &first).await;
    assert_eq!(message["status"], "fetching", "{message}");
    assert!(message["logs"][0].as_str().unwrap().contains("503"), "{message}");

    // While it is away others wait with it, and it is left in peace.
    let second = named(&gateway, &ehr, 2).await;
    let third = named(&gateway, &ehr, 3).await;
    // What is on record is noted a moment later by who asks: the second may just slip through, and waits like the first.
    assert!(partner.asked().len() <= 2, "{:?}", partner.asked());

    // An operator need not wait, and once it answers, those who waited go on.
    is_back.store(true, Ordering::SeqCst);
    let path = format!("/admin/messages/{first}/reprocess");
    assert_eq!(gateway.request(Method::POST, &path, &json!({})).await.status, StatusCode::OK);
    for id in [first, second, third] {
        assert_eq!(settled(&gateway, &json!(id)).await["status"], "processed", "{id}");
    }
    let missed = partner.asked().len() - 3;
    assert!((1..=2).contains(&missed), "{:?}", partner.asked());
    let lines = [("answered", 3), ("no_answer", missed)]
        .map(|(result, count)| format!(r#"hookwright_source_fetches_total{{source="ehr",result="{result}"}} {count}"#));
    // A message is settled a moment before it is counted.
    eventually("all are counted", async || {
        let answer = gateway.admin.get("/metrics").await.unwrap();
        let measured = std::str::from_utf8(&answer.body).unwrap();
        lines.iter().all(|line| measured.lines().any(|own| own == line)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_mended_is_asked_anew() {
    let (away, _) = partner_that_is_away().await;
    let (other, is_back) = partner_that_is_away().await;
    is_back.store(true, Ordering::SeqCst);
    let gateway = gateway().await;
    let ehr = source(&gateway, &away, 3_600).await;
    let id = named(&gateway, &ehr, 1).await;
    waiting(&gateway, &id).await;
    let patch = json!({ "fetch": { "base_url": other.url("/fhir/") } });
    assert_eq!(
        gateway.request(Method::PATCH, &format!("/admin/sources/{}", ehr.id), &patch).await.status,
        StatusCode::OK
    );
    assert_eq!(settled(&gateway, &json!(id)).await["status"], "processed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_not_wait_says_what_the_partner_answered() {
    let (partner, _) = partner_that_is_away().await;
    let gateway = gateway().await;
    let ehr = source(&gateway, &partner, 0).await;
    let id = named(&gateway, &ehr, 1).await;
    let message = settled(&gateway, &json!(id)).await;
    assert_eq!(message["status"], "quarantined", "{message}");
    assert_eq!(message["reason"]["code"], "fetch_failed", "{message}");
    assert!(message["reason"]["detail"].as_str().unwrap().ends_with(": 503"), "{message}");
    assert!(!message["reason"].to_string().contains("e1"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_waited_long_enough_are_given_up_while_the_partner_is_away() {
    let (partner, _) = partner_that_is_away().await;
    let clock = Arc::new(ManualClock::at(1_767_565_805_000));
    let gateway = Gateway::builder().without_plugins().clock(Arc::<ManualClock>::clone(&clock)).start().await;
    gateway.push("fhir", guests::fhir()).await;
    let ehr = source(&gateway, &partner, 3_600).await;
    let first = named(&gateway, &ehr, 1).await;
    waiting(&gateway, &first).await;
    let second = named(&gateway, &ehr, 2).await;
    clock.advance(3_600_000);
    for id in [first, second] {
        let message = settled(&gateway, &json!(id)).await;
        assert_eq!((&message["status"], &message["reason"]["code"]), (&json!("quarantined"), &json!("fetch_failed")));
    }
    // It is away all the same: who comes now waits.
    let third = named(&gateway, &ehr, 3).await;
    assert_eq!(gateway.read(&format!("/admin/messages/{third}")).await["status"], "fetching");
    assert!(partner.asked().len() <= 5, "{:?}", partner.asked());
}
