use serde_json::json;

use super::*;
use crate::inbound::{Accepted, ConsultationCompleted, Ignored, Report};
use crate::json::Document;

/// Reports a consultation, or asks for one to be told.
struct Example;

impl Inbound for Example {
    fn parse(_context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        let document = Document::body(&request.body)?;
        let at = document.root().get("at").timestamp()?;
        Ok(Accepted::new(vec![Report::ConsultationCompleted(ConsultationCompleted::new("cus_1".to_owned(), at))])
            .into())
    }

    fn resume(_context: &Context, _request: &Request, resumption: &Resumption) -> Result<Outcome, Refusal> {
        Ok(Ignored::new(&format!("{} answers in round {}", resumption.answers.len(), resumption.round)).into())
    }
}

fn fixture(json: Value) -> Fixture {
    Fixture { name: "example".to_owned(), json }
}

#[test]
fn a_fixture_passes_if_the_answer_is_the_expected_one() {
    let mut good = json!({
        "input": { "body": { "at": "2026-01-04T22:30:00Z" } },
        "expected": { "accepted": { "reports": [{ "consultation_completed": {
            "patient_external_id": "cus_1",
            "completed_at": { "unix_ms": 1_767_565_800_000_i64, "precision": "second" },
        } }] } },
    });
    assert_eq!(fixture(good.clone()).check::<Example>(), Ok(()));
    good["input"]["body"]["at"] = json!("2026-01-04T22:30:01Z");
    assert!(fixture(good).check::<Example>().is_err());
    let refused = json!({
        "input": { "body_text": "{" },
        "expected": { "refusal": {
            "code": "malformed", "location": "line 1 column 1", "expected": "the rest of the JSON text",
        } },
    });
    assert_eq!(fixture(refused).check::<Example>(), Ok(()));
    let resumed = json!({
        "input": { "resumption": { "state_text": "", "round": 2, "answers": [{ "id": "0", "status": 404 }] } },
        "expected": { "ignored": { "reason": "1 answers in round 2" } },
    });
    assert_eq!(fixture(resumed).check::<Example>(), Ok(()));
}

#[test]
fn every_value_is_replaced_and_removed() {
    let all = mutations(&json!({ "a/b": [1, { "c": "x" }] }));
    let has = |place: &str, what: &str| all.iter().any(|it| it.place == place && it.what == what);
    for place in ["", "/a~1b", "/a~1b/0", "/a~1b/1", "/a~1b/1/c"] {
        assert!(has(place, "null") && has(place, "a huge list"), "{place}");
        assert_eq!(has(place, "removed"), !place.is_empty(), "{place}");
    }
    let removed = all.iter().find(|it| it.place == "/a~1b/1/c" && it.what == "removed").unwrap();
    assert_eq!(removed.body, json!({ "a/b": [1, {}] }));
    assert_eq!(truncations(&json!([1])).collect::<Vec<_>>(), [b"".to_vec(), b"[".to_vec(), b"[1".to_vec()]);
}

/// Refuses what has no name, and says too much or too little about where.
struct Talkative<const SAYS_PLACE: bool>;

impl<const SAYS_PLACE: bool> Inbound for Talkative<SAYS_PLACE> {
    fn parse(_context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        let document = Document::body(&request.body)?;
        let (name, id) = (document.root().get("name"), document.root().get("id"));
        match name.text() {
            Ok(_) => Ok(Ignored::new("nothing happened").into()),
            Err(_) => Err(Refusal {
                location: id.as_text().filter(|_| SAYS_PLACE).map(|id| format!("/{id}")),
                ..Refusal::new("malformed")
            }),
        }
    }
}

#[test]
fn a_refusal_that_repeats_a_value_or_names_no_place_is_found() {
    let good = json!({ "input": { "body": { "name": "Ada", "id": "MRN-000123" } } });
    let repeats = fixture(good.clone()).survive_mutations::<Talkative<true>>().unwrap_err();
    assert!(repeats.contains("repeats a value of the body"), "{repeats}");
    let silent = fixture(good.clone()).survive_mutations::<Talkative<false>>().unwrap_err();
    assert!(silent.contains("names no place"), "{silent}");
    let example = json!({ "input": { "body": { "at": "2026-01-04T22:30:00Z" } } });
    assert_eq!(fixture(example).survive_mutations::<Example>(), Ok(()));
}
