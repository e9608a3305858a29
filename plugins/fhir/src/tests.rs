//! The fixtures, everything that may be wrong with them, and what is easier said in code.

use std::fmt::Write as _;
use std::path::Path;

use hookwright_plugin_sdk::testing::{Fixture, within_bounds};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

mod shapes;

fn fixtures() -> Vec<Fixture> {
    Fixture::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap()
}

fn answer(settings: &Value, body: &Value) -> Result<Outcome, Refusal> {
    let json = json!({ "settings": settings, "input": { "body": body } });
    Fixture { name: "case".to_owned(), json }.answer::<Fhir>()
}

fn reports(outcome: Result<Outcome, Refusal>) -> Vec<Report> {
    match outcome {
        Ok(Outcome::Accepted(accepted)) => accepted.reports,
        other => panic!("{other:?}"),
    }
}

fn encounter() -> Value {
    json!({
        "resourceType": "Encounter", "id": "e1", "status": "finished", "class": { "code": "VR" },
        "subject": { "reference": "Patient/cus_xyz" },
        "period": { "start": "2026-01-04T22:15:00Z", "end": "2026-01-04T22:30:00Z" },
    })
}

#[test]
fn fixtures_give_what_they_expect() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 90, "only {} fixtures were found", fixtures.len());
    let failed: Vec<_> = fixtures.iter().filter_map(|fixture| fixture.check::<Fhir>().err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// In parts, so that they run side by side; of fixtures with one body only the first.
fn survive(part: usize) {
    let mut seen = std::collections::BTreeSet::new();
    let mut distinct = fixtures();
    distinct.retain(|fixture| fixture.body().is_some_and(|body| seen.insert(body.to_string())));
    for fixture in distinct.iter().skip(part).step_by(4) {
        fixture.survive_mutations::<Fhir>().unwrap();
    }
}

#[test]
fn nothing_that_is_wrong_with_a_body_is_too_much_1() {
    survive(0);
}

#[test]
fn nothing_that_is_wrong_with_a_body_is_too_much_2() {
    survive(1);
}

#[test]
fn nothing_that_is_wrong_with_a_body_is_too_much_3() {
    survive(2);
}

#[test]
fn nothing_that_is_wrong_with_a_body_is_too_much_4() {
    survive(3);
}

#[test]
fn answers_of_the_partner_s_server_may_be_as_wrong() {
    for fixture in fixtures() {
        let Some(body) = fixture.json.pointer("/input/resumption/answers/0/body").cloned() else { continue };
        for mutation in hookwright_plugin_sdk::testing::mutations(&body) {
            let mut json = fixture.json.clone();
            json["input"]["resumption"]["answers"][0]["body"] = mutation.body;
            let answer = Fixture { name: fixture.name.clone(), json }.answer::<Fhir>();
            within_bounds(&answer).unwrap_or_else(|problem| panic!("{}: {problem}", fixture.name));
            if let Err(refusal) = answer {
                assert!(!refusal.location.unwrap_or_default().contains("SECRET"), "{}", fixture.name);
            }
        }
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_where_they_are() {
    for (settings, location) in [
        (json!({ "zone": "Chicago" }), "/zone"),
        (json!({ "patient": "MR" }), "/patient"),
        (json!({ "patient": { "system": "urn:x" } }), "/patient/system"),
        (json!({ "provider": { "identifier_system": 7 } }), "/provider/identifier_system"),
        (json!({ "unknown_patients": "drop" }), "/unknown_patients"),
        (json!({ "virtual": { "classes": "VR" } }), "/virtual/classes"),
        (json!({ "virtual": { "untold": "maybe" } }), "/virtual/untold"),
        (json!({ "patient_location": "home" }), "/patient_location"),
        (json!({ "fulfilled_appointments": true }), "/fulfilled_appointments"),
        (json!({ "included_patients": "yes" }), "/included_patients"),
        (json!({ "fetch": 1 }), "/fetch"),
        (json!({ "empty_search": "https://evil.example/?x" }), "/empty_search"),
        (json!({ "resource_at": "payload" }), "/resource_at"),
        (json!({ "topics": { "Appointment.check-out": "done" } }), "/topics/Appointment.check-out"),
    ] {
        let refusal = answer(&settings, &encounter()).unwrap_err();
        assert_eq!((refusal.code, refusal.location.as_deref()), ("settings", Some(location)));
    }
}

#[test]
fn only_the_states_of_an_encounter_that_are_over_count() {
    for (status, counts) in [
        ("planned", false),
        ("arrived", false),
        ("triaged", false),
        ("in-progress", false),
        ("onleave", false),
        ("on-hold", false),
        ("cancelled", false),
        ("discontinued", false),
        ("entered-in-error", false),
        ("unknown", false),
        ("finished", true),
        ("completed", true),
        ("discharged", true),
    ] {
        let mut encounter = encounter();
        encounter["status"] = json!(status);
        let outcome = answer(&json!({}), &encounter).unwrap();
        assert_eq!(matches!(outcome, Outcome::Accepted(_)), counts, "{status}");
    }
}

#[test]
fn topics_may_be_named_whole_or_by_their_end() {
    let body = |topic: &str| {
        json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": {
            "resourceType": "SubscriptionStatus", "type": "event-notification", "topic": topic,
            "notificationEvent": [{
                "id": "1", "timestamp": "2026-01-04T22:31:00Z",
                "focus": { "identifier": { "system": "urn:x", "value": "7" } },
                "additionalContext": [{ "reference": "Patient/cus_xyz" }],
            }],
        } }] })
    };
    let settings = json!({ "topics": { "visit-over": "completed", "urn:topic:moved": "rescheduled" } });
    let completed = reports(answer(&settings, &body("https://ehr.example/visit-over|1.0")));
    assert!(matches!(&completed[..], [Report::ConsultationCompleted(it)] if it.appointment_id.is_none()));
    let moved = reports(answer(&settings, &body("urn:topic:moved")));
    assert!(matches!(&moved[..], [Report::ConsultationScheduled(it)] if it.appointment_id == "7"));
    let unknown = answer(&settings, &body("https://ehr.example/other")).unwrap();
    assert!(matches!(unknown, Outcome::Ignored(_)));
}

