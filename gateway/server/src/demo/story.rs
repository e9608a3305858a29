//! The story itself: one signed call goes in, two signed deliveries come out, and every record in between is shown.

use super::DemoError;
use super::narrator::Narrator;
use super::report::{Received, Records, Report, Sent};
use super::stage::{Stage, Subscribed, expect, tell_signature};
use crate::clock::SystemClock;
use crate::sink::Delivered;
use hookwright_core::catalogue::ESTABLISHMENT_FULFILLED;
use hookwright_core::signature::sign_v1;
use hookwright_store::Clock;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The specification's example, byte for byte.
pub(super) const EXAMPLE: &str = r#"{
  "event": "video_call.completed",
  "patient_external_id": "cus_xyz",
  "appointment_id": "appt_789",
  "provider_id": "dr_abc",
  "call_duration_minutes": 15,
  "completed_at": "2026-01-04T22:30:00Z"
}"#;
/// Where it is posted.
pub(super) const PATH: &str = "/webhooks/emr/video-call-completed";

/// How long the demo waits for what follows.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// Plays it.
pub(super) async fn tell(stage: &mut Stage, narrator: &mut Narrator) -> Result<Report, DemoError> {
    let sent = post(stage, narrator).await?;
    let received = receive(stage, narrator).await?;
    let records = look(stage, &sent, narrator).await?;
    let ok = received.iter().all(|delivery| delivery.verified) && received.len() == stage.subscriptions.len();
    Ok(Report {
        ok,
        public_url: stage.public.base().to_owned(),
        admin_url: stage.admin.base().to_owned(),
        sent,
        received,
        records,
    })
}

async fn post(stage: &Stage, narrator: &mut Narrator) -> Result<Sent, DemoError> {
    narrator.step(&format!("The EMR reports a video call: POST {PATH}"));
    narrator.body(EXAMPLE.as_bytes());
    let id = format!("msg_{}", hex::encode(crate::chance::bytes::<12>()));
    let now_secs = SystemClock.now_ms().div_euclid(1000);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.clone()),
        ("webhook-timestamp", now_secs.to_string()),
        ("webhook-signature", sign_v1(std::slice::from_ref(&stage.source_secret), &id, now_secs, EXAMPLE.as_bytes())),
    ];
    for (name, value) in &headers[1..] {
        narrator.pair(name, value);
    }
    let shown: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = stage.public.send(Method::POST, PATH, &shown, EXAMPLE).await?;
    let status = answer.status;
    let body = expect("post the partner's message", &answer)?;
    narrator.good(&format!("answered {status}, once everything that follows from it was on disk:"));
    narrator.body(&answer.body);
    Ok(Sent {
        path: PATH.to_owned(),
        headers: shown.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect(),
        body: EXAMPLE.to_owned(),
        secret: stage.source_secret.reveal().to_string(),
        status: status.as_u16(),
        answer: body,
    })
}

async fn receive(stage: &mut Stage, narrator: &mut Narrator) -> Result<Vec<Received>, DemoError> {
    let mut received: Vec<Option<Received>> = vec![None; stage.subscriptions.len()];
    let deadline = Instant::now() + PATIENCE;
    while received.iter().any(Option::is_none) {
        let late = DemoError::Late { what: "the arrival of both deliveries", seconds: PATIENCE.as_secs() };
        let delivered = tokio::time::timeout_at(deadline, stage.receiver.next()).await.ok().flatten().ok_or(late)?;
        let found = stage.subscriptions.iter().position(|subscription| subscription.path == delivered.path);
        let Some(at) = found.filter(|_| is_of_the_story(&delivered)) else { continue };
        received[at] = Some(show(&stage.subscriptions[at], &delivered, narrator));
    }
    Ok(received.into_iter().flatten().collect())
}

/// Raw deliveries name their type; those that a plugin reshaped are of the one type their subscription wants.
fn is_of_the_story(delivered: &Delivered) -> bool {
    delivered.json()["type"]
        .as_str()
        .is_none_or(|event_type| event_type == ESTABLISHMENT_FULFILLED || !event_type.starts_with("compliance."))
}

