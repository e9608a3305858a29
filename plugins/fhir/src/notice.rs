//! An event whose focus cannot be read is taken from the notification alone, if its topic says what happened.

use hookwright_plugin_sdk::inbound::{AppointmentStatus, ConsultationCompleted, ConsultationScheduled, Report};
use hookwright_plugin_sdk::json::Node;

use crate::arrival::Event;
use crate::desk::{Desk, Stop, Verdict, note_time};
use crate::identity::plain;
use crate::library::{Resource, kind_of};
use crate::topic::Rule;

const EXTENSIONS_MAX: usize = 64;

/// What the event comes to. It always ends the judging: with a report, a reason or a refusal.
pub(crate) fn judge<'a>(desk: &Desk<'a, '_>, rule: Option<Rule>, focus: Option<&Node<'a>>, event: &Event<'a>) -> Stop {
    let Some(rule) = rule else {
        return match focus {
            None => Stop::skip("the event names no focus"),
            Some(focus) if focus.get("identifier").optional().is_some() => {
                Stop::skip("the focus cannot be read, and its topic has no rule")
            }
            Some(focus) => focus.mismatch("a reference that can be followed").into(),
        };
    };
    match report(desk, rule, focus, event) {
        Ok(report) => Stop::Verdict(Verdict::Reports(vec![report])),
        Err(stop) => stop,
    }
}

fn report<'a>(desk: &Desk<'a, '_>, rule: Rule, focus: Option<&Node<'a>>, event: &Event<'a>) -> Result<Report, Stop> {
    let Some(focus) = focus else { return Err(Stop::skip("the event names no focus")) };
    let Some(patient) = patient(event) else {
        return Err(focus.mismatch("a patient beside the focus, in the additional context or an AuditEvent").into());
    };
    let holder = Resource::alone(event.audit.clone().unwrap_or_else(|| focus.clone()));
    let patient_external_id = desk.patient(&patient, &holder)?;
    let test = desk.is_test(&holder, Some(&patient));
    let identifier = focus.get("identifier").first();
    let id = plain(&identifier.get("value"), &desk.settings.appointment)?;
    let mut attributes = vec![("fhir-source".to_owned(), "notification".to_owned())];
    let system = identifier.get("system").line().ok();
    attributes.extend(system.map(|system| ("focus-system".to_owned(), system)));
    let mut times: Vec<_> = event.at.clone().map(|at| (at, "notification")).into_iter().collect();
    times.extend(event.audit.as_ref().map(|audit| (audit.get("recorded"), "notification")));
    let at = desk.time(&times)?;
    let status = match rule {
        Rule::Completed => {
            let Some((completed_at, source)) = at else {
                return Err(focus.mismatch("an event with a time").into());
            };
            note_time(&completed_at, source, "completed-at", desk.settings, &mut attributes);
            return Ok(Report::ConsultationCompleted(ConsultationCompleted {
                appointment_id: is_appointment(event).then_some(id),
                test,
                attributes,
                ..ConsultationCompleted::new(patient_external_id, completed_at.timestamp)
            }));
        }
        Rule::Scheduled => AppointmentStatus::Scheduled,
        Rule::Rescheduled => AppointmentStatus::Rescheduled,
        Rule::Cancelled => AppointmentStatus::Cancelled,
        Rule::NoShow => AppointmentStatus::NoShow,
        Rule::Ignore => return Err(Stop::skip("the topic reports nothing")),
    };
    Ok(Report::ConsultationScheduled(ConsultationScheduled {
        changed_at: at.map(|(moment, _)| moment.timestamp),
        test,
        attributes,
        ..ConsultationScheduled::new(patient_external_id, id, status)
    }))
}

/// The topic names what the focus is: `Appointment.check-out`.
fn is_appointment(event: &Event<'_>) -> bool {
    event.topic.is_some_and(|topic| crate::topic::last_segment(topic).starts_with("Appointment"))
}

/// The patient beside the focus.
fn patient<'a>(event: &Event<'a>) -> Option<Node<'a>> {
    let is_patient = |reference: &Node<'a>| kind_of(reference) == Some("Patient");
    let context = event.context.iter().find(|reference| is_patient(reference)).cloned();
    let audited = || {
        let audit = event.audit.as_ref()?;
        let extensions = audit.get("extension");
        let extended = extensions
            .each()
            .take(EXTENSIONS_MAX)
            .find(|extension| extension.get("url").as_text().is_some_and(|url| url.ends_with("AuditEvent.patient")));
        // R5 has a field of its own for it.
        let own = audit.get("patient").optional();
        let named = audit.get("entity").each().take(EXTENSIONS_MAX).map(|entity| entity.get("what"));
        extended.map(|extension| extension.get("valueReference")).or(own).or_else(|| named.into_iter().find(is_patient))
    };
    context.or_else(audited)
}