/// A notification of so many events, each of its own encounter.
fn many(count: usize) -> Value {
    let event = |at: usize| json!({ "eventNumber": at, "focus": { "reference": format!("Encounter/{at}") } });
    json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": {
        "resourceType": "SubscriptionStatus", "type": "event-notification",
        "notificationEvent": (0..count).map(event).collect::<Vec<_>>(),
    } }] })
}

/// Plays the gateway: answers every fetch with a finished encounter, and resumes.
fn played_out(body: &Value) -> (Result<Outcome, Refusal>, u32) {
    let mut json = json!({ "input": { "body": body } });
    for round in 1.. {
        let outcome = Fixture { name: "case".to_owned(), json: json.clone() }.answer::<Fhir>();
        let Ok(Outcome::NeedFetch(need)) = &outcome else { return (outcome, round - 1) };
        within_bounds(&outcome).unwrap();
        let answers: Vec<_> = need
            .fetches
            .iter()
            .map(|fetch| {
                let mut found = encounter();
                found["id"] = json!(fetch.url.rsplit('/').next().unwrap());
                json!({ "id": fetch.id, "status": 200, "body": found })
            })
            .collect();
        let state = String::from_utf8(need.state.clone()).unwrap();
        json["input"]["resumption"] = json!({ "state_text": state, "round": round, "answers": answers });
    }
    unreachable!("the rounds are bounded")
}

#[test]
fn events_are_read_sixteen_at_a_time_in_four_rounds() {
    let (outcome, rounds) = played_out(&many(40));
    assert_eq!((reports(outcome).len(), rounds), (40, 3));
    let (outcome, rounds) = played_out(&many(64));
    assert_eq!((reports(outcome).len(), rounds), (64, 4));
    let (outcome, rounds) = played_out(&many(65));
    assert_eq!((outcome.unwrap_err().code, rounds), ("too-many-reads", 4));
    let refusal = answer(&json!({}), &many(257)).unwrap_err();
    assert_eq!(refusal.location.as_deref(), Some("/entry/0/resource/notificationEvent"));
}

#[test]
fn bombs_of_references_end_in_bounded_work() {
    let entry = |at: usize| {
        let other = |step: usize| json!({ "reference": format!("urn:uuid:{}", (at * 7919 + step) % 10_000) });
        json!({ "fullUrl": format!("urn:uuid:{at}"), "resource": {
            "resourceType": if at == 0 { "Encounter" } else { "PractitionerRole" }, "id": at.to_string(),
            "status": "finished", "period": { "end": "2026-01-04T22:30:00Z" },
            "subject": { "reference": "Patient/cus_xyz" }, "practitioner": other(1),
            "participant": (0..8).map(|step| json!({ "individual": other(step) })).collect::<Vec<_>>(),
        } })
    };
    let entries: Vec<_> = (0..10_000).map(entry).collect();
    let body = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    assert_eq!(reports(answer(&json!({}), &body)).len(), 1);
}

