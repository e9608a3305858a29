//! Inbound plugin: video calls and appointments as one EMR vendor reports them.
//!
//! The vendor posts flat JSON objects. The field `event` says what happened:
//! * `video_call.completed`: `patient_external_id`, `appointment_id`, `provider_id`, `call_duration_minutes` and
//!   `completed_at`.
//! * `appointment.scheduled`, `appointment.rescheduled`, `appointment.cancelled`: `patient_external_id`,
//!   `appointment_id` and `starts_at` (not needed for a cancellation), and if known `provider_id`,
//!   `duration_minutes` and `changed_at`.
//!
//! All may carry `test: true` and a `patient_location` (`line1`, `line2`, `city`, `state`, `postal_code`, `country`), which
//! is where the patient was at the end of the call, or will be when the appointment begins: the attributes `address-use`
//! (`patient-location`) and `address-as-of` say so.
//!
//! Minutes and ids may be written as numbers or as strings, and `test` as a string. A field that is `null` or empty is left out.
//! The plugin has no settings.

use hookwright_plugin_sdk::export_inbound;
use hookwright_plugin_sdk::inbound::{
    Accepted, Address, AppointmentStatus, CallDuration, ConsultationCompleted, ConsultationScheduled, Context,
    DurationSource, Inbound, Outcome, Refusal, Report, Request, Timestamp,
};
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};
use hookwright_plugin_sdk::timestamp::to_rfc3339;

/// A day: no call is longer, and larger figures are seconds taken for minutes.
const MINUTES_MAX: f64 = 1440.0;

/// The plugin.
pub struct EmrVideoCall;

impl Inbound for EmrVideoCall {
    fn parse(_context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        let document = Document::body(&request.body)?;
        let body = document.root();
        body.object()?;
        let event = body.get("event").text()?;
        let (report, message_id) = match event {
            "video_call.completed" => completed(&body)?,
            "appointment.scheduled" => appointment(&body, AppointmentStatus::Scheduled)?,
            "appointment.rescheduled" => appointment(&body, AppointmentStatus::Rescheduled)?,
            "appointment.cancelled" => appointment(&body, AppointmentStatus::Cancelled)?,
            _ => {
                return Err(Refusal::unsupported(
                    "/event",
                    "video_call.completed, appointment.scheduled, appointment.rescheduled or appointment.cancelled",
                ));
            }
        };
        let metadata = vec![("event".to_owned(), event.to_owned())];
        // The vendor sends no id of its messages, and sends one again, with another signature, if it hears nothing.
        let message_id = message_id.map(|id| format!("{event}:{id}"));
        Ok(Accepted { message_id, metadata, ..Accepted::new(vec![report]) }.into())
    }
}

fn completed(body: &Node<'_>) -> Result<(Report, Option<String>), Mismatch> {
    let patient_external_id = patient(body)?;
    let appointment_id = id(&body.get("appointment_id"))?;
    let completed_at = body.get("completed_at").timestamp()?;
    let patient_location = body.get("patient_location").told().map(|place| address(&place)).transpose()?.flatten();
    let message_id = Some(message_id(&appointment_id, completed_at));
    let consultation = ConsultationCompleted {
        appointment_id: Some(appointment_id),
        provider_id: Some(id(&body.get("provider_id"))?),
        duration: Some(duration(&body.get("call_duration_minutes"), DurationSource::Actual)?),
        attributes: provenance(patient_location.as_ref(), Some(completed_at)),
        patient_location,
        test: body.get("test").spelt_flag()?,
        ..ConsultationCompleted::new(patient_external_id, completed_at)
    };
    Ok((Report::ConsultationCompleted(consultation), message_id))
}

fn appointment(body: &Node<'_>, status: AppointmentStatus) -> Result<(Report, Option<String>), Mismatch> {
    let patient_external_id = patient(body)?;
    let appointment_id = id(&body.get("appointment_id"))?;
    let starts_at = match body.get("starts_at").told() {
        None if status == AppointmentStatus::Cancelled => None,
        _ => Some(body.get("starts_at").timestamp()?),
    };
    let changed_at = body.get("changed_at").told().map(|at| at.timestamp()).transpose()?;
    // An appointment may be moved to and fro, so nothing but the time of the change tells two messages about it apart.
    let message_id = changed_at.map(|at| message_id(&appointment_id, at));
    let minutes = body.get("duration_minutes").told();
    let patient_location = body.get("patient_location").told().map(|place| address(&place)).transpose()?.flatten();
    let consultation = ConsultationScheduled {
        provider_id: body.get("provider_id").told().map(|provider| id(&provider)).transpose()?,
        starts_at,
        duration: minutes.map(|minutes| duration(&minutes, DurationSource::Scheduled)).transpose()?,
        changed_at,
        attributes: provenance(patient_location.as_ref(), starts_at),
        patient_location,
        test: body.get("test").spelt_flag()?,
        ..ConsultationScheduled::new(patient_external_id, appointment_id, status)
    };
    Ok((Report::ConsultationScheduled(consultation), message_id))
}

fn message_id(appointment_id: &str, at: Timestamp) -> String {
    format!("{appointment_id}:{}", at.unix_ms)
}

/// The patient's id: one that a customer can have, and as short as the others.
fn patient(body: &Node<'_>) -> Result<String, Mismatch> {
    let place = body.get("patient_external_id");
    id(&place)?;
    place.patient_id()
}

/// An id, short enough that a message id made of it keeps within the contract's 256 bytes.
fn id(node: &Node<'_>) -> Result<String, Mismatch> {
    let id = node.id()?;
    let legal = id.len() <= 128 && !id.chars().any(char::is_control);
    if legal { Ok(id) } else { Err(node.mismatch("an id of at most 128 printable bytes")) }
}

fn duration(minutes: &Node<'_>, source: DurationSource) -> Result<CallDuration, Mismatch> {
    let minutes = minutes.number(0.0..=MINUTES_MAX, "minutes from 0 to 1440")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 86,400")]
    let seconds = (minutes * 60.0).round() as u32;
    Ok(CallDuration { seconds, source })
}

/// The parts of an address; nothing if all are left out.
fn address(place: &Node<'_>) -> Result<Option<Address>, Mismatch> {
    place.object()?;
    let part = |key| place.get(key).told().map(|part| part.line());
    let part = |key| part(key).transpose();
    let lines: Vec<String> = [part("line1")?, part("line2")?].into_iter().flatten().collect();
    let (city, state) = (part("city")?, part("state")?);
    let (postal_code, country) = (part("postal_code")?, part("country")?);
    let told = !lines.is_empty() || [&city, &state, &postal_code, &country].iter().any(|part| part.is_some());
    Ok(told.then_some(Address { lines, city, state, postal_code, country, attributes: Vec::new() }))
}

/// Where the patient's location comes from, and as of when.
fn provenance(place: Option<&Address>, as_of: Option<Timestamp>) -> Vec<(String, String)> {
    if place.is_none() {
        return Vec::new();
    }
    let used = ("address-use".to_owned(), "patient-location".to_owned());
    let as_of = as_of.map(|at| ("address-as-of".to_owned(), to_rfc3339(at.unix_ms)));
    std::iter::once(used).chain(as_of).collect()
}

export_inbound!(EmrVideoCall);

#[cfg(test)]
mod tests;
