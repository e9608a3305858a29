//! Tests of the pure intake rules, without a store.

mod batch;
mod compliance;
mod customers;
mod expiry;
mod publishing;
mod reception;
mod resumption;
mod world;

use crate::id::{MessageId, SecretId, SourceId, SubscriptionId};
use crate::intake::{Publication, Publish, PutCustomer, Receive, Work};
use crate::message::{
    ConsultationCompleted, ConsultationScheduled, Fact, Parsed, PatientUpdated, PlatformFact, RawMessage,
};
use crate::region::Address;
use crate::retry::RetryPolicy;
use crate::secret::{LiveSecret, SigningSecret};
use crate::subscription::Subscription;
use crate::{customer, event, idempotency};
use std::sync::Arc;

/// 2026-01-05T00:00:00Z.
const NOW: i64 = 1_767_571_200_000;
/// The specification's example ends here: 2026-01-04T22:30:00Z.
const COMPLETED: i64 = 1_767_565_800_000;
const DAY: i64 = 86_400_000;

fn subscription(number: i64, patterns: &[&str]) -> Arc<Subscription> {
    Arc::new(Subscription {
        id: SubscriptionId::from_i64(number).unwrap(),
        url: "https://example.com/hook".to_owned(),
        secrets: vec![LiveSecret::lasting(SecretId::from_i64(1).unwrap(), SigningSecret::generate([7; 32]), 0)],
        events: patterns.iter().map(|pattern| pattern.parse().unwrap()).collect(),
        active: true,
        retry_policy: RetryPolicy::Exponential,
        max_retries: 5,
        name: "test".to_owned(),
        description: None,
        created_by: "local".to_owned(),
        transform: None,
        headers: Vec::new(),
        timeout_ms: 1_000,
        max_in_flight: 1,
        options: crate::delivery_options::DeliveryOptions::default(),
        created_at: NOW,
        updated_at: NOW,
        disabled_reason: None,
        version: 1,
    })
}

fn address(state: &str, zip: &str) -> Address {
    Address {
        line1: Some("1 Main St".to_owned()),
        state: (!state.is_empty()).then(|| state.to_owned()),
        postal_code: (!zip.is_empty()).then(|| zip.to_owned()),
        country: Some("US".to_owned()),
        ..Address::default()
    }
}

fn consultation(patient: &str) -> ConsultationCompleted {
    ConsultationCompleted {
        patient_external_id: patient.to_owned(),
        appointment_id: Some("appt_789".to_owned()),
        provider_id: Some("dr_abc".to_owned()),
        duration_minutes: Some(15),
        duration_source: Some("actual".to_owned()),
        completed_at: COMPLETED,
        completed_at_precision: "second".to_owned(),
        completed_at_zone_assumed: false,
        patient_location: None,
        test: false,
        attributes: Vec::new(),
    }
}

fn completed(patient: &str) -> Fact {
    Fact::ConsultationCompleted(consultation(patient))
}

fn completed_at(patient: &str, at: i64) -> Fact {
    Fact::ConsultationCompleted(ConsultationCompleted { completed_at: at, ..consultation(patient) })
}

fn appointment(patient: &str, state: &str) -> Fact {
    Fact::ConsultationScheduled(ConsultationScheduled {
        patient_external_id: patient.to_owned(),
        appointment_id: Some("appt_790".to_owned()),
        provider_id: None,
        starts_at: Some(NOW + DAY),
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

fn patient(id: &str, address: Option<Address>, changed_at: Option<i64>) -> Fact {
    Fact::PatientUpdated(PatientUpdated {
        patient_external_id: id.to_owned(),
        name: Some("Ada Example".to_owned()),
        address,
        changed_at,
        test: false,
        attributes: Vec::new(),
    })
}

fn platform(event_type: &str, data: &str) -> Fact {
    Fact::Platform(PlatformFact { event_type: event_type.to_owned(), data: data.to_owned() })
}

fn accepted(facts: Vec<Fact>) -> Parsed {
    Parsed::Accepted { facts, partner_id: None, metadata: vec![("unit".to_owned(), "north".to_owned())] }
}

fn accepted_as(partner_id: &str, facts: Vec<Fact>) -> Parsed {
    Parsed::Accepted { facts, partner_id: Some(partner_id.to_owned()), metadata: Vec::new() }
}

/// A request with this number; its id and body follow from it.
fn receive(number: i64, parsed: Parsed) -> Receive {
    Receive {
        message_id: MessageId::from_i64(number).unwrap(),
        raw: RawMessage {
            source_id: SourceId::from_i64(1).unwrap(),
            hook: "video-call-completed".to_owned(),
            method: "POST".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: format!("body {number}").into_bytes(),
            received_at: NOW,
            tier: "verified".to_owned(),
            secret_id: None,
        },
        slug: "emr".to_owned(),
        updates_customers: false,
        parsed,
        plugin_digest: Some("d1".to_owned()),
        logs: Vec::new(),
        transport_id: Some(format!("t{number}")),
        request_id: Some("req_1".to_owned()),
    }
}

fn put(id: &str, state: &str, zip: &str) -> Work {
    Work::PutCustomer(Box::new(PutCustomer {
        draft: customer::CustomerDraft {
            external_id: id.to_owned(),
            name: Some("Ada Example".to_owned()),
            address: Some(address(state, zip)),
        },
        actor: "local".to_owned(),
        reason: None,
        request_id: None,
    }))
}

fn publication(event_type: &str, data: &str, key: Option<&str>) -> Publication {
    let claim = key.map(|key| idempotency::Claim {
        key: idempotency::hash(&[b"event", key.as_bytes()]),
        body_hash: idempotency::hash(&[event_type.as_bytes(), data.as_bytes()]),
    });
    Publication {
        draft: event::EventDraft { event_type: event_type.parse().unwrap(), data: data.into(), ordering_key: None },
        customer: customer::from_event(event_type, data).unwrap(),
        claim,
        only: None,
    }
}

fn publish(events: Vec<Publication>) -> Publish {
    let as_list = events.len() != 1;
    Publish { events, as_list, claim: None, origin: "key:key_1".to_owned(), request_id: None }
}
