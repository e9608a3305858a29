//! An Appointment is a consultation scheduled, or completed once it is fulfilled.

use hookwright_plugin_sdk::inbound::{
    AppointmentStatus, CallDuration, ConsultationCompleted, ConsultationScheduled, Report,
};
use hookwright_plugin_sdk::json::Node;

use crate::arrival::Event;
use crate::desk::{Desk, Stop, Verdict, note_time};
use crate::duration;
use crate::encounter::{modality, provider};
use crate::identity::{Identity, is_named, of_resource};
use crate::library::{Found, Resource, kind_of};

const PARTICIPANTS_MAX: usize = 64;

enum State {
    Is(AppointmentStatus),
    Fulfilled,
}

pub(crate) fn judge<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>, event: &Event<'a>) -> Result<Vec<Report>, Stop> {
    let (state, word) = state(desk, resource)?;
    let modality = modality(desk, resource)?;
    let patients = patients(desk, resource)?;
    let ids = ids(desk, resource, &patients)?;
    let appointment_id = own_id(desk, resource)?;
    let mut reads = Vec::new();
    let provider_id = provider(desk, resource, &mut reads)?;
    if !reads.is_empty() {
        return Err(Stop::Verdict(Verdict::Unread(reads)));
    }
    let attributes = vec![("fhir-status".to_owned(), word.to_owned()), ("modality".to_owned(), modality.to_owned())];
    let booking = Booking {
        appointment_id,
        provider_id,
        duration: duration::of_appointment(&resource.node, desk.settings.zone)?,
        test: patients.iter().any(|patient| desk.is_test(resource, Some(patient))),
        attributes,
    };
    let of = |patient_external_id: String| match state {
        State::Is(status) => scheduled(desk, resource, event, &booking, status, patient_external_id),
        State::Fulfilled => fulfilled(desk, resource, event, &booking, patient_external_id),
    };
    ids.into_iter().map(of).collect()
}

/// What is the same for every patient of an appointment.
struct Booking {
    appointment_id: String,
    provider_id: Option<String>,
    duration: Option<CallDuration>,
    test: bool,
    attributes: Vec<(String, String)>,
}

fn fulfilled<'a>(
    desk: &Desk<'a, '_>,
    resource: &Resource<'a>,
    event: &Event<'a>,
    booking: &Booking,
    patient_external_id: String,
) -> Result<Report, Stop> {
    let appointment = &resource.node;
    let mut times: Vec<_> = event.at.clone().map(|at| (at, "notification")).into_iter().collect();
    times.push((appointment.get("meta").get("lastUpdated"), "last-updated"));
    // The end that was planned is the last resort, and says what it is.
    times.push((appointment.get("end"), "scheduled"));
    let Some((completed_at, source)) = desk.time(&times)? else {
        let mismatch = appointment.get("end").mismatch("the time at which the appointment was fulfilled");
        return Err(desk.missing(resource, mismatch));
    };
    let mut attributes = booking.attributes.clone();
    note_time(&completed_at, source, "completed-at", desk.settings, &mut attributes);
    Ok(Report::ConsultationCompleted(ConsultationCompleted {
        appointment_id: Some(booking.appointment_id.clone()),
        provider_id: booking.provider_id.clone(),
        duration: booking.duration,
        test: booking.test,
        attributes,
        ..ConsultationCompleted::new(patient_external_id, completed_at.timestamp)
    }))
}

