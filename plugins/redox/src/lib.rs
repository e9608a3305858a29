//! Inbound plugin: the data model in which Redox passes on what happens in EHRs.
//!
//! Every field of the model may be `null` or an empty string, and is then as if it were not there. Numbers may be strings, and
//! `Meta.Test` may be the string `true`. The challenge with which Redox verifies an endpoint is answered by the gateway.
//!
//! # What it reports
//! * `Scheduling`: `New` and `Modification` (scheduled), `Reschedule` (rescheduled), `Cancel` (cancelled), `NoShow` (no
//!   show). A `Modification` whose `Visit.Status` says that the visit is over is a consultation completed; one whose status
//!   says that it was called off, or that the patient was not there, says so.
//! * `PatientAdmin`: `Discharge`, and `VisitUpdate` with such a status: a consultation completed. `NewPatient`,
//!   `PatientUpdate`, `Registration` and `PreAdmit`: a patient updated. `PatientMerge`: the patient of
//!   `Patient.PreviousIdentifiers` was merged into that of `Patient.Identifiers`.
//! * `Notes`, `New`: a consultation completed, if the settings say that a note is written when it is over.
//!
//! Other events of these models are ignored, and so are other models: Redox stops the queue of whoever refuses a message.
//! The metadata `data-model` and `event-type` tell what it was.
//!
//! A consultation ended at `Visit.DischargeDateTime` or `Visit.VisitEndDateTime`, else (of a note) at
//! `Note.ServiceDateTime`. Where none is told, `Meta.EventDateTime` stands in: it is the time of the delivery, by which the
//! visit was over. It is never computed from the time for which the visit was booked. The attribute `completed-at-source`
//! tells which it is: `discharge`, `visit-end`, `service` or `delivery`.
//!
//! `Visit.Duration` is what was booked, and says so. `Visit.VisitDateTime` is the time for which the visit was booked, or at
//! which it began, and the model does not tell which: no duration is derived from it.
//!
//! The address of a patient is `Demographics.Address`: the attributes `address-use` (`demographics`) and `address-as-of` (the
//! time of the delivery) say so.
//!
//! # Attributes
//! `trigger`: the model and the event, such as `Scheduling.New`. `completed-at-source`, `completed-at-precision`,
//! `starts-at-precision`, `zone`: as above, the precision if it is coarser than a day, the zone that was assumed.
//! `modality`: how it is known that a visit was held by video (`told`, `untold`, `assumed-of-source`). `visit-status`: the
//! EHR's word. `old-visit-number`: which visit was moved. `address-use`, `address-as-of`: which address it is.
//!
//! # Settings
//! All may be left out.
//! * `patient_id_type`: which of the patient's identifiers is meant, by its `IDType`. Default: `MR`, or the only one. Of an
//!   identifier with an assigning authority, `id^^^&oid&ISO`, the id counts.
//! * `provider_id_type`: the same for providers. Default: whatever is told.
//! * `completed_statuses`: the words of `Visit.Status` that say that a visit is over. Default `["Comp", "Completed"]`.
//! * `cancelled_statuses`, `no_show_statuses`: the same for visits that were called off, default `["Canc", "Canceled",
//!   "Cancelled"]`, and for those where the patient was not there, default `["NoShow", "No Show"]`.
//! * `notes`: `completed` if a note is written when a consultation is over, or `ignore` (default).
//! * `virtual`: which visits are held by video: `"all"`, or an object with `patient_classes`, `departments` or
//!   `visit_types`, lists of the words of `Visit.PatientClass`, `Visit.Location.Department` and `Visit.Type`. The model has no
//!   word for it. Default: all but those whose class says that the patient was there (`Inpatient`, `Emergency`,
//!   `Obstetrics`, `Observation`).
//! * `patient_location`: where the patient was during the call: `none` (default; the gateway goes by the customer's
//!   address) or `demographics` (the address that the message tells).
//! * `zone`: what is assumed for times without an offset: the IANA name of a time zone, such as `America/Chicago`, or an
//!   offset, such as `-06:00`. Default `Z`.

mod identifier;
mod patient;
mod settings;
mod visit;

use hookwright_plugin_sdk::export_inbound;
use hookwright_plugin_sdk::inbound::{
    Accepted, AppointmentStatus, Context, Ignored, Inbound, Outcome, Refusal, Report, Request, Resumption,
};
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};

use crate::settings::Settings;

/// The plugin.
pub struct Redox;

/// What an event comes to.
enum Meaning {
    Completed,
    Scheduled(AppointmentStatus),
    Updated,
    Merged,
    Nothing,
    OtherModel,
}

