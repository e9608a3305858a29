//! Tests of the conversion.

use super::*;
use hookwright_plugin_host::clinical::{AppointmentStatus, CallDuration, DurationSource, Precision, Report, Timestamp};

const AT: Timestamp = Timestamp { unix_ms: 1_767_565_800_000, precision: Precision::Minute, zone_assumed: true };

fn consultation(patient: &str) -> clinical::ConsultationCompleted {
    clinical::ConsultationCompleted {
        patient_external_id: patient.to_owned(),
        appointment_id: Some("appt_1".to_owned()),
        provider_id: None,
        duration: Some(CallDuration { seconds: 899, source: DurationSource::Actual }),
        completed_at: AT,
        patient_location: None,
        test: false,
        attributes: Vec::new(),
    }
}

fn outcome(reports: Vec<Report>) -> Accepted {
    Accepted {
        message_id: Some("m1".to_owned()),
        reports,
        reply: Some(Reply { status: None, content_type: None, headers: Vec::new(), body: b"AA".to_vec() }),
        metadata: vec![("unit".to_owned(), "north".to_owned())],
        attributes: Vec::new(),
    }
}

fn platform_report(event_type: &str, data: &str) -> Report {
    Report::Platform(clinical::PlatformEvent {
        event_type: event_type.to_owned(),
        data: data.to_owned(),
        attributes: Vec::new(),
    })
}

#[test]
fn a_consultation_keeps_how_exact_it_is() {
    let (parsed, reply) = accepted(outcome(vec![Report::ConsultationCompleted(consultation("cus_xyz"))]), false);
    let Parsed::Accepted { facts, partner_id, metadata } = parsed else { panic!("it is accepted") };
    let [Fact::ConsultationCompleted(one)] = facts.as_slice() else { panic!("one consultation") };
    assert_eq!((one.duration_minutes, one.duration_source.as_deref()), (Some(15), Some("actual")));
    assert_eq!((one.completed_at, one.completed_at_precision.as_str()), (AT.unix_ms, "minute"));
    assert!(one.completed_at_zone_assumed);
    assert_eq!((partner_id.as_deref(), metadata.len()), (Some("m1"), 1));
    assert!(reply.is_some());
}

#[test]
fn an_id_that_no_customer_can_have_is_the_partners_fault_and_takes_the_reply_back() {
    for id in ["a/b", "with blank", "ünïcode", &"x".repeat(201)] {
        let reports =
            vec![Report::ConsultationCompleted(consultation("ok")), Report::ConsultationCompleted(consultation(id))];
        let (parsed, reply) = accepted(outcome(reports), false);
        let Parsed::Refused(reason) = parsed else { panic!("{id} is refused") };
        assert_eq!(reason.location, "report 2: patient-external-id");
        assert!(!format!("{reason:?}").contains(id));
        assert!(reply.is_none());
    }
}

#[test]
fn a_platform_event_must_be_sound_and_of_the_catalogue_where_that_is_strict() {
    let parse = |event_type, data, strict| accepted(outcome(vec![platform_report(event_type, data)]), strict).0;
    assert!(matches!(parse("lab.result_ready", r#"{"id":1}"#, false), Parsed::Accepted { .. }));
    assert!(
        matches!(parse("lab.result_ready", r#"{"id":1}"#, true), Parsed::Failed(reason) if reason.code == "plugin_output")
    );
    assert!(matches!(parse("order.placed", r#"{"id":1}"#, true), Parsed::Accepted { .. }));
    let Parsed::Failed(reason) = parse("order.placed", r#"{"a":{"b":1,"b":2}}"#, false) else { panic!("a key twice") };
    assert_eq!((reason.code.as_str(), reason.location.as_str()), ("plugin_output", "report 1: data/a/b"));
}

#[test]
fn appointments_speak_the_words_of_the_api() {
    let report = Report::ConsultationScheduled(clinical::ConsultationScheduled {
        patient_external_id: "cus_xyz".to_owned(),
        appointment_id: "a".to_owned(),
        provider_id: None,
        status: AppointmentStatus::NoShow,
        starts_at: Some(AT),
        duration: None,
        changed_at: None,
        patient_location: None,
        test: true,
        attributes: Vec::new(),
    });
    let (Parsed::Accepted { facts, .. }, _) = accepted(outcome(vec![report]), false) else { panic!("it is accepted") };
    let [Fact::ConsultationScheduled(one)] = facts.as_slice() else { panic!("one appointment") };
    assert_eq!((one.state.as_str(), one.starts_at, one.test), ("no_show", Some(AT.unix_ms), true));
}

#[test]
fn an_address_of_many_lines_keeps_them_all() {
    let one = address(clinical::Address {
        lines: vec!["c/o Ada".to_owned(), "1 Main St".to_owned(), "Apt 4".to_owned()],
        city: None,
        state: Some("TX".to_owned()),
        postal_code: None,
        country: None,
        attributes: Vec::new(),
    });
    assert_eq!((one.line1.as_deref(), one.line2.as_deref()), (Some("c/o Ada"), Some("1 Main St, Apt 4")));
}

#[test]
fn an_ignored_message_may_tell_its_id_by_an_attribute() {
    let told = |attributes: &[(&str, &str)]| {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let one = Ignored { reason: "a test".to_owned(), reply: None, metadata: Vec::new(), attributes };
        let Parsed::Ignored { partner_id, reason, .. } = ignored(one).0 else { panic!("it is ignored") };
        assert_eq!((reason.code.as_str(), reason.detail.as_str()), ("ignored", "a test"));
        partner_id
    };
    assert_eq!(told(&[("x-other", "1"), ("message-id", "m-7")]).as_deref(), Some("m-7"));
    for attributes in [&[][..], &[("message-id", "")], &[("message-id", &"x".repeat(257))]] {
        assert_eq!(told(attributes), None);
    }
}
