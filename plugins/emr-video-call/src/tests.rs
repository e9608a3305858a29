//! The fixtures, and what is easier said in code.

use std::path::Path;

use hookwright_plugin_sdk::inbound::{Assurance, Authentication};
use hookwright_plugin_sdk::testing::{Fixture, within_bounds};
use proptest::prelude::*;
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

fn fixtures() -> Vec<Fixture> {
    Fixture::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap()
}

#[test]
fn fixtures_give_what_they_expect() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 14, "only {} fixtures were found", fixtures.len());
    let failed: Vec<_> = fixtures.iter().filter_map(|fixture| fixture.check::<EmrVideoCall>().err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn nothing_that_is_wrong_with_a_body_is_too_much() {
    for fixture in fixtures() {
        fixture.survive_mutations::<EmrVideoCall>().unwrap();
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(within_bounds(&parse(&body)), Ok(()));
    }
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
    for bad in [
        json!("2026-01-04T22:30:00"),
        json!("2026-01-04"),
        json!(1_767_565_800),
        json!("2026-02-30T00:00:00Z"),
        json!("2023-02-29T00:00:00Z"),
        json!("2026-13-01T00:00:00Z"),
        json!("0000-01-01T00:00:00Z"),
        json!("0001-01-01T00:00:00+01:00"),
    ] {
        assert_eq!(refused_with("completed_at", bad.clone()).as_deref(), Some("/completed_at"), "{bad}");
    }
}

#[test]
fn ids_are_bounded_and_may_be_numbers() {
    assert_eq!(refused_with("patient_external_id", json!(42)), None);
    for bad in [json!("x".repeat(129)), json!("a\u{0}b"), json!(4.2), json!(["cus_xyz"]), json!("a b"), json!("../1")] {
        assert_eq!(refused_with("patient_external_id", bad.clone()).as_deref(), Some("/patient_external_id"), "{bad}");
    }
}

#[test]
fn what_may_be_left_out_may_be_empty() {
    let body = json!({
        "event": "appointment.cancelled", "patient_external_id": "cus_xyz", "appointment_id": "appt_789",
        "provider_id": "", "starts_at": " ", "changed_at": "", "duration_minutes": "", "patient_location": "",
    });
    let Ok(Outcome::Accepted(accepted)) = parse(body.to_string().as_bytes()) else { panic!("it is refused") };
    let Report::ConsultationScheduled(it) = &accepted.reports[0] else { panic!("{:?}", accepted.reports) };
    assert_eq!((&it.provider_id, it.starts_at, it.changed_at, it.duration), (&None, None, None, None));
    assert_eq!(accepted.message_id, None);
}

#[test]
fn the_test_flag_may_be_text_and_must_make_sense() {
    for good in [json!(true), json!("true"), json!(" False "), Value::Null] {
        assert_eq!(refused_with("test", good.clone()), None, "{good}");
    }
    for bad in [json!("yes"), json!(1), json!([]), json!("")] {
        assert_eq!(refused_with("test", bad.clone()).as_deref(), Some("/test"), "{bad}");
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
