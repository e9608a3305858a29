//! What the facts of a message will have changed by the time a later fact of the same message is applied.

use super::people;
use super::planner::Planner;
use super::reception::Context;
use crate::customer::{Customer, CustomerDraft};
use crate::message::{Fact, PatientUpdated};
use std::collections::HashMap;

/// Customers as the facts looked at so far will leave them. One message may tell of a new customer and of their consultation: looked at one by one, the consultation would
/// wait for somebody whom its own message brings.
#[derive(Default)]
pub(super) struct Foreseen(HashMap<String, Customer>);

impl Planner<'_> {
    /// The customer as they will be: known already, or brought by an earlier fact of the message.
    pub(super) fn foresee_customer<'a>(&'a self, id: &str, foreseen: &'a Foreseen) -> Option<&'a Customer> {
        foreseen.0.get(id).or_else(|| self.facts.customers.get(id))
    }

    /// Notes what a fact without an obstacle will do to its customer.
    pub(super) fn foresee(&self, fact: &Fact, context: &Context<'_>, foreseen: &mut Foreseen) {
        let draft = match fact {
            Fact::Platform(platform) if context.updates_customers => people::of_platform(platform).ok().flatten(),
            Fact::PatientUpdated(patient) if context.updates_customers && !patient.test => {
                let before = self.foresee_customer(&patient.patient_external_id, foreseen);
                (!is_outdated(patient, before)).then(|| draft_of(patient))
            }
            Fact::Platform(_)
            | Fact::PatientUpdated(_)
            | Fact::ConsultationCompleted(_)
            | Fact::ConsultationScheduled(_) => None,
        };
        if let Some(draft) = draft {
            let after = self.merge(self.foresee_customer(&draft.external_id, foreseen), &draft, false);
            foreseen.0.insert(draft.external_id, after);
        }
    }
}

/// What a partner's change says of our customer.
pub(super) fn draft_of(patient: &PatientUpdated) -> CustomerDraft {
    CustomerDraft {
        external_id: patient.patient_external_id.clone(),
        name: patient.name.clone(),
        address: patient.address.clone(),
    }
}

/// Whether our record of the customer changed after the partner's change was made.
pub(super) fn is_outdated(patient: &PatientUpdated, recorded: Option<&Customer>) -> bool {
    let changed_at = patient.changed_at;
    recorded.is_some_and(|recorded| changed_at.is_some_and(|changed_at| changed_at < recorded.updated_at))
}
