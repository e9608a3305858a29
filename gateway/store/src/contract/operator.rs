//! What operators and the platform ask for.

use super::trial::Trial;
use crate::Change;
use hookwright_core::audit::AuditDraft;
use hookwright_core::customer::CustomerDraft;
use hookwright_core::event::EventDraft;
use hookwright_core::idempotency::{self, Claim, StoredAnswer};
use hookwright_core::intake::{Publication, Publish, PutCustomer, Work};
use hookwright_core::region::Address;

/// Who operates in all cases.
pub(super) const OPERATOR: &str = "key:key_operator";

/// A change without a claim.
pub fn change(trial: &Trial<'_>, action: &str, target: impl std::fmt::Display) -> Change {
    let audit = AuditDraft {
        at: trial.now(),
        actor: OPERATOR.to_owned(),
        action: action.to_owned(),
        target: target.to_string(),
        reason: Some("the suite asked for it".to_owned()),
        request_id: Some("req_suite".to_owned()),
        detail: "by=suite".to_owned(),
    };
    Change { audit, claim: None }
}

/// A claim on `key` for a request with `body`.
pub(super) fn claim(key: &str, body: &str) -> Claim {
    Claim { key: idempotency::hash(&[b"suite", key.as_bytes()]), body_hash: idempotency::hash(&[body.as_bytes()]) }
}

/// The same change with a claim, whose answer is to be `{"of":"<body>"}`.
pub(super) fn claiming(change: Change, key: &str, body: &str) -> Change {
    let answer = StoredAnswer { status: 201, body: format!(r#"{{"of":"{body}"}}"#).into_bytes() };
    Change { claim: Some((claim(key, body), answer)), ..change }
}

/// A publication of one event, without a claim.
pub fn publication(event_type: &str, data: &str) -> Publication {
    let draft =
        EventDraft { event_type: event_type.parse().expect("an event type"), data: data.into(), ordering_key: None };
    Publication { draft, customer: None, claim: None, only: None }
}

/// A request that publishes one event.
pub fn publish(event_type: &str, data: &str) -> Publish {
    Publish {
        events: vec![publication(event_type, data)],
        as_list: false,
        claim: None,
        origin: OPERATOR.to_owned(),
        request_id: Some("req_suite".to_owned()),
    }
}

/// That request as work.
pub(super) fn publishing(event_type: &str, data: &str) -> Work {
    Work::Publish(Box::new(publish(event_type, data)))
}

/// A customer who lives in the state with these letters, or nowhere that is known.
pub(super) fn draft(external_id: &str, state: Option<&str>) -> CustomerDraft {
    let address = state.map(|state| Address {
        line1: Some("1 Main St".to_owned()),
        state: Some(state.to_owned()),
        country: Some("US".to_owned()),
        ..Address::default()
    });
    CustomerDraft { external_id: external_id.to_owned(), name: Some("Ada Example".to_owned()), address }
}

/// An operator's statement of a customer.
pub(super) fn putting(draft: CustomerDraft) -> Work {
    Work::PutCustomer(Box::new(PutCustomer {
        draft,
        actor: OPERATOR.to_owned(),
        reason: Some("moved house".to_owned()),
        request_id: Some("req_suite".to_owned()),
    }))
}
