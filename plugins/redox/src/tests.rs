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
    assert!(fixtures.len() >= 30, "only {} fixtures were found", fixtures.len());
    let failed: Vec<_> = fixtures.iter().filter_map(|fixture| fixture.check::<Redox>().err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn nothing_that_is_wrong_with_a_body_is_too_much() {
    // One of each kind: the others differ in a field or two.
    for name in ["scheduling-reschedule", "discharge", "patient-merge", "note-that-ends-the-visit"] {
        fixture(name).survive_mutations::<Redox>().unwrap();
    }
}

/// Every value is null, and every one that is needed is named.
#[test]
fn nulls_are_nothing() {
    let nulls = json!({
        "Meta": { "DataModel": "Scheduling", "EventType": "New", "Test": null, "Message": null, "Logs": null },
        "Patient": null,
        "Visit": null,
    });
    let refused = |body: &Value| {
        let json = json!({ "input": { "body": body } });
        Fixture { name: "nulls".to_owned(), json }.answer::<Redox>().unwrap_err().location.unwrap()
    };
    assert_eq!(refused(&nulls), "/Visit/VisitDateTime");
    let mut body = nulls;
    body["Visit"] = json!({ "VisitDateTime": "2026-01-04T22:15:00Z", "AttendingProvider": null });
    assert_eq!(refused(&body), "/Patient/Identifiers");
    body["Patient"] = json!({ "Identifiers": [null, { "ID": null, "IDType": "MR" }, { "ID": 7, "IDType": null }] });
    assert_eq!(refused(&body), "/Visit/VisitNumber");
    body["Meta"]["EventType"] = Value::Null;
    assert_eq!(refused(&body), "/Meta/EventType");
}

fn reported(fixture: &Fixture, change: impl Fn(&mut Value)) -> Report {
    let mut json = fixture.json.clone();
    change(&mut json);
    match (Fixture { name: "changed".to_owned(), json }).answer::<Redox>() {
        Ok(Outcome::Accepted(accepted)) => accepted.reports[0].clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn blanks_are_nothing_either() {
    let discharge = fixture("discharge");
    let whole = reported(&discharge, |_| {});
    let blanked = reported(&discharge, |json| {
        let body = &mut json["input"]["body"];
        body["Visit"]["AttendingProvider"]["ID"] = json!("");
        body["Visit"]["VisitEndDateTime"] = json!(" ");
        body["Visit"]["Status"] = json!("");
        body["Visit"]["Duration"] = json!("");
        body["Patient"]["Identifiers"].as_array_mut().unwrap().insert(0, json!({ "ID": "", "IDType": "MR" }));
    });
    let (Report::ConsultationCompleted(whole), Report::ConsultationCompleted(blanked)) = (whole, blanked) else {
        panic!("a discharge is no consultation completed")
    };
    assert_eq!(blanked.patient_external_id, whole.patient_external_id);
    assert_eq!((blanked.completed_at.unix_ms, blanked.duration), (whole.completed_at.unix_ms, None));
}

#[test]
fn a_modification_says_by_its_status_what_became_of_the_visit() {
    let modification = fixture("scheduling-modification");
    let with = |status: &str, settings: Value| {
        reported(&modification, |json| {
            json["input"]["body"]["Visit"]["Status"] = json!(status);
            json["settings"] = settings.clone();
        })
    };
    for (status, wanted) in [
        ("Scheduled", AppointmentStatus::Scheduled),
        ("canceled", AppointmentStatus::Cancelled),
        ("Cancelled", AppointmentStatus::Cancelled),
        ("No Show", AppointmentStatus::NoShow),
    ] {
        let Report::ConsultationScheduled(it) = with(status, json!({})) else { panic!("{status}") };
        assert_eq!(it.status, wanted, "{status}");
        assert!(it.attributes.contains(&("visit-status".to_owned(), status.to_owned())), "{status}");
    }
    assert!(matches!(with("Comp", json!({})), Report::ConsultationCompleted(_)));
    let Report::ConsultationScheduled(it) = with("X", json!({ "cancelled_statuses": ["x"] })) else { panic!("X") };
    assert_eq!(it.status, AppointmentStatus::Cancelled);
}

#[test]
fn one_id_with_another_status_is_another_message() {
    let id = |status: &str| {
        let mut json = fixture("scheduling-modification").json;
        json["input"]["body"]["Visit"]["Status"] = json!(status);
        match (Fixture { name: "status".to_owned(), json }).answer::<Redox>() {
            Ok(Outcome::Accepted(accepted)) => accepted.message_id.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_ne!(id("Comp"), id("Canceled"));
    assert_eq!(id("Comp"), id("Comp"));
    // What does not fit is left out.
    assert!(id(&"x".repeat(300)).len() <= 256);
}

#[test]
fn providers_may_be_lists() {
    let provider = |settings: Value| {
        let report = reported(&fixture("scheduling-new"), |json| {
            json["settings"] = settings.clone();
            let visit = &mut json["input"]["body"]["Visit"];
            (visit["AttendingProvider"], visit["VisitProvider"]) = (Value::Null, Value::Null);
            visit["AttendingProviders"] = json!([
                { "ID": null, "IDType": "NPI" }, { "ID": "local-7", "IDType": "EHRID" }, { "ID": "1234567893", "IDType": "NPI" },
            ]);
        });
        let Report::ConsultationScheduled(it) = report else { panic!("{report:?}") };
        it.provider_id
    };
    assert_eq!(provider(json!({})).as_deref(), Some("local-7"));
    assert_eq!(provider(json!({ "provider_id_type": "NPI" })).as_deref(), Some("1234567893"));
}

#[test]
fn settings_that_make_no_sense_are_refused_where_they_are() {
    for (settings, location) in [
        (json!({ "zone": "Chicago" }), "/zone"),
        (json!({ "patient_id_type": 7 }), "/patient_id_type"),
        (json!({ "completed_statuses": "Comp" }), "/completed_statuses"),
        (json!({ "completed_statuses": [1] }), "/completed_statuses/0"),
        (json!({ "virtual": "none" }), "/virtual"),
        (json!({ "virtual": { "classes": [] } }), "/virtual/classes"),
        (json!({ "patient_location": true }), "/patient_location"),
        (json!({ "idtype": "MR" }), "/idtype"),
    ] {
        let mut json = fixture("discharge").json;
        json["settings"] = settings;
        let refusal = Fixture { name: "settings".to_owned(), json }.answer::<Redox>().unwrap_err();
        assert_eq!((refusal.code, refusal.location.as_deref()), ("settings", Some(location)));
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(within_bounds(&fixture("discharge").answer_to::<Redox>(body)), Ok(()));
    }
}
