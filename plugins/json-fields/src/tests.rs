//! The fixtures, everything that may be wrong with them, and what is easier said in code.

use std::path::Path;

use hookwright_plugin_sdk::testing::{Fixture, within_bounds};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn fixtures() -> Vec<Fixture> {
    Fixture::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap()
}

fn fixture(name: &str) -> Fixture {
    fixtures().into_iter().find(|fixture| fixture.name == name).unwrap()
}

#[test]
fn fixtures_give_what_they_expect() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 24, "only {} fixtures were found", fixtures.len());
    let failed: Vec<_> = fixtures.iter().filter_map(|fixture| fixture.check::<JsonFields>().err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn nothing_that_is_wrong_with_a_body_is_too_much() {
    for name in ["by-header-and-status", "by-body", "thin", "whole-address", "list-and-numbers-as-text"] {
        fixture(name).survive_mutations::<JsonFields>().unwrap();
    }
}

#[test]
fn answers_of_the_vendor_s_server_may_be_as_wrong() {
    let whole = fixture("thin-answered");
    let body = whole.json.pointer("/input/resumption/answers/0/body").cloned().unwrap();
    for mutation in hookwright_plugin_sdk::testing::mutations(&body) {
        let mut json = whole.json.clone();
        json["input"]["resumption"]["answers"][0]["body"] = mutation.body;
        let answer = Fixture { name: String::new(), json }.answer::<JsonFields>();
        within_bounds(&answer).unwrap_or_else(|problem| panic!("{} at {}: {problem}", mutation.what, mutation.place));
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_where_they_are() {
    for (key, value, location) in [
        ("event", json!("event"), "/event"),
        ("event", json!("header a b"), "/event"),
        ("events", json!(null), "/events"),
        ("events", json!({ "*": "done" }), "/events/*"),
        ("events", json!({ "*": { "at": "/status" } }), "/events/*/is"),
        ("events", json!({ "*": { "is": {} } }), "/events/*/at"),
        ("events", json!({ "*": { "at": "/status", "is": { "Complete": 1 } } }), "/events/*/is/Complete"),
        ("fields", json!({ "patient": "/p" }), "/fields/patient"),
        ("fields", json!({ "patient_external_id": "p" }), "/fields/patient_external_id"),
        ("duration_source", json!("derived"), "/duration_source"),
        ("fetch", json!("a/{b}"), "/fetch"),
        ("fetch", json!("a/{/b"), "/fetch"),
        ("zone", json!("Chicago"), "/zone"),
        ("extra", json!(1), "/extra"),
    ] {
        let mut json = fixture("by-body").json;
        json["settings"][key] = value;
        let refusal = Fixture { name: String::new(), json }.answer::<JsonFields>().unwrap_err();
        assert_eq!((refusal.code, refusal.location.as_deref()), ("settings", Some(location)));
    }
}

/// Where a call ended, by what stands there.
fn ended(at: &Value) -> Option<i64> {
    let mut json = fixture("list-and-numbers-as-text").json;
    json["input"]["body"]["calls"][0]["end"] = at.clone();
    match (Fixture { name: String::new(), json }).answer::<JsonFields>() {
        Ok(Outcome::Accepted(accepted)) => match &accepted.reports[0] {
            hookwright_plugin_sdk::inbound::Report::ConsultationCompleted(it) => Some(it.completed_at.unix_ms),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn times_may_be_numbers() {
    let expected = Some(1_767_565_800_000);
    for same in
        [json!(1_767_565_800), json!(1_767_565_800_000_i64), json!("2026-01-04T22:30:00Z"), json!(1.767_565_8e9)]
    {
        assert_eq!(ended(&same), expected, "{same}");
    }
    for bad in [json!(1e300), json!(-1e300), json!(true), json!("soon"), json!([])] {
        assert_eq!(ended(&bad), None, "{bad}");
    }
}

#[test]
fn one_moment_is_no_duration() {
    let duration = |start: &str| {
        let mut json = fixture("list-and-numbers-as-text").json;
        json["settings"]["fields"]["started_at"] = json!("/calls/0/start");
        json["settings"]["duration_source"] = json!("scheduled");
        json["input"]["body"]["calls"][0]["start"] = json!(start);
        match (Fixture { name: String::new(), json }).answer::<JsonFields>() {
            Ok(Outcome::Accepted(accepted)) => match &accepted.reports[0] {
                hookwright_plugin_sdk::inbound::Report::ConsultationCompleted(it) => it.duration.map(|it| it.seconds),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(duration("2026-01-04T22:15:00Z"), Some(900));
    // What was booked stands in, and says so.
    assert_eq!(duration("2026-01-04T22:30:00Z"), Some(898));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(within_bounds(&fixture("by-body").answer_to::<JsonFields>(body)), Ok(()));
    }
}
