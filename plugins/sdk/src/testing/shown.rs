//! Answers as JSON, in the form in which fixtures expect them.

use serde_json::{Map, Value, json};

use crate::inbound::{
    Address, CallDuration, ConsultationCompleted, ConsultationScheduled, Fetch, Outcome, PatientUpdated, Refusal,
    Reply, Report, Timestamp,
};

/// The end of a call, as `hookwright plugin test` shows it. It holds whatever the plugin answered.
pub fn shown(answer: &Result<Outcome, Refusal>) -> Value {
    match answer {
        Ok(Outcome::Accepted(it)) => json!({ "accepted": {
            "message_id": it.message_id,
            "reports": it.reports.iter().map(report).collect::<Vec<_>>(),
            "reply": it.reply.as_ref().map(reply),
            "metadata": pairs(&it.metadata),
            "attributes": pairs(&it.attributes),
        } }),
        Ok(Outcome::Ignored(it)) => json!({ "ignored": {
            "reason": it.reason,
            "reply": it.reply.as_ref().map(reply),
            "metadata": pairs(&it.metadata),
            "attributes": pairs(&it.attributes),
        } }),
        Ok(Outcome::NeedFetch(it)) => json!({ "need_fetch": {
            "fetches": it.fetches.iter().map(fetch).collect::<Vec<_>>(),
            "message_id": it.message_id,
            "reply": it.reply.as_ref().map(reply),
            "metadata": pairs(&it.metadata),
            "attributes": pairs(&it.attributes),
            "state_text": text(&it.state),
        } }),
        Err(it) => json!({ "refusal": {
            "code": it.code,
            "location": it.location,
            "expected": it.expected,
            "reply": it.reply.as_deref().map(reply),
            "attributes": pairs(&it.attributes),
        } }),
    }
}

fn report(report: &Report) -> Value {
    match report {
        Report::ConsultationCompleted(it) => json!({ "consultation_completed": completed(it) }),
        Report::ConsultationScheduled(it) => json!({ "consultation_scheduled": scheduled(it) }),
        Report::PatientUpdated(it) => json!({ "patient_updated": updated(it) }),
        Report::Platform(it) => json!({ "platform": {
            "event_type": it.event_type,
            "data": serde_json::from_str::<Value>(&it.data).unwrap_or_default(),
            "attributes": pairs(&it.attributes),
        } }),
    }
}

fn completed(it: &ConsultationCompleted) -> Value {
    json!({
        "patient_external_id": it.patient_external_id,
        "appointment_id": it.appointment_id,
        "provider_id": it.provider_id,
        "duration": it.duration.map(duration),
        "completed_at": time(&it.completed_at),
        "patient_location": it.patient_location.as_ref().map(address),
        "test": it.test,
        "attributes": pairs(&it.attributes),
    })
}

fn scheduled(it: &ConsultationScheduled) -> Value {
    json!({
        "patient_external_id": it.patient_external_id,
        "appointment_id": it.appointment_id,
        "provider_id": it.provider_id,
        // The gateway shows this one in kebab-case.
        "status": name(&it.status).replace("noshow", "no-show"),
        "starts_at": it.starts_at.as_ref().map(time),
        "duration": it.duration.map(duration),
        "changed_at": it.changed_at.as_ref().map(time),
        "patient_location": it.patient_location.as_ref().map(address),
        "test": it.test,
        "attributes": pairs(&it.attributes),
    })
}

fn updated(it: &PatientUpdated) -> Value {
    json!({
        "patient_external_id": it.patient_external_id,
        "name": it.name,
        "address": it.address.as_ref().map(address),
        "merged_into": it.merged_into,
        "changed_at": it.changed_at.as_ref().map(time),
        "test": it.test,
        "attributes": pairs(&it.attributes),
    })
}

/// A case by its name in the contract.
fn name(case: &impl std::fmt::Debug) -> String {
    let case = format!("{case:?}");
    case.rsplit("::").next().unwrap_or_default().to_lowercase()
}

fn duration(it: CallDuration) -> Value {
    json!({ "seconds": it.seconds, "source": name(&it.source) })
}

fn time(it: &Timestamp) -> Value {
    json!({ "unix_ms": it.unix_ms, "precision": name(&it.precision), "zone_assumed": it.zone_assumed })
}

fn address(it: &Address) -> Value {
    json!({
        "lines": it.lines,
        "city": it.city,
        "state": it.state,
        "postal_code": it.postal_code,
        "country": it.country,
        "attributes": pairs(&it.attributes),
    })
}

fn fetch(it: &Fetch) -> Value {
    json!({
        "id": it.id,
        "method": it.method,
        "url": it.url,
        "headers": pairs(&it.headers),
        "body_text": it.body.as_deref().map(text),
        "attributes": pairs(&it.attributes),
    })
}

fn reply(it: &Reply) -> Value {
    json!({
        "status": it.status,
        "content_type": it.content_type,
        "headers": pairs(&it.headers),
        "body_text": Some(text(&it.body)).filter(|text| !text.is_empty()),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Names and values as an object; a name that occurs more than once has a list of values.
fn pairs(pairs: &[(String, String)]) -> Value {
    let mut shown = Map::new();
    for (name, value) in pairs {
        let value = Value::from(value.as_str());
        match shown.get_mut(name) {
            None => {
                shown.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    Value::Object(shown)
}
