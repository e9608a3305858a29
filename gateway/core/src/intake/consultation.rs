//! The facts of a message: what stands in their way, and what they do to the compliance records.

use super::foreseen::{Foreseen, draft_of, is_outdated};
use super::people::{self, Cause};
use super::planner::{AuditNote, EstablishmentData, Planner};
use super::provenance::{Provenance, RegionSource, reported};
use super::reception::{Applied, Context, Obstacle};
use crate::catalogue;
use crate::establishment::{self, Change, Consultation, DAY_MS};
use crate::event::EventDraft;
use crate::id::EventId;
use crate::message::{ConsultationCompleted, ConsultationScheduled, Fact, PatientUpdated, PlatformFact, Reason};
use crate::pattern::EventType;
use crate::region::{self, Address};
use crate::timestamp::format_ms;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct FulfilledData<'a> {
    customer_id: &'a str,
    region_code: String,
    establishment: EstablishmentData,
    consultation: ConsultationData<'a>,
    provenance: Provenance<'a>,
}

#[derive(Serialize)]
struct ConsultationData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_source: Option<&'a str>,
    completed_at: String,
    completed_at_precision: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    completed_at_zone_assumed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_location_region: Option<String>,
}

#[derive(Serialize)]
struct ScheduledData<'a> {
    customer_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appointment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<&'a str>,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at_precision: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    starts_at_zone_assumed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_minutes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reported: BTreeMap<String, &'a str>,
}

/// The region of the place the partner names, for the record; the establishment follows the customer's address.
fn location_region(location: Option<&Address>) -> Option<String> {
    location.and_then(|address| region::decide(address).region()).map(|region| region.to_string())
}

