//! What partners send, and what plugins make of it.

use super::trial::Trial;
use hookwright_core::fetch::{Fetch, PendingFetch};
use hookwright_core::id::SourceId;
use hookwright_core::intake::{Receive, Resume, Work, dedupe_keys};
use hookwright_core::message::{
    ConsultationCompleted, ConsultationScheduled, Fact, Message, Parsed, PatientUpdated, PlatformFact, RawMessage,
    Reason,
};
use hookwright_core::region::RegionCode;

/// The slug of the source in all cases.
pub(super) const SLUG: &str = "emr";

/// A source's id that needs no source.
pub(super) fn source_id(number: i64) -> SourceId {
    SourceId::from_i64(number).expect("a positive number")
}

/// A verified request that parsed to `parsed`; its body, and so its content, is like no other's.
pub(super) fn receive(trial: &Trial<'_>, parsed: Parsed) -> Receive {
    let message_id = trial.ids.next();
    let raw = RawMessage {
        source_id: source_id(1),
        hook: "video-call-completed".to_owned(),
        method: "POST".to_owned(),
        query: String::new(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: format!(r#"{{"nonce":"{message_id}"}}"#).into_bytes(),
        received_at: trial.now(),
        tier: "verified".to_owned(),
        secret_id: None,
    };
    Receive {
        message_id,
        raw,
        slug: SLUG.to_owned(),
        updates_customers: true,
        parsed,
        plugin_digest: Some("d1".repeat(32)),
        logs: vec!["parsed".to_owned()],
        transport_id: None,
        request_id: Some("req_partner".to_owned()),
    }
}

/// That request as work.
pub(super) fn receiving(receive: Receive) -> Work {
    Work::Receive(Box::new(receive))
}

/// What a plugin found.
pub(super) fn accepted(facts: Vec<Fact>) -> Parsed {
    Parsed::Accepted { facts, partner_id: None, metadata: vec![("appointment".to_owned(), "appt_789".to_owned())] }
}

/// What a plugin found, with the partner's own id of the message.
pub(super) fn accepted_as(partner_id: &str, facts: Vec<Fact>) -> Parsed {
    Parsed::Accepted { facts, partner_id: Some(partner_id.to_owned()), metadata: Vec::new() }
}

/// What a plugin wants to know of its partner, with the partner's own id of the message.
pub(super) fn asking(partner_id: &str, round: u32) -> Parsed {
    let fetch = Fetch {
        id: "encounter".to_owned(),
        method: "POST".to_owned(),
        url: "Encounter/1".to_owned(),
        headers: vec![("accept".to_owned(), "application/fhir+json".to_owned())],
        body: Some((0..=255).collect()),
    };
    Parsed::NeedFetch(PendingFetch {
        fetches: vec![fetch.clone(), Fetch { id: "patient".to_owned(), body: None, ..fetch }],
        state: vec![0, 255, 128],
        round,
        partner_id: Some(partner_id.to_owned()),
        metadata: vec![("appointment".to_owned(), "appt_789".to_owned())],
    })
}

/// What a plugin refused.
pub(super) fn refused() -> Parsed {
    Parsed::Refused(Reason::new("malformed", "a field is missing").at("/patient_external_id"))
}

/// What a plugin failed at.
pub(super) fn failed() -> Parsed {
    Parsed::Failed(Reason::new("plugin_trap", "the plugin trapped"))
}

/// A consultation of `customer` that ended at `completed_at`.
pub(super) fn completed(customer: &str, completed_at: i64) -> Fact {
    Fact::ConsultationCompleted(ConsultationCompleted {
        patient_external_id: customer.to_owned(),
        appointment_id: Some(format!("appt_{completed_at}")),
        provider_id: Some("dr_abc".to_owned()),
        duration_minutes: Some(15),
        duration_source: Some("actual".to_owned()),
        completed_at,
        completed_at_precision: "second".to_owned(),
        completed_at_zone_assumed: false,
        patient_location: None,
        test: false,
        attributes: Vec::new(),
    })
}

/// The same as a test of the partner's.
pub(super) fn completed_test(customer: &str, completed_at: i64) -> Fact {
    match completed(customer, completed_at) {
        Fact::ConsultationCompleted(fact) => Fact::ConsultationCompleted(ConsultationCompleted { test: true, ..fact }),
        other => other,
    }
}

/// An appointment of `customer`, in `state`.
pub(super) fn scheduled(customer: &str, state: &str) -> Fact {
    Fact::ConsultationScheduled(ConsultationScheduled {
        patient_external_id: customer.to_owned(),
        appointment_id: Some("appt_790".to_owned()),
        provider_id: None,
        starts_at: Some(1_769_958_000_000),
        starts_at_precision: None,
        starts_at_zone_assumed: false,
        duration_minutes: Some(20),
        duration_source: None,
        state: state.to_owned(),
        changed_at: None,
        test: false,
        attributes: Vec::new(),
    })
}

/// A partner's view of `customer`, who lives in `state`.
pub(super) fn patient(customer: &str, state: &str) -> Fact {
    Fact::PatientUpdated(PatientUpdated {
        patient_external_id: customer.to_owned(),
        name: None,
        address: super::operator::draft(customer, Some(state)).address,
        changed_at: None,
        test: false,
        attributes: Vec::new(),
    })
}

/// An event of the platform, found in a message.
pub(super) fn platform(event_type: &str, data: &str) -> Fact {
    Fact::Platform(PlatformFact { event_type: event_type.to_owned(), data: data.to_owned() })
}

/// A kept message, taken up again as it was parsed then.
pub(super) fn resume(message: &Message, transport_id: Option<&str>, region: Option<RegionCode>) -> Resume {
    let parsed = message.parsed.clone().expect("the findings were kept");
    Resume {
        message_id: message.id,
        keys: dedupe_keys(&message.raw, transport_id, &parsed),
        slug: SLUG.to_owned(),
        updates_customers: true,
        parsed,
        plugin_digest: message.plugin_digest.clone(),
        logs: vec!["taken up again".to_owned()],
        region,
        actor: "system".to_owned(),
        reason: None,
        request_id: None,
        claim: None,
    }
}

/// That as work.
pub(super) fn resuming(resume: Resume) -> Work {
    Work::Resume(Box::new(resume))
}
