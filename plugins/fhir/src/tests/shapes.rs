//! What real messages look like that the fixtures do not show.

use super::*;

fn appointment(participants: &[Value]) -> Value {
    let participant = |actor: &Value| json!({ "actor": actor, "status": "accepted" });
    json!({
        "resourceType": "Appointment", "id": "a1", "status": "booked", "start": "2026-01-04T22:15:00Z",
        "minutesDuration": 15, "participant": participants.iter().map(participant).collect::<Vec<_>>(),
    })
}

fn patients_of<'a>(reports: &'a [Report]) -> Vec<&'a str> {
    let id = |report: &'a Report| match report {
        Report::ConsultationScheduled(it) => it.patient_external_id.as_str(),
        other => panic!("{other:?}"),
    };
    reports.iter().map(id).collect()
}

#[test]
fn every_patient_of_an_appointment_is_told_of() {
    let (one, two) = (json!({ "reference": "Patient/cus_1" }), json!({ "reference": "Patient/cus_2" }));
    let doctor = json!({ "reference": "Practitioner/dr_abc" });
    let mut couple = appointment(&[doctor, one.clone(), two, one.clone()]);
    couple["subject"] = one;
    let told = reports(answer(&json!({}), &couple));
    assert_eq!(patients_of(&told), ["cus_1", "cus_2"]);
    couple["status"] = json!("fulfilled");
    couple["end"] = json!("2026-01-04T22:30:00Z");
    assert_eq!(reports(answer(&json!({}), &couple)).len(), 2);
}

#[test]
fn a_patient_who_is_none_of_ours_does_not_hide_the_others() {
    let by_number =
        |system: &str, value: &str| json!({ "type": "Patient", "identifier": { "system": system, "value": value } });
    let couple = appointment(&[by_number("urn:other", "1"), by_number("urn:mrn", "cus_2")]);
    let settings =
        |unknown: &str| json!({ "patient": { "identifier_system": "urn:mrn" }, "unknown_patients": unknown });
    assert_eq!(patients_of(&reports(answer(&settings("ignore"), &couple))), ["cus_2"]);
    let refusal = answer(&settings("refuse"), &couple).unwrap_err();
    assert_eq!(refusal.location.as_deref(), Some("/participant/0/actor/identifier"));
    let alone = appointment(&[by_number("urn:other", "1")]);
    assert!(matches!(answer(&settings("ignore"), &alone), Ok(Outcome::Ignored(_))));
}

#[test]
fn a_participant_of_unknown_type_is_never_passed_over() {
    let doctor = json!({ "reference": "Practitioner/dr_abc" });
    let numbered = json!({ "identifier": { "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9000000009" } });
    let settings = json!({ "patient": { "identifier_system": "https://fhir.nhs.uk/Id/nhs-number" } });
    let told = reports(answer(&settings, &appointment(&[doctor.clone(), numbered.clone()])));
    assert_eq!(patients_of(&told), ["9000000009"]);
    let mut typed = numbered.clone();
    typed["type"] = json!("http://hl7.org/fhir/StructureDefinition/Patient");
    assert_eq!(patients_of(&reports(answer(&json!({}), &appointment(&[doctor.clone(), typed])))), ["9000000009"]);
    // Without a word about its type, an identifier is as well a room's.
    for unknown in
        [numbered, json!({ "reference": "urn:uuid:0" }), json!({ "reference": "https://ehr.example/p?id=1" })]
    {
        let refusal = answer(&json!({ "fetch": false }), &appointment(&[doctor.clone(), unknown])).unwrap_err();
        assert_eq!(refusal.location.as_deref(), Some("/participant/1/actor"));
    }
    let blocked = answer(&json!({}), &appointment(&[doctor, json!({ "display": "Room 5" })])).unwrap();
    assert!(matches!(blocked, Outcome::Ignored(it) if it.reason == "the appointment has no patient"));
    let crowd = vec![json!({ "reference": "Practitioner/dr_abc" }); 65];
    assert_eq!(answer(&json!({}), &appointment(&crowd)).unwrap_err().location.as_deref(), Some("/participant"));
}

#[test]
fn what_leads_nowhere_may_still_be_named() {
    let mut encounter = encounter();
    encounter["subject"] = json!({ "reference": "urn:uuid:0", "identifier": { "value": "cus_xyz" } });
    assert_eq!(reports(answer(&json!({ "fetch": false }), &encounter)).len(), 1);
}

