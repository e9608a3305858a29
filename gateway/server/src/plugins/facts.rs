//! What plugins report, in the core's words, and checked for what the contract's types cannot say.

use hookwright_core::customer::is_external_id;
use hookwright_core::message::{
    ConsultationCompleted, ConsultationScheduled, Fact, Parsed, PatientUpdated, PlatformFact, Reason,
};
use hookwright_core::region::Address;
use hookwright_core::{catalogue, json};
use hookwright_plugin_host::inbound::{Accepted, Ignored};
use hookwright_plugin_host::{Reply, clinical};

/// Longer addresses are joined: the core keeps two lines.
const LINE_SEPARATOR: &str = ", ";
/// As for publishers: 1 MiB of data, and bounds on depth and number of values.
const DATA_LIMITS: json::Limits = json::Limits { depth: 64, nodes: 50_000, bytes: 1024 * 1024 };

/// The attribute by which an ignored message tells its partner's id of it.
const MESSAGE_ID: &str = "message-id";

/// What an accepted message holds. A report that cannot be is the partner's fault where it is the partner's datum, and the plugin's otherwise.
pub(super) fn accepted(accepted: Accepted, strict_event_types: bool) -> (Parsed, Option<Reply>) {
    let facts = accepted
        .reports
        .into_iter()
        .enumerate()
        .map(|(at, report)| fact(report, strict_event_types).map_err(|parsed| at_report(parsed, at)));
    match facts.collect::<Result<Vec<_>, _>>() {
        Ok(facts) => {
            let parsed = Parsed::Accepted { facts, partner_id: accepted.message_id, metadata: accepted.metadata };
            (parsed, accepted.reply)
        }
        // The plugin's reply says that all is well, and it is not.
        Err(parsed) => (parsed, None),
    }
}

/// What an ignored message comes to.
pub(super) fn ignored(ignored: Ignored) -> (Parsed, Option<Reply>) {
    let reason = Reason::new("ignored", ignored.reason);
    let partner_id = ignored.attributes.into_iter().find(|(name, _)| name == MESSAGE_ID).map(|(_, value)| value);
    let partner_id = partner_id.filter(|id| !id.is_empty() && id.len() <= 256);
    (Parsed::Ignored { reason, partner_id, metadata: ignored.metadata }, ignored.reply)
}

fn at_report(parsed: Parsed, at: usize) -> Parsed {
    let place = |reason: Reason| {
        let location = format!("report {}: {}", at + 1, reason.location);
        reason.at(location)
    };
    match parsed {
        Parsed::Refused(reason) => Parsed::Refused(place(reason)),
        Parsed::Failed(reason) => Parsed::Failed(place(reason)),
        other => other,
    }
}

fn fact(report: clinical::Report, strict_event_types: bool) -> Result<Fact, Parsed> {
    match report {
        clinical::Report::ConsultationCompleted(one) => completed(one).map(Fact::ConsultationCompleted),
        clinical::Report::ConsultationScheduled(one) => scheduled(one).map(Fact::ConsultationScheduled),
        clinical::Report::PatientUpdated(one) => updated(one).map(Fact::PatientUpdated),
        clinical::Report::Platform(one) => platform(one, strict_event_types).map(Fact::Platform),
    }
}

fn completed(one: clinical::ConsultationCompleted) -> Result<ConsultationCompleted, Parsed> {
    Ok(ConsultationCompleted {
        patient_external_id: patient_id(one.patient_external_id)?,
        appointment_id: one.appointment_id,
        provider_id: one.provider_id,
        duration_minutes: one.duration.map(minutes),
        duration_source: one.duration.map(|duration| duration.source.as_str().to_owned()),
        completed_at: one.completed_at.unix_ms,
        completed_at_precision: one.completed_at.precision.as_str().to_owned(),
        completed_at_zone_assumed: one.completed_at.zone_assumed,
        patient_location: one.patient_location.map(address),
        test: one.test,
        attributes: one.attributes,
    })
}

fn scheduled(one: clinical::ConsultationScheduled) -> Result<ConsultationScheduled, Parsed> {
    Ok(ConsultationScheduled {
        patient_external_id: patient_id(one.patient_external_id)?,
        appointment_id: Some(one.appointment_id),
        provider_id: one.provider_id,
        starts_at: one.starts_at.map(|at| at.unix_ms),
        starts_at_precision: one.starts_at.map(|at| at.precision.as_str().to_owned()),
        starts_at_zone_assumed: one.starts_at.is_some_and(|at| at.zone_assumed),
        duration_minutes: one.duration.map(minutes),
        duration_source: one.duration.map(|duration| duration.source.as_str().to_owned()),
        // The core's states are words of our API, which is in snake_case.
        state: one.status.as_str().replace('-', "_"),
        changed_at: one.changed_at.map(|at| at.unix_ms),
        test: one.test,
        attributes: one.attributes,
    })
}

fn updated(one: clinical::PatientUpdated) -> Result<PatientUpdated, Parsed> {
    let mut attributes = one.attributes;
    attributes.extend(one.merged_into.map(|other| ("merged-into".to_owned(), other)));
    Ok(PatientUpdated {
        patient_external_id: patient_id(one.patient_external_id)?,
        name: one.name,
        address: one.address.map(address),
        changed_at: one.changed_at.map(|at| at.unix_ms),
        test: one.test,
        attributes,
    })
}

fn platform(one: clinical::PlatformEvent, strict_event_types: bool) -> Result<PlatformFact, Parsed> {
    if strict_event_types && catalogue::find(&one.event_type).is_none() {
        let reason =
            Reason::new("plugin_output", "this gateway takes only event types of its catalogue").at("event-type");
        return Err(Parsed::Failed(reason));
    }
    if let Err(fault) = json::check(one.data.as_bytes(), DATA_LIMITS) {
        let reason = Reason::new("plugin_output", fault.to_string()).at(format!("data{}", fault.pointer));
        return Err(Parsed::Failed(reason));
    }
    Ok(PlatformFact { event_type: one.event_type, data: one.data })
}

/// An id that no customer can have would wait for its customer for good.
fn patient_id(id: String) -> Result<String, Parsed> {
    if is_external_id(&id) {
        return Ok(id);
    }
    let detail = "expected a customer's id: 1 to 200 visible ASCII characters without / ? # % quotes or backslash";
    Err(Parsed::Refused(Reason::new("malformed", detail).at("patient-external-id")))
}

/// Whole minutes, to the nearest.
fn minutes(duration: clinical::CallDuration) -> u32 {
    duration.seconds.saturating_add(30) / 60
}

fn address(one: clinical::Address) -> Address {
    let mut lines = one.lines.into_iter();
    let first = lines.next();
    let further: Vec<_> = lines.collect();
    Address {
        line1: first,
        line2: (!further.is_empty()).then(|| further.join(LINE_SEPARATOR)),
        city: one.city,
        state: one.state,
        postal_code: one.postal_code,
        country: one.country,
    }
}

#[cfg(test)]
mod tests;
