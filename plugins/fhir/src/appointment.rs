//! An Appointment is a consultation scheduled, or completed once it is fulfilled.

use hookwright_plugin_sdk::inbound::{AppointmentStatus, ConsultationCompleted, ConsultationScheduled, Report};
use hookwright_plugin_sdk::json::Node;

use crate::arrival::Event;
use crate::desk::{Desk, Stop, Verdict, note_time};
use crate::duration;
use crate::encounter::{modality, provider};
use crate::identity::{Identity, of_resource};
use crate::library::{Found, Resource, kind_of};

const PARTICIPANTS_MAX: usize = 64;

enum State {
    Is(AppointmentStatus),
    Fulfilled,
}

pub(crate) fn judge<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>, event: &Event<'a>) -> Result<Report, Stop> {
    let appointment = &resource.node;
    let (state, word) = state(desk, resource)?;
    let modality = modality(desk, appointment)?;
    let patient = patient(desk, resource)?;
    let patient_external_id = desk.patient(&patient, resource)?;
    let appointment_id = own_id(desk, resource)?;
    let mut reads = Vec::new();
    let provider_id = provider(desk, resource, &mut reads)?;
    if !reads.is_empty() {
        return Err(Stop::Verdict(Verdict::Unread(reads)));
    }
    let test = desk.is_test(resource, Some(&patient));
    let duration = duration::of_appointment(appointment, desk.settings.zone)?;
    let mut attributes =
        vec![("fhir-status".to_owned(), word.to_owned()), ("modality".to_owned(), modality.to_owned())];
    let State::Is(status) = state else {
        let mut times: Vec<_> = event.at.clone().map(|at| (at, "notification")).into_iter().collect();
        times.push((appointment.get("meta").get("lastUpdated"), "last-updated"));
        // The end that was planned is the last resort, and says what it is.
        times.push((appointment.get("end"), "scheduled"));
        let Some((completed_at, source)) = desk.time(&times)? else {
            let mismatch = appointment.get("end").mismatch("the time at which the appointment was fulfilled");
            return Err(desk.missing(resource, mismatch));
        };
        note_time(&completed_at, source, "completed-at", desk.settings, &mut attributes);
        return Ok(Report::ConsultationCompleted(ConsultationCompleted {
            appointment_id: Some(appointment_id),
            provider_id,
            duration,
            test,
            attributes,
            ..ConsultationCompleted::new(patient_external_id, completed_at.timestamp)
        }));
    };
    let start = appointment.get("start");
    let starts_at = desk.time(&[(start.clone(), "start")])?;
    if starts_at.is_none() && status == AppointmentStatus::Scheduled {
        return Err(desk.missing(resource, start.mismatch("the time at which the appointment begins")));
    }
    if let Some((moment, source)) = &starts_at {
        note_time(moment, source, "starts-at", desk.settings, &mut attributes);
    }
    Ok(Report::ConsultationScheduled(ConsultationScheduled {
        provider_id,
        starts_at: starts_at.map(|(moment, _)| moment.timestamp),
        duration,
        changed_at: desk.changed_at(resource, event)?,
        test,
        attributes,
        ..ConsultationScheduled::new(patient_external_id, appointment_id, status)
    }))
}

fn state<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> Result<(State, &'static str), Stop> {
    let status = resource.node.get("status");
    let expected = "a status of an appointment";
    if status.value().is_none() {
        return Err(desk.missing(resource, status.mismatch(expected)));
    }
    match status.as_text().unwrap_or_default() {
        "booked" => Ok((State::Is(AppointmentStatus::Scheduled), "booked")),
        // Booked, and somebody has yet to confirm.
        "pending" => Ok((State::Is(AppointmentStatus::Scheduled), "pending")),
        "cancelled" => Ok((State::Is(AppointmentStatus::Cancelled), "cancelled")),
        // It should never have been there, which is what a subscriber must hear.
        "entered-in-error" => Ok((State::Is(AppointmentStatus::Cancelled), "entered-in-error")),
        "noshow" => Ok((State::Is(AppointmentStatus::NoShow), "noshow")),
        "fulfilled" if desk.settings.fulfilled_is_completed => Ok((State::Fulfilled, "fulfilled")),
        "fulfilled" => Err(Stop::skip("fulfilled appointments are left to the encounters")),
        "proposed" | "waitlist" => Err(Stop::skip("the appointment is not booked")),
        "arrived" | "checked-in" => Err(Stop::skip("the appointment is under way")),
        _ => Err(status.mismatch(expected).into()),
    }
}

/// The participant who is a patient, or the subject that R5 has. Time that a practitioner blocked has none.
fn patient<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> Result<Node<'a>, Stop> {
    let participants = resource.node.get("participant");
    let actors = participants.each().take(PARTICIPANTS_MAX).map(|participant| participant.get("actor"));
    let kind = |actor: &Node<'a>| {
        kind_of(actor).or_else(|| match desk.library.find(actor, &resource.holder) {
            Found::Resource(found) => Some(found.kind()),
            _ => None,
        })
    };
    let mut others = 0;
    for actor in actors.chain(resource.node.get("subject").optional()) {
        match kind(&actor) {
            Some("Patient" | "Group") => return Ok(actor),
            Some(_) => others += 1,
            None => {}
        }
    }
    if others > 0 { Err(Stop::skip("the appointment has no patient")) } else { Ok(participants) }
}

/// What the appointment is called: by its own id, unless the settings name an identifier.
fn own_id<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> Result<String, Stop> {
    match of_resource(resource, &desk.settings.appointment)? {
        Identity::Known(id) => Ok(id),
        Identity::Unnamed(mismatch) | Identity::Unresolved(mismatch) => Err(desk.missing(resource, mismatch)),
        _ => Err(resource.node.get("id").mismatch("the appointment's id").into()),
    }
}