#[test]
fn a_place_that_is_none_makes_a_visit_virtual() {
    for (key, in_list) in [("physicalType", false), ("form", true)] {
        let code = json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "vi" }] });
        let code = if in_list { json!([code]) } else { code };
        let mut encounter = encounter();
        encounter["class"] = json!({ "code": "AMB" });
        assert!(matches!(answer(&json!({}), &encounter), Ok(Outcome::Ignored(_))));
        encounter["contained"] = json!([{ "resourceType": "Location", "id": "online", key: code }]);
        encounter["location"] = json!([{ "location": { "reference": "#online" } }]);
        let told = reports(answer(&json!({}), &encounter));
        let Report::ConsultationCompleted(it) = &told[0] else { panic!("{told:?}") };
        assert!(it.attributes.contains(&("modality".to_owned(), "told".to_owned())));
    }
}

#[test]
fn empty_text_is_nothing() {
    let patient = json!({
        "resourceType": "Patient", "id": "cus_xyz", "name": [{ "family": "Doe", "given": ["", "Ann"] }],
        "address": [{ "use": "home", "line": ["1 Congress Ave", " "], "city": "", "state": "TX", "country": " " }],
    });
    let told = reports(answer(&json!({}), &patient));
    let Report::PatientUpdated(it) = &told[0] else { panic!("{told:?}") };
    let address = it.address.as_ref().unwrap();
    assert_eq!((it.name.as_deref(), &address.lines[..]), (Some("Ann Doe"), &["1 Congress Ave".to_owned()][..]));
    assert_eq!((&address.city, address.state.as_deref(), &address.country), (&None, Some("TX"), &None));
    let mut encounter = encounter();
    encounter["period"]["end"] = json!("");
    encounter["meta"] = json!({ "lastUpdated": "2026-01-04T22:31:00Z" });
    let told = reports(answer(&json!({}), &encounter));
    let Report::ConsultationCompleted(it) = &told[0] else { panic!("{told:?}") };
    assert!(it.attributes.contains(&("completed-at-source".to_owned(), "last-updated".to_owned())));
}

#[test]
fn types_may_be_told_in_words() {
    let mut encounter = encounter();
    encounter["class"] = json!({ "system": "urn:oid:1.2.840.114350", "code": "13", "display": "Support" });
    encounter["type"] =
        json!([{ "coding": [{ "system": "urn:oid:1.2.840.114350", "code": "1003" }], "text": "Video Visit" }]);
    encounter["contained"] = json!([{ "resourceType": "Patient", "id": "p", "identifier": [
        { "type": { "text": "EPI" }, "value": "1" }, { "type": { "text": "mrn" }, "value": "cus_xyz" },
    ] }]);
    encounter["subject"] = json!({ "reference": "#p" });
    assert!(matches!(answer(&json!({ "fetch": false }), &encounter), Ok(Outcome::Ignored(_))));
    let patient = json!({ "identifier_type": "MRN" });
    let told = reports(answer(&json!({ "virtual": { "types": ["video visit"] }, "patient": patient }), &encounter));
    assert!(matches!(&told[..], [Report::ConsultationCompleted(it)] if it.patient_external_id == "cus_xyz"));
    let other_system =
        answer(&json!({ "virtual": { "types": ["urn:x|video visit"] }, "patient": patient }), &encounter);
    assert!(matches!(other_system, Ok(Outcome::Ignored(_))));
}

#[test]
fn one_moment_is_no_duration() {
    let mut encounter = encounter();
    encounter["period"]["start"] = encounter["period"]["end"].clone();
    let told = reports(answer(&json!({}), &encounter));
    let Report::ConsultationCompleted(it) = &told[0] else { panic!("{told:?}") };
    assert_eq!(it.duration, None);
    assert!(it.attributes.contains(&("period".to_owned(), "unusable".to_owned())));
}

#[test]
fn less_than_a_length_is_no_length() {
    let mut encounter = encounter();
    encounter["length"] = json!({ "value": 60, "unit": "min", "comparator": "<" });
    let told = reports(answer(&json!({}), &encounter));
    let Report::ConsultationCompleted(it) = &told[0] else { panic!("{told:?}") };
    assert_eq!(it.duration.map(|it| it.seconds), Some(900));
    assert!(it.attributes.contains(&("length".to_owned(), "unusable".to_owned())));
}

