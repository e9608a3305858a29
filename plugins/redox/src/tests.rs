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
