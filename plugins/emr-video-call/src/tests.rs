//! The fixtures, and what is easier said in code.

use std::fs;
use std::path::Path;

use hookwright_plugin_sdk::inbound::{Assurance, Authentication};
use serde_json::{Value, json};

use super::*;

fn context() -> Context {
    Context {
        contract: "0.1.0".to_owned(),
        plugin: "emr-video-call".to_owned(),
        binding_id: "src_1".to_owned(),
        binding_name: "emr".to_owned(),
        subject_id: "msg_1".to_owned(),
        attempt: 1,
        now_ms: 1_767_565_801_000,
        settings: "{}".to_owned(),
        attributes: Vec::new(),
    }
}

fn parse(body: &[u8]) -> Result<Outcome, Refusal> {
    let request = Request {
        method: "POST".to_owned(),
        hook: "video-call-completed".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_vec(),
        received_at_ms: 1_767_565_801_000,
        authentication: Authentication {
            assurance: Assurance::Verified,
            scheme: "standard-webhooks".to_owned(),
            attributes: Vec::new(),
        },
        attributes: Vec::new(),
    };
    EmrVideoCall::parse(&context(), &request)
}

/// A case by its name in the contract.
fn name(case: &impl std::fmt::Debug) -> String {
    let case = format!("{case:?}");
    case.rsplit("::").next().unwrap_or_default().to_lowercase()
}

/// The outcome in the form that fixtures use: fields that are empty are left out.
fn shown(outcome: &Result<Outcome, Refusal>) -> Value {
    match outcome {
        Ok(Outcome::Accepted(accepted)) => json!({
            "accepted": {
                "message_id": accepted.message_id,
                "reports": accepted.reports.iter().map(shown_report).collect::<Vec<_>>(),
                "metadata": accepted.metadata.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            },
        }),
        Ok(_) => panic!("the plugin neither ignores nor fetches"),
        Err(refusal) => json!({
            "refusal": { "code": refusal.code, "location": refusal.location, "expected": refusal.expected },
        }),
    }
}

fn shown_report(report: &Report) -> Value {
    let duration = |duration: &Option<CallDuration>| {
        duration.as_ref().map(|it| json!({ "seconds": it.seconds, "source": name(&it.source) }))
    };
    let time = |at: &Timestamp| json!({ "unix_ms": at.unix_ms, "precision": name(&at.precision) });
    let place = |place: &Option<Address>| {
        place.as_ref().map(|it| {
            json!({
                "lines": it.lines, "city": it.city, "state": it.state, "postal_code": it.postal_code,
                "country": it.country,
            })
        })
    };
    match report {
        Report::ConsultationCompleted(it) => json!({
            "consultation_completed": {
                "patient_external_id": it.patient_external_id,
                "appointment_id": it.appointment_id,
                "provider_id": it.provider_id,
                "duration": duration(&it.duration),
                "completed_at": time(&it.completed_at),
                "patient_location": place(&it.patient_location),
                "test": it.test,
            },
        }),
        Report::ConsultationScheduled(it) => json!({
            "consultation_scheduled": {
                "patient_external_id": it.patient_external_id,
                "appointment_id": it.appointment_id,
                "provider_id": it.provider_id,
                "status": name(&it.status),
                "starts_at": it.starts_at.as_ref().map(time),
                "duration": duration(&it.duration),
                "changed_at": it.changed_at.as_ref().map(time),
                "patient_location": place(&it.patient_location),
                "test": it.test,
            },
        }),
        Report::PatientUpdated(_) | Report::Platform(_) => panic!("the plugin reports consultations alone"),
    }
}

#[test]
fn fixtures_give_what_they_expect() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut seen = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let fixture: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let outcome = parse(fixture["input"]["body"].to_string().as_bytes());
        assert_eq!(shown(&outcome), fixture["expected"], "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} fixtures were found");
}

const EXAMPLE: &str = r#"{
    "event": "video_call.completed", "patient_external_id": "cus_xyz", "appointment_id": "appt_789",
    "provider_id": "dr_abc", "call_duration_minutes": 15, "completed_at": "2026-01-04T22:30:00Z"
}"#;

/// Where the example is refused when one of its fields has another value; `null` leaves the field out.
fn refused_with(field: &str, value: Value) -> Option<String> {
    let mut body: Value = serde_json::from_str(EXAMPLE).unwrap();
    body[field] = value;
    let refusal = parse(body.to_string().as_bytes()).err()?;
    assert!(refusal.code == "malformed", "{}", refusal.code);
    refusal.location
}

#[test]
fn every_field_is_needed() {
    for field in
        ["event", "patient_external_id", "appointment_id", "provider_id", "call_duration_minutes", "completed_at"]
    {
        assert_eq!(refused_with(field, Value::Null), Some(format!("/{field}")));
        assert_eq!(refused_with(field, json!({})), Some(format!("/{field}")));
        assert_eq!(refused_with(field, json!("")), Some(format!("/{field}")));
    }
}

#[test]
fn durations_are_sensible_numbers() {
    for good in [json!(0), json!(15), json!("15"), json!(" 15.5 "), json!(0.5), json!(1440)] {
        assert_eq!(refused_with("call_duration_minutes", good.clone()), None, "{good}");
    }
    for bad in
        [json!(-1), json!("-1"), json!(1441), json!(1e300), json!("15 min"), json!("NaN"), json!(true), json!([])]
    {
        let location = refused_with("call_duration_minutes", bad.clone());
        assert_eq!(location.as_deref(), Some("/call_duration_minutes"), "{bad}");
    }
}

#[test]
fn times_have_an_offset() {
    assert_eq!(refused_with("completed_at", json!("2026-01-04T16:30:00.5-06:00")), None);
    for bad in [json!("2026-01-04T22:30:00"), json!("2026-01-04"), json!(1_767_565_800), json!("2026-02-30T00:00:00Z")]
    {
        assert_eq!(refused_with("completed_at", bad.clone()).as_deref(), Some("/completed_at"), "{bad}");
    }
}

#[test]
fn ids_are_bounded_and_may_be_numbers() {
    assert_eq!(refused_with("patient_external_id", json!(42)), None);
    for bad in [json!("x".repeat(129)), json!("a\u{0}b"), json!(4.2), json!(["cus_xyz"])] {
        assert_eq!(refused_with("patient_external_id", bad.clone()).as_deref(), Some("/patient_external_id"), "{bad}");
    }
}

#[test]
fn bodies_that_are_no_object_are_refused() {
    for (body, location) in [
        (&b""[..], Some("line 1 column 0")),
        (b"[]", None),
        (b"\"text\"", None),
        (b"{\"event\": \"video_call.completed\"", Some("line 1 column 32")),
        (b"{\"event\": \"a\", \"event\": \"b\"}", Some("line 1 column 22")),
        (b"\xff\xfe", Some("line 1 column 1")),
    ] {
        let refusal = parse(body).unwrap_err();
        assert_eq!((refusal.code, refusal.location.as_deref()), ("malformed", location));
    }
}

#[test]
fn unknown_events_are_unsupported_and_not_repeated() {
    let refusal = parse(br#"{"event": "patient.secret"}"#).unwrap_err();
    assert_eq!((refusal.code, refusal.location.as_deref()), ("unsupported", Some("/event")));
    assert!(!format!("{refusal:?}").contains("secret"));
}