fn scheduled<'a>(
    desk: &Desk<'a, '_>,
    resource: &Resource<'a>,
    event: &Event<'a>,
    booking: &Booking,
    status: AppointmentStatus,
    patient_external_id: String,
) -> Result<Report, Stop> {
    let start = resource.node.get("start");
    let starts_at = desk.time(&[(start.clone(), "start")])?;
    if starts_at.is_none() && status == AppointmentStatus::Scheduled {
        return Err(desk.missing(resource, start.mismatch("the time at which the appointment begins")));
    }
    let mut attributes = booking.attributes.clone();
    if let Some((moment, source)) = &starts_at {
        note_time(moment, source, "starts-at", desk.settings, &mut attributes);
    }
    Ok(Report::ConsultationScheduled(ConsultationScheduled {
        provider_id: booking.provider_id.clone(),
        starts_at: starts_at.map(|(moment, _)| moment.timestamp),
        duration: booking.duration,
        changed_at: desk.changed_at(resource, event)?,
        test: booking.test,
        attributes,
        ..ConsultationScheduled::new(patient_external_id, booking.appointment_id.clone(), status)
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

/// The participants who are patients, or the subject that R5 has. Time that a practitioner blocked has none.
fn patients<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> Result<Vec<Node<'a>>, Stop> {
    let participants = resource.node.get("participant");
    let mut actors: Vec<_> =
        participants.each().take(PARTICIPANTS_MAX + 1).map(|participant| participant.get("actor")).collect();
    if actors.len() > PARTICIPANTS_MAX {
        return Err(participants.mismatch("at most 64 participants").into());
    }
    actors.extend(resource.node.get("subject").optional());
    let kind = |actor: &Node<'a>| {
        kind_of(actor).or_else(|| match desk.library.find(actor, &resource.holder) {
            Found::Resource(found) => Some(found.kind()),
            _ => None,
        })
    };
    let (mut patients, mut group, mut unknown, mut others) = (Vec::new(), None, None, 0);
    for actor in actors {
        match kind(&actor) {
            Some("Patient") => patients.push(actor),
            Some("Group") => group = Some(actor),
            Some(_) => others += 1,
            None if is_named(&actor, &desk.settings.patient) => patients.push(actor),
            None if is_told(&actor) => unknown = unknown.or(Some(actor)),
            None => {}
        }
    }
    if !patients.is_empty() {
        return Ok(patients);
    }
    match (group, unknown) {
        (Some(group), _) => Ok(vec![group]),
        // It may be the patient, and it may be the room.
        (None, Some(unknown)) => {
            Err(desk.missing(resource, unknown.mismatch("a participant of whom it is told what it is")))
        }
        (None, None) if others > 0 => Err(Stop::skip("the appointment has no patient")),
        (None, None) => Ok(vec![participants]),
    }
}

/// Whether a reference names somebody by more than words for people to read.
fn is_told(actor: &Node<'_>) -> bool {
    let is_there = |key: &str| actor.get(key).optional().is_some();
    is_there("reference") || is_there("identifier") || actor.as_text().is_some()
}

/// The ids of the patients, each once. Whoever is none of the platform's is left out, if the settings say so, unless
/// nobody is left.
fn ids<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>, patients: &[Node<'a>]) -> Result<Vec<String>, Stop> {
    let (mut ids, mut reads, mut skipped) = (Vec::new(), Vec::new(), None);
    for patient in patients {
        match desk.patient(patient, resource) {
            Ok(id) if ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(Stop::Verdict(Verdict::Unread(more))) => reads.extend(more),
            Err(Stop::Verdict(verdict)) => skipped = skipped.or(Some(verdict)),
            Err(refusal) => return Err(refusal),
        }
    }
    if !reads.is_empty() {
        return Err(Stop::Verdict(Verdict::Unread(reads)));
    }
    match skipped.filter(|_| ids.is_empty()) {
        Some(verdict) => Err(Stop::Verdict(verdict)),
        None => Ok(ids),
    }
}

/// What the appointment is called: by its own id, unless the settings name an identifier.
fn own_id<'a>(desk: &Desk<'a, '_>, resource: &Resource<'a>) -> Result<String, Stop> {
    match of_resource(resource, &desk.settings.appointment)? {
        Identity::Known(id) => Ok(id),
        Identity::Unnamed(mismatch) | Identity::Unresolved(mismatch) => Err(desk.missing(resource, mismatch)),
        _ => Err(resource.node.get("id").mismatch("the appointment's id").into()),
    }
}
