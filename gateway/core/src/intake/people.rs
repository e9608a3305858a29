//! Customers: kept current by events, partners and operators, each change checked against the regions.

use super::PutCustomer;
use super::planner::{AuditNote, Planner};
use crate::catalogue;
use crate::customer::{self, Customer, CustomerDraft, CustomerFault};
use crate::establishment;
use crate::id::{EventId, MessageId};
use crate::message::PlatformFact;
use crate::region::{self, Address, RegionCode};
use serde::Serialize;

/// Why a customer's record changes, for the event that may follow.
pub(super) struct Cause<'a> {
    /// An event type, or `customer.put`.
    pub name: &'a str,
    /// The message it follows from.
    pub message_id: Option<MessageId>,
    /// Who.
    pub origin: &'a str,
    /// Whether what the draft leaves out is removed rather than kept.
    pub replace: bool,
}

#[derive(Serialize)]
struct RequirementData<'a> {
    customer_id: &'a str,
    region_code: String,
    cause: &'a str,
}

impl Planner<'_> {
    pub(super) fn put_customer(&mut self, put: &PutCustomer) -> (Customer, bool) {
        let fresh = !self.facts.customers.contains_key(&put.draft.external_id);
        let cause = Cause { name: "customer.put", message_id: None, origin: &put.actor, replace: true };
        self.change_customer(&put.draft, &cause);
        let customer = self.facts.customers[&put.draft.external_id].clone();
        self.audit(AuditNote {
            actor: &put.actor,
            action: "customer.put",
            target: customer.external_id.clone(),
            reason: put.reason.as_deref(),
            request_id: put.request_id.as_deref(),
            detail: format!("region_outcome={}", customer.region_outcome),
        });
        (customer, fresh)
    }

    /// Creates or updates a customer and checks the region: new, or in another region than before, and not established there, means a requirement.
    pub(super) fn change_customer(&mut self, draft: &CustomerDraft, cause: &Cause<'_>) -> Option<EventId> {
        let before = self.facts.customers.get(&draft.external_id).cloned();
        let after = self.merge(before.as_ref(), draft, cause.replace);
        let moved = before.as_ref().is_none_or(|old| old.region != after.region);
        let requirement = after.region.filter(|region| moved && !self.is_established(&after.external_id, region));
        let event = requirement.map(|region| {
            let data =
                RequirementData { customer_id: &after.external_id, region_code: region.to_string(), cause: cause.name };
            self.emit_own(catalogue::REQUIREMENT_CREATED, &data, &after.external_id, cause.message_id, cause.origin)
        });
        if after.region.is_none() && after.address.is_some() {
            self.audit(AuditNote {
                actor: cause.origin,
                action: "customer.region_undecided",
                target: after.external_id.clone(),
                detail: format!("outcome={}", after.region_outcome),
                ..AuditNote::default()
            });
        }
        self.facts.customers.insert(after.external_id.clone(), after.clone());
        self.writes.customers.push(after);
        event
    }

    pub(super) fn merge(&self, before: Option<&Customer>, draft: &CustomerDraft, replace: bool) -> Customer {
        let kept = before.filter(|_| !replace);
        let name = draft.name.clone().or_else(|| kept.and_then(|old| old.name.clone()));
        let address = draft.address.clone().or_else(|| kept.and_then(|old| old.address.clone()));
        let (region, region_outcome) = region_of(address.as_ref());
        Customer {
            external_id: draft.external_id.clone(),
            name,
            address,
            region,
            region_outcome,
            created_at: before.map_or(self.now_ms, |old| old.created_at),
            updated_at: self.now_ms,
        }
    }

    fn is_established(&self, customer_id: &str, region: &RegionCode) -> bool {
        let key = (customer_id.to_owned(), *region);
        self.facts.establishments.get(&key).is_some_and(|record| establishment::holds(record, self.now_ms))
    }
}

/// The region of an address, and a stable word for how it was decided or why it was not.
fn region_of(address: Option<&Address>) -> (Option<RegionCode>, String) {
    let Some(address) = address else {
        return (None, "no_address".to_owned());
    };
    let decision = region::decide(address);
    (decision.region(), decision.word().to_owned())
}

/// The customer a plugin's platform event speaks of, if it is of a type that keeps customers current.
pub(super) fn of_platform(platform: &PlatformFact) -> Result<Option<CustomerDraft>, CustomerFault> {
    customer::from_event(&platform.event_type, &platform.data)
}