#[test]
fn two_events_about_one_resource_report_it_once() {
    let event = |number: u32| json!({ "eventNumber": number, "focus": { "reference": "Encounter/e1" } });
    let body = json!({ "resourceType": "Bundle", "type": "history", "entry": [
        { "resource": { "resourceType": "SubscriptionStatus", "type": "event-notification", "notificationEvent": [event(1), event(2)] } },
        { "fullUrl": "https://ehr.example/fhir/Encounter/e1", "resource": encounter() },
        { "resource": { "resourceType": "Bundle", "type": "collection", "entry": [] } },
    ] });
    let Ok(Outcome::Accepted(accepted)) = answer(&json!({}), &body) else { panic!("the notification is refused") };
    assert_eq!(accepted.reports.len(), 1);
    for told in [("skipped-events", "1"), ("nested-bundles", "1")] {
        assert!(accepted.metadata.contains(&(told.0.to_owned(), told.1.to_owned())), "{told:?}");
    }
}

#[test]
fn notifications_that_number_their_events_anew_are_told_apart() {
    let id = |event: Value, timestamp: &str| {
        let body = json!({ "resourceType": "Bundle", "type": "history", "timestamp": timestamp, "entry": [
            { "resource": { "resourceType": "SubscriptionStatus", "type": "event-notification", "notificationEvent": [event] } },
            { "resource": encounter() },
        ] });
        match answer(&json!({}), &body) {
            Ok(Outcome::Accepted(accepted)) => accepted.message_id.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let (first, second) = ("2026-01-04T22:31:00Z", "2026-01-04T22:35:00Z");
    let numbered = json!({ "id": "1", "eventNumber": 1, "focus": { "reference": "Encounter/e1" } });
    assert_ne!(id(numbered.clone(), first), id(numbered.clone(), second));
    assert_eq!(id(numbered.clone(), first), id(numbered.clone(), first));
    let mut timed = numbered;
    timed["timestamp"] = json!(first);
    // A repetition may be of another time.
    assert_eq!(id(timed.clone(), first), id(timed.clone(), second));
    timed["id"] = json!("0901fb5b-6858-33f2-994f-6680c0c6aadb");
    assert_eq!(id(timed, first), "event:0901fb5b-6858-33f2-994f-6680c0c6aadb");
}

#[test]
fn a_bundle_of_deletions_says_so() {
    let entry = json!({ "request": { "method": "DELETE", "url": "Encounter/e1" } });
    let body = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
    let outcome = answer(&json!({}), &body).unwrap();
    assert!(matches!(outcome, Outcome::Ignored(it) if it.reason == "the resources were deleted"));
}

#[test]
fn a_history_that_ends_in_a_deletion_reports_nothing() {
    let mut older = encounter();
    older["meta"] = json!({ "versionId": "1" });
    let body = json!({ "resourceType": "Bundle", "type": "history", "entry": [
        { "fullUrl": "https://ehr.example/fhir/Encounter/e1", "request": { "method": "DELETE", "url": "Encounter/e1" } },
        { "fullUrl": "https://ehr.example/fhir/Encounter/e1", "resource": older, "request": { "method": "PUT", "url": "Encounter/e1" } },
    ] });
    let outcome = answer(&json!({}), &body).unwrap();
    assert!(matches!(outcome, Outcome::Ignored(it) if it.reason == "the resources were deleted"));
}

#[test]
fn one_wrong_event_of_many_refuses_the_message_where_it_is() {
    let entries: Vec<_> = (0..10)
        .map(|at| {
            let mut encounter = encounter();
            encounter["id"] = json!(format!("e{at}"));
            if at % 4 == 3 {
                encounter["period"]["end"] = json!("2023-02-29T10:00:00Z");
            }
            json!({ "resource": encounter })
        })
        .collect();
    let body = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    let refusal = answer(&json!({}), &body).unwrap_err();
    assert_eq!(refusal.location.as_deref(), Some("/entry/3/resource/period/end"));
}

#[test]
fn duplicate_keys_are_refused_even_where_nobody_looks() {
    let json = json!({ "input": { "body_text": "{\"resourceType\":\"Encounter\",\"text\":{\"div\":1,\"div\":2}}" } });
    let refusal = Fixture { name: "twice".to_owned(), json }.answer::<Fhir>().unwrap_err();
    assert_eq!(refusal.expected, Some("each key once in its object"));
}

#[test]
fn a_resource_may_be_wrapped_under_any_key() {
    let settings = json!({ "resource_at": "/pay~1load/0/div" });
    let body = json!({ "pay/load": [{ "div": encounter() }] });
    assert_eq!(reports(answer(&settings, &body)).len(), 1);
}
