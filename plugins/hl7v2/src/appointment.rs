//! Appointments: what SIU tells.

use hookwright_plugin_sdk::er7::Place;
use hookwright_plugin_sdk::inbound::{AppointmentStatus, ConsultationScheduled, Refusal};

use crate::patient::Identified;
use crate::reader::Reader;
use crate::{duration, patient, visit};

/// What has become of an appointment, by the trigger event; `None` for those that tell nothing of one.
fn status_of(event: &str) -> Option<AppointmentStatus> {
    Some(match event {
        "S12" | "S14" => AppointmentStatus::Scheduled,
        "S13" => AppointmentStatus::Rescheduled,
        "S15" | "S16" | "S17" => AppointmentStatus::Cancelled,
        "S26" => AppointmentStatus::NoShow,
        _ => return None,
    })
}

/// Whether an event is about an appointment.
pub(crate) fn is_about_one(event: &str) -> bool {
    status_of(event).is_some()
}

/// What the filler's status code (SCH-25, table 0278) says beyond the trigger event.
fn status_said(code: &str) -> Option<AppointmentStatus> {
    match code.to_ascii_lowercase().replace(['-', ' ', '_'], "").as_str() {
        "cancelled" | "canceled" | "dc" | "discontinued" | "deleted" => Some(AppointmentStatus::Cancelled),
        "noshow" => Some(AppointmentStatus::NoShow),
        _ => None,
    }
}

/// The appointment.
pub(crate) fn scheduled(
    reader: &Reader<'_>,
    event: &str,
    patient: Identified,
) -> Result<ConsultationScheduled, Refusal> {
    let Identified { id, mut attributes } = patient;
    let mut status = status_of(event).unwrap_or(AppointmentStatus::Scheduled);
    if matches!(status, AppointmentStatus::Scheduled | AppointmentStatus::Rescheduled) {
        let said = reader.text(&Place::field("SCH", 25))?;
        status = said.as_deref().and_then(status_said).unwrap_or(status);
    }
    let Some(appointment_id) = visit::appointment_id(reader, &mut attributes)? else {
        let place = reader.settings.appointment.first().copied().unwrap_or(Place::field("SCH", 1));
        return Err(reader.malformed(&place, "the id of the appointment"));
    };
    // Since 2.5 the first is where it stands; what is left in the second may be the request that was made.
    let starts_at = reader.first_moment(&[
        Place::field("TQ1", 7),
        Place::field("SCH", 11).component(4),
        Place::field("AIS", 4),
        Place::field("AIP", 6),
        Place::field("AIL", 6),
        Place::field("AIG", 8),
    ])?;
    let is_booking = matches!(status, AppointmentStatus::Scheduled | AppointmentStatus::Rescheduled) && event != "S14";
    if is_booking && starts_at.is_none() {
        let expected = "when the appointment begins, here or in SCH-11.4, AIS-4, AIP-6, AIL-6 or AIG-8";
        return Err(reader.malformed(&Place::field("TQ1", 7), expected));
    }
    let changed_at = reader.made_at()?;
    attributes.push(("trigger".to_owned(), format!("SIU^{event}")));
    for (name, moment) in [("starts-at", &starts_at), ("changed-at", &changed_at)] {
        if let Some(moment) = moment {
            reader.note(name, moment, &mut attributes);
        }
    }
    let patient_location = if reader.settings.locates_by_patient { patient::address(reader)? } else { None };
    Ok(ConsultationScheduled {
        provider_id: visit::provider_id(reader)?,
        starts_at: starts_at.map(|moment| moment.timestamp),
        duration: duration::booked(reader)?,
        changed_at: changed_at.map(|moment| moment.timestamp),
        patient_location,
        test: reader.is_test()?,
        attributes,
        ..ConsultationScheduled::new(id, appointment_id, status)
    })
}
