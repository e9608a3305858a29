//! Appointments: what SIU tells.

use hookwright_plugin_sdk::er7::Place;
use hookwright_plugin_sdk::inbound::{AppointmentStatus, ConsultationScheduled, Refusal};

use crate::patient::Identified;
use crate::reader::{Moment, Reader};
use crate::{duration, patient, visit};

/// Where the beginning stands. Since 2.5 that is the first; what is left in the second may be the request that was made.
const TIMES: [Place; 6] = [
    Place::field("TQ1", 7),
    Place::field("SCH", 11).component(4),
    Place::field("AIS", 4),
    Place::field("AIP", 6),
    Place::field("AIL", 6),
    Place::field("AIG", 8),
];

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

/// The time that stands in SCH-11 as if that field were nothing else. By the standard its first component is a quantity, for
/// which none takes twelve digits or more.
fn bare_start(reader: &Reader<'_>) -> Result<Option<Moment>, Refusal> {
    let place = Place::field("SCH", 11);
    let text = reader.text(&place)?;
    let is_time = text.is_some_and(|text| text.bytes().take_while(u8::is_ascii_digit).count() >= 12);
    if is_time { reader.moment(place) } else { Ok(None) }
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
        // Some put numbers of their own before the words of the table: `4^No Show`.
        let places = [Place::field("SCH", 25), Place::field("SCH", 25).component(2)];
        for place in places {
            let Some(said) = reader.text(&place)?.as_deref().and_then(status_said) else { continue };
            status = said;
            break;
        }
    }
    let Some(appointment_id) = visit::appointment_id(reader, &mut attributes)? else {
        let place = reader.settings.appointment.first().copied().unwrap_or(Place::field("SCH", 1));
        return Err(reader.malformed(&place, "the id of the appointment"));
    };
    let told_at = reader.first_moment(&TIMES)?;
    let starts_at = match told_at {
        Some(moment) => Some(moment),
        None => bare_start(reader)?,
    };
    let is_booking = matches!(status, AppointmentStatus::Scheduled | AppointmentStatus::Rescheduled) && event != "S14";
    if is_booking && starts_at.is_none() {
        // Before 2.5 there was no TQ1.
        let (place, expected) = if reader.message.named(b"TQ1").next().is_some() {
            (TIMES[0], "when the appointment begins, here or in SCH-11.4, AIS-4, AIP-6, AIL-6 or AIG-8")
        } else {
            (TIMES[1], "when the appointment begins, here or in TQ1-7, AIS-4, AIP-6, AIL-6 or AIG-8")
        };
        return Err(reader.malformed(&place, expected));
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