impl Inbound for Redox {
    fn parse(context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        let settings = Settings::read(context)?;
        let document = Document::body(&request.body)?;
        let root = document.root();
        root.object()?;
        let model = root.get("Meta").get("DataModel");
        let event = root.get("Meta").get("EventType");
        let status = root.get("Visit").get("Status");
        let meaning = meaning(model.text()?, event.text()?, settings.outcome(&status), &settings);
        let metadata = metadata(&root);
        let ignored = |reason: &str| Ok(Ignored { metadata: metadata.clone(), ..Ignored::new(reason) }.into());
        let is_visit = matches!(meaning, Meaning::Completed | Meaning::Scheduled(_));
        if is_visit && !settings.is_virtual(&root.get("Visit")) {
            return ignored("the visit is not told to be virtual");
        }
        let report = match meaning {
            Meaning::Completed => Report::ConsultationCompleted(visit::completed(&root, &settings)?),
            Meaning::Scheduled(status) => Report::ConsultationScheduled(visit::scheduled(&root, status, &settings)?),
            Meaning::Updated => Report::PatientUpdated(patient::updated(&root, &settings)?),
            Meaning::Merged => Report::PatientUpdated(patient::merged(&root, &settings)?),
            Meaning::Nothing => return ignored("the event type reports nothing"),
            Meaning::OtherModel => return ignored("the data model is none of Scheduling, PatientAdmin and Notes"),
        };
        Ok(Accepted { message_id: message_id(&root)?, metadata, ..Accepted::new(vec![report]) }.into())
    }

    fn resume(_context: &Context, _request: &Request, _resumption: &Resumption) -> Result<Outcome, Refusal> {
        Err(Refusal::new("unsupported"))
    }
}

/// What an event means; nothing is known of other models. Redox stops the whole queue of a destination that refuses a message.
fn meaning(model: &str, event: &str, outcome: Option<settings::Outcome>, settings: &Settings) -> Meaning {
    use settings::Outcome;
    match (model, event) {
        ("Scheduling", "Modification") | ("PatientAdmin", "VisitUpdate") if outcome == Some(Outcome::Completed) => {
            Meaning::Completed
        }
        ("Scheduling", "Modification") if outcome == Some(Outcome::Cancelled) => {
            Meaning::Scheduled(AppointmentStatus::Cancelled)
        }
        ("Scheduling", "Modification") if outcome == Some(Outcome::NoShow) => {
            Meaning::Scheduled(AppointmentStatus::NoShow)
        }
        ("Scheduling", "New" | "Modification") => Meaning::Scheduled(AppointmentStatus::Scheduled),
        ("Scheduling", "Reschedule") => Meaning::Scheduled(AppointmentStatus::Rescheduled),
        ("Scheduling", "Cancel") => Meaning::Scheduled(AppointmentStatus::Cancelled),
        // The documentation has both spellings.
        ("Scheduling", "NoShow" | "No Show") => Meaning::Scheduled(AppointmentStatus::NoShow),
        ("PatientAdmin", "Discharge") => Meaning::Completed,
        ("PatientAdmin", "NewPatient" | "PatientUpdate" | "Registration" | "PreAdmit") => Meaning::Updated,
        ("PatientAdmin", "PatientMerge") => Meaning::Merged,
        ("Notes", "New") if settings.notes_are_written_after => Meaning::Completed,
        ("Scheduling" | "PatientAdmin" | "Notes", _) => Meaning::Nothing,
        _ => Meaning::OtherModel,
    }
}

/// Redox's own id of the message. Where it is left out, the log has one that is the same in every attempt. What
/// happened, when and to which visit stands beside it, which is the same in every attempt as well: test tools send one id
/// again and again.
fn message_id(root: &Node<'_>) -> Result<Option<String>, Mismatch> {
    let meta = root.get("Meta");
    let message = meta.get("Message").get("ID").told().map(|id| (id, "message"));
    let told = message.or_else(|| meta.get("Logs").first().get("ID").told().map(|id| (id, "log")));
    let Some((place, kind)) = told else { return Ok(None) };
    let id = format!("{kind}:{}", place.short_id()?);
    let event = ["DataModel", "EventType", "EventDateTime"].map(|key| meta.get(key));
    let visit = ["VisitNumber", "Status"].map(|key| root.get("Visit").get(key));
    let told = event.iter().chain(&visit).filter_map(|place| place.id().ok());
    let whole = std::iter::once(id.clone()).chain(told).collect::<Vec<_>>().join(":");
    let fits = whole.len() <= 256 && !whole.chars().any(char::is_control);
    Ok(Some(if fits { whole } else { id }))
}

/// The model and the event, as far as they are words of Redox's.
fn metadata(root: &Node<'_>) -> Vec<(String, String)> {
    let word = |key: &str| {
        let text = root.get("Meta").get(key).as_text()?;
        let legal = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
        legal.then(|| text.to_owned())
    };
    let pairs = [("data-model", word("DataModel")), ("event-type", word("EventType"))];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

export_inbound!(Redox);

#[cfg(test)]
mod tests;