fn show(subscription: &Subscribed, delivered: &Delivered, narrator: &mut Narrator) -> Received {
    narrator.step(&format!("`{}` receives {} {}", subscription.name, delivered.method, delivered.path));
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature", "content-type"] {
        narrator.pair(name, delivered.header(name).unwrap_or("is missing"));
    }
    let verified = tell_signature(subscription, delivered, narrator);
    narrator.body(&delivered.body);
    Received {
        subscription: subscription.name.clone(),
        subscription_id: subscription.id.clone(),
        secret: subscription.secret.reveal().to_string(),
        method: delivered.method.clone(),
        path: delivered.path.clone(),
        headers: delivered.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Map<_, _>>(),
        body: String::from_utf8_lossy(&delivered.body).into_owned(),
        verified,
    }
}

async fn look(stage: &Stage, sent: &Sent, narrator: &mut Narrator) -> Result<Records, DemoError> {
    let message_id = sent.answer["message_id"].as_str().unwrap_or_default();
    let deliveries = settled(stage).await?;
    let records = Records {
        message: read(stage, &format!("/admin/messages/{message_id}")).await?,
        customer: read(stage, "/admin/customers/cus_xyz").await?,
        establishments: list(stage, "/admin/establishments?customer_id=cus_xyz").await?,
        deliveries,
        audit: list(stage, "/admin/audit").await?,
    };
    let names = stage.subscriptions.iter().map(|it| (it.id.clone(), it.name.clone())).collect();
    tell_records(&records, &names, narrator);
    Ok(records)
}

/// The deliveries of the story's event, once the gateway has their end on record, which is a moment after the receiver has them.
async fn settled(stage: &Stage) -> Result<Vec<Value>, DemoError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rows = list(stage, "/admin/deliveries").await?;
        let of_the_story: Vec<&Value> =
            rows.iter().filter(|row| row["event_type"] == ESTABLISHMENT_FULFILLED).collect();
        if of_the_story.len() >= 2 && of_the_story.iter().all(|row| row["status"] == "delivered") {
            let mut deliveries = Vec::with_capacity(of_the_story.len());
            // Lists are newest first; a story begins with the oldest.
            for row in of_the_story.into_iter().rev() {
                let id = row["id"].as_str().unwrap_or_default();
                deliveries.push(read(stage, &format!("/admin/deliveries/{id}")).await?);
            }
            return Ok(deliveries);
        }
        if Instant::now() >= deadline {
            return Err(DemoError::Late { what: "the record of both deliveries", seconds: PATIENCE.as_secs() });
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn tell_records(records: &Records, names: &BTreeMap<String, String>, narrator: &mut Narrator) {
    narrator.step("What is on record");
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let message = &records.message;
    narrator.pair("message", &format!("{} {}", text(&message["id"]), text(&message["status"])));
    for row in &records.establishments {
        let span = format!("from {} until {}", text(&row["since"]), text(&row["until"]));
        narrator.pair("establishment", &format!("{} {} {span}", text(&row["id"]), text(&row["region"])));
    }
    for row in &records.deliveries {
        let to = names.get(&text(&row["subscription_id"])).cloned().unwrap_or_default();
        narrator.pair("delivery", &format!("{} to `{to}`: {}", text(&row["id"]), text(&row["status"])));
        for attempt in row["attempt_list"].as_array().into_iter().flatten() {
            let (number, code) = (text(&attempt["number"]), text(&attempt["response_code"]));
            narrator.pair("  attempt", &format!("{number}: {code} after {} ms", text(&attempt["duration_ms"])));
        }
    }
    for row in records.audit.iter().rev() {
        narrator.pair("audit", &format!("{} {} {}", text(&row["actor"]), text(&row["action"]), text(&row["target"])));
    }
}

async fn read(stage: &Stage, path: &str) -> Result<Value, DemoError> {
    expect("read a record", &stage.admin.get(path).await?)
}

async fn list(stage: &Stage, path: &str) -> Result<Vec<Value>, DemoError> {
    match read(stage, path).await?["data"].take() {
        Value::Array(rows) => Ok(rows),
        _ => Ok(Vec::new()),
    }
}