impl Planner<'_> {
    /// What stands in the way of a fact, if anything does; if nothing does, what it will change is foreseen for the facts after it.
    pub(super) fn obstacle(&self, fact: &Fact, context: &Context<'_>, foreseen: &mut Foreseen) -> Option<Obstacle> {
        let unknown = |id: &str| {
            let known = self.foresee_customer(id, foreseen).is_some();
            (!known).then(|| Obstacle::Unknown(id.to_owned()))
        };
        let obstacle = match fact {
            Fact::ConsultationCompleted(completed) if completed.test => None,
            Fact::ConsultationCompleted(completed) => unknown(&completed.patient_external_id)
                .or_else(|| self.future(completed, context))
                .or_else(|| self.undecided(&completed.patient_external_id, context, foreseen)),
            Fact::ConsultationScheduled(scheduled) if scheduled.test => None,
            Fact::ConsultationScheduled(scheduled) => unknown(&scheduled.patient_external_id),
            Fact::PatientUpdated(patient) if patient.test || !context.updates_customers => None,
            Fact::PatientUpdated(patient) => unknown(&patient.patient_external_id),
            Fact::Platform(platform) => platform_obstacle(platform),
        };
        if obstacle.is_none() {
            self.foresee(fact, context, foreseen);
        }
        obstacle
    }

    /// A consultation that ends later than now cannot have taken place; a day allows for zones and clocks.
    fn future(&self, completed: &ConsultationCompleted, context: &Context<'_>) -> Option<Obstacle> {
        let latest = context.received_at.max(self.now_ms).saturating_add(DAY_MS);
        (completed.completed_at > latest).then(|| {
            let detail =
                "the consultation ends more than a day after the message came; reprocess it when it has taken place";
            Obstacle::Undecided(Reason::new("completed_in_future", detail))
        })
    }

    /// Whether the region of a known customer stays open: an operator decides it, or the address does.
    fn undecided(&self, customer_id: &str, context: &Context<'_>, foreseen: &Foreseen) -> Option<Obstacle> {
        let customer = self.foresee_customer(customer_id, foreseen)?;
        if context.region.is_some() || customer.region.is_some() {
            return None;
        }
        let code = format!("region_{}", customer.region_outcome);
        let detail = "the customer's address does not decide a region; mend it or reprocess with a region";
        Some(Obstacle::Undecided(Reason::new(&code, detail)))
    }

    /// Applies a fact that has no obstacle.
    pub(super) fn apply(&mut self, fact: &Fact, context: &Context<'_>) -> Applied {
        match fact {
            Fact::ConsultationCompleted(completed) if completed.test => idle_test(),
            Fact::ConsultationCompleted(completed) => self.completed(completed, context),
            Fact::ConsultationScheduled(scheduled) if scheduled.test => idle_test(),
            Fact::ConsultationScheduled(scheduled) => self.scheduled(scheduled, context),
            Fact::PatientUpdated(patient) if patient.test => idle_test(),
            Fact::PatientUpdated(patient) => self.patient(patient, context),
            Fact::Platform(platform) => self.platform(platform, context),
        }
    }

    fn completed(&mut self, completed: &ConsultationCompleted, context: &Context<'_>) -> Applied {
        let customer_id = completed.patient_external_id.as_str();
        let customer = self.facts.customers.get(customer_id);
        let Some(region) = context.region.or_else(|| customer.and_then(|customer| customer.region)) else {
            // The obstacles of all facts were looked for, with what the facts before this one change.
            return idle("region_undecided", "the region became undecidable within the message");
        };
        let provenance = Provenance {
            region_source: match context.region {
                Some(_) => RegionSource::Operator,
                None => RegionSource::CustomerAddress,
            },
            region_decided_by: customer.filter(|_| context.region.is_none()).map(|it| it.region_outcome.clone()),
            address_as_of: customer.filter(|_| context.region.is_none()).map(|it| format_ms(it.updated_at)),
            reported: reported(&completed.attributes),
        };
        let consultation = Consultation {
            completed_at: completed.completed_at,
            appointment_id: completed.appointment_id.clone(),
            message_id: Some(context.message_id),
        };
        let fresh_id = self.next_id();
        let existing = self.facts.establishments.get(&(customer_id.to_owned(), region));
        let validity = &self.policy.validity;
        let change =
            establishment::fulfil(existing, fresh_id, customer_id, &region, &consultation, validity, self.now_ms);
        let Change::Fulfilled(record) = change else {
            return idle("unchanged", "this consultation is on record, or its validity is over");
        };
        let data = FulfilledData {
            customer_id,
            region_code: region.to_string(),
            establishment: EstablishmentData::of(&record),
            consultation: ConsultationData {
                appointment_id: completed.appointment_id.as_deref(),
                provider_id: completed.provider_id.as_deref(),
                duration_minutes: completed.duration_minutes,
                duration_source: completed.duration_source.as_deref(),
                completed_at: format_ms(completed.completed_at),
                completed_at_precision: &completed.completed_at_precision,
                completed_at_zone_assumed: completed.completed_at_zone_assumed,
                patient_location_region: location_region(completed.patient_location.as_ref()),
            },
            provenance,
        };
        let event = self.emit_own(
            catalogue::ESTABLISHMENT_FULFILLED,
            &data,
            &record.customer_id,
            Some(context.message_id),
            context.origin,
        );
        self.audit(AuditNote {
            actor: context.origin,
            action: "establishment.fulfilled",
            target: record.id.to_string(),
            detail: format!("message={} region={region}", context.message_id),
            ..AuditNote::default()
        });
        self.keep_establishment(record);
        done(vec![event])
    }

    fn scheduled(&mut self, scheduled: &ConsultationScheduled, context: &Context<'_>) -> Applied {
        let customer_id = scheduled.patient_external_id.as_str();
        let customer = self.facts.customers.get(customer_id);
        let region = context.region.or_else(|| customer.and_then(|customer| customer.region));
        let data = ScheduledData {
            customer_id,
            region_code: region.map(|region| region.to_string()),
            appointment_id: scheduled.appointment_id.as_deref(),
            provider_id: scheduled.provider_id.as_deref(),
            state: &scheduled.state,
            starts_at: scheduled.starts_at.map(format_ms),
            starts_at_precision: scheduled.starts_at_precision.as_deref(),
            starts_at_zone_assumed: scheduled.starts_at_zone_assumed,
            duration_minutes: scheduled.duration_minutes,
            duration_source: scheduled.duration_source.as_deref(),
            changed_at: scheduled.changed_at.map(format_ms),
            reported: reported(&scheduled.attributes),
        };
        let event_type = match scheduled.state.as_str() {
            "cancelled" | "no_show" => catalogue::CONSULTATION_CANCELLED,
            _ => catalogue::CONSULTATION_SCHEDULED,
        };
        done(vec![self.emit_own(event_type, &data, customer_id, Some(context.message_id), context.origin)])
    }

    fn patient(&mut self, patient: &PatientUpdated, context: &Context<'_>) -> Applied {
        if !context.updates_customers {
            return idle_untrusted();
        }
        if is_outdated(patient, self.facts.customers.get(&patient.patient_external_id)) {
            return idle("unchanged", "our record of the customer is newer than the partner's change");
        }
        let draft = draft_of(patient);
        let cause = Cause {
            name: "patient_updated",
            message_id: Some(context.message_id),
            origin: context.origin,
            replace: false,
        };
        done(self.change_customer(&draft, &cause).into_iter().collect())
    }

    fn platform(&mut self, platform: &PlatformFact, context: &Context<'_>) -> Applied {
        let Ok(event_type) = EventType::try_new(&platform.event_type) else {
            return idle("malformed_platform_event", "the plugin named an event type that is not well-formed");
        };
        let draft = people::of_platform(platform).ok().flatten();
        // An event that speaks of a customer is the same change by another name: neither the record nor a subscriber takes it from a source that may not make it.
        if draft.is_some() && !context.updates_customers {
            return idle_untrusted();
        }
        let event = EventDraft { event_type, data: platform.data.clone().into_boxed_str(), ordering_key: None };
        let (id, _) = self.emit(&event, None, Some(context.message_id), context.origin);
        let mut events = vec![id];
        if let Some(draft) = draft {
            let cause = Cause {
                name: &platform.event_type,
                message_id: Some(context.message_id),
                origin: context.origin,
                replace: false,
            };
            events.extend(self.change_customer(&draft, &cause));
        }
        done(events)
    }
}

fn platform_obstacle(platform: &PlatformFact) -> Option<Obstacle> {
    let well_formed = EventType::try_new(&platform.event_type).is_ok();
    if !well_formed {
        let reason = Reason::new("malformed_platform_event", "the plugin named an event type that is not well-formed");
        return Some(Obstacle::Undecided(reason));
    }
    people::of_platform(platform).err().map(|fault| {
        let reason = Reason::new("malformed_platform_event", fault.why).at(fault.pointer);
        Obstacle::Undecided(reason)
    })
}

fn done(events: Vec<EventId>) -> Applied {
    Applied { events, idle: None }
}

fn idle(code: &str, detail: &str) -> Applied {
    Applied { events: Vec::new(), idle: Some(Reason::new(code, detail)) }
}

fn idle_untrusted() -> Applied {
    idle("customer_updates_off", "this source does not change customers; set updates_customers if it should")
}

fn idle_test() -> Applied {
    idle("test", "the partner marked it as a test, which never makes an establishment")
}