#[test]
fn depth_is_refused_and_breadth_is_not() {
    let mut deep = "{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":".repeat(200);
    deep.push_str("{}");
    deep.push_str(&"}]}".repeat(200));
    let json = json!({ "input": { "body_text": deep } });
    let refusal = Fixture { name: "deep".to_owned(), json }.answer::<Fhir>().unwrap_err();
    assert_eq!((refusal.code, refusal.expected), ("malformed", Some("less nesting")));

    let mut wide = "{\"resourceType\":\"Bundle\",\"type\":\"history\",\"entry\":[".to_owned();
    for at in 0..20_000 {
        let _ = write!(
            wide,
            "{}{{\"resource\":{{\"resourceType\":\"Observation\",\"id\":\"{at}\"}}}}",
            if at == 0 { "" } else { "," }
        );
    }
    wide.push_str("]}");
    let json = json!({ "input": { "body_text": wide } });
    assert!(matches!(Fixture { name: "wide".to_owned(), json }.answer::<Fhir>(), Ok(Outcome::Ignored(_))));
}

#[test]
fn duplicate_keys_are_refused() {
    let json = json!({ "input": { "body_text": "{\"resourceType\":\"Encounter\",\"status\":\"planned\",\"status\":\"finished\"}" } });
    let refusal = Fixture { name: "twice".to_owned(), json }.answer::<Fhir>().unwrap_err();
    assert_eq!(refusal.expected, Some("each key once in its object"));
}

#[test]
fn ids_of_messages_fit_the_contract() {
    let mut long = many(200);
    for (at, event) in long["entry"][0]["resource"]["notificationEvent"].as_array_mut().unwrap().iter_mut().enumerate()
    {
        event["id"] = json!(format!("{at}-0901fb5b-6858-33f2-994f-6680c0c6aadb"));
        event["focus"] = json!({ "reference": "Encounter/1" });
    }
    let Ok(Outcome::NeedFetch(need)) = answer(&json!({}), &long) else { panic!("nothing to fetch") };
    let id = need.message_id.unwrap();
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    // Another event makes another message.
    long["entry"][0]["resource"]["notificationEvent"][7]["id"] = json!("another");
    let Ok(Outcome::NeedFetch(other)) = answer(&json!({}), &long) else { panic!("nothing to fetch") };
    assert_ne!(other.message_id, Some(id));
}

#[test]
fn a_state_that_is_not_ours_is_our_own_failure() {
    for state in ["", "{}", "[]", "{\"asked\":[1],\"known\":{}}"] {
        let json = json!({ "input": { "body": encounter(), "resumption": { "state_text": state, "answers": [] } } });
        let refusal = Fixture { name: "state".to_owned(), json }.answer::<Fhir>().unwrap_err();
        assert_eq!(refusal.code, "internal", "{state}");
    }
}

/// JSON that looks like FHIR from afar.
fn nearly_fhir() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("Bundle"),
        Just("Encounter"),
        Just("Appointment"),
        Just("Patient"),
        Just("SubscriptionStatus"),
        Just("Parameters"),
        Just("history"),
        Just("event-notification"),
        Just("type"),
        Just("focus"),
        Just("finished"),
        Just("booked"),
        Just("Patient/1"),
        Just("#1"),
        Just("urn:uuid:1"),
        Just("2024-05"),
        Just("VR"),
        Just("\u{0}"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        word.prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("resourceType"),
        Just("type"),
        Just("entry"),
        Just("resource"),
        Just("fullUrl"),
        Just("status"),
        Just("subject"),
        Just("reference"),
        Just("identifier"),
        Just("value"),
        Just("period"),
        Just("end"),
        Just("id"),
        Just("participant"),
        Just("actor"),
        Just("notificationEvent"),
        Just("focus"),
        Just("parameter"),
        Just("part"),
        Just("name"),
        Just("valueCode"),
        Just("valueReference"),
        Just("class"),
        Just("coding"),
        Just("code"),
        Just("meta"),
        Just("contained"),
        Just("address"),
        Just("line"),
        Just("length"),
        Just("start"),
        Just("data"),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_json_is_too_strange(body in nearly_fhir()) {
        let answer = answer(&json!({ "included_patients": true, "patient_location": "patient" }), &body);
        prop_assert_eq!(within_bounds(&answer), Ok(()));
    }

    #[test]
    fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let fixture = Fixture { name: "bytes".to_owned(), json: json!({ "input": {} }) };
        prop_assert_eq!(within_bounds(&fixture.answer_to::<Fhir>(body)), Ok(()));
    }
}
