//! Inbound plugin: HL7 version 2 messages in ER7, as EMRs post them over HTTP.
//!
//! It takes one message or several, in a batch or file (FHS, BHS) or without one, whatever the content type: what it needs
//! of a message it reads by place, and passes over the rest. The reports of all messages are one answer, in order; if one
//! message is refused, all are. The gateway writes the acknowledgment.
//!
//! # What it reports
//! * A consultation completed: `ADT^A03`; `ADT^A08` and `ORU^R01` with an end of the visit (PV1-45), for a result alone
//!   ends nothing; `SIU^S14` with the status `Complete` (SCH-25, code or text); `MDM^T02`, the note that is written when a
//!   consultation is over. It ended at PV1-45, else EVN-6, EVN-2, MSH-7. It took what lies between PV1-44 and PV1-45 (`derived`, never from
//!   days or hours alone); otherwise what was booked is told, as `scheduled`.
//! * A consultation scheduled: `SIU^S12` (booked), `S13` (moved), `S14` (changed in another way), `S15`, `S16` and `S17`
//!   (cancelled, discontinued, deleted: all are cancelled), `S26` (the patient was not there). SCH-25 tells a cancellation
//!   or absence, too, by its code or its text. It begins at TQ1-7, else SCH-11.4, AIS-4, AIP-6, AIL-6, AIG-8, or SCH-11
//!   where that is a time and nothing else; it is booked for SCH-9, AIS-7, AIP-9, AIL-9, AIG-11, TQ1-6 or TQ1-13 with the
//!   unit beside or behind it, else for SCH-11.3 (`M30`), else for what lies between the times of TQ1 or SCH-11. What is no
//!   figure there is logged and not used.
//! * A patient updated: `ADT^A01`, `A04`, `A08`, `A31`, with the name and the address: the one at home (PID-11.7 `H`), else
//!   the current one (`C`), else the first that is not bad, for bills or parcels, of work or of birth, and has not expired.
//!
//! HL7 in XML is refused as `unsupported`. All other messages are ignored, with the type in the metadata: an interface sends what it sends, and is told that it
//! arrived. So are appointments without a patient (no PID) and visits that were not held by video.
//!
//! MSH-11 `T` or `D` marks a test. A time that the calendar does not have is refused; the notation of ISO 8601 is read, too.
//! A name or address that is to be deleted (`""`) is logged: no report can say it. Clocks without an offset are read in
//! the zone of the settings, else at the offset of MSH-7, which by the standard holds throughout the message, else in UTC;
//! which it was is told. In a zone, a reading that the clocks showed twice is the first, and one that they never showed is
//! taken as if they had not been set forward. Of a message with several patients (PID) the first is read, and that is logged.
//!
//! # Attributes
//! `identifier-place`, `identifier-type`: which identifier is the patient's. `completed-at-source`, `starts-at-source`,
//! `changed-at-source`: the place of the time; `…-precision`: `month` or `year`, where the beginning of the span stands in
//! with the precision of a day. `zone`: what was assumed: the zone's name, `MSH-7` or `UTC`. `appointment-source`, `appointment-namespace`: the place
//! of the id and who gave it. `trigger`: of an appointment, such as `SIU^S14`. On an address: `address-place`,
//! `address-type`, and `address-as-of`, the time at which the message told it.
//!
//! # Settings
//! All may be left out.
//! * `zone`: the IANA name of the time zone for times without an offset. It goes before the offset of MSH-7, for it knows
//!   the season of each time, and MSH-7 only that of the message.
//! * `patient`: which identifier is the patient's in our platform, as an object with any of `field` (such as `PID-3`,
//!   `PID-2`, `PID-4` or `PID-18`), `type` (CX-5, such as `MR`), `authority` (CX-4, its name or its id) and `repetition`.
//!   Default: PID-3, and PID-2 if that is empty; of several the first of type `MR`, else the first. An account number
//!   (PID-18) is nobody's id unless the settings say so.
//! * `unknown_patients`: `refuse` (default) or `ignore` messages about patients without that identifier.
//! * `appointment`: the places of the appointment's id, in order. Default `["SCH-1", "SCH-2", "PV1-19", "PV1-50"]`.
//! * `provider`: `fields`, the places in order (default `["AIP-3", "PV1-7", "PV1-9", "PV1-17"]`; in all segments of that
//!   name), and `type`, the kind of number that is preferred there by XCN-13 or XCN-9 (default `NPI`).
//! * `completed`: which messages say that a consultation is over, as a list of objects with `message` (such as `ADT^A03`)
//!   and, if more is needed, `place` and `values`: one of these must be there, or anything if no values are given.
//! * `virtual`: which visits are held by video: `"all"`, or an object with `classes` (PV1-2), or with `place` and `values`.
//!   The standard has no class for it. Default: all but inpatients (`I`), emergencies (`E`) and obstetrics (`B`), whose class
//!   says that the patient was there.
//! * `patient_location`: where the patient was during the call, as told beside the event: `none` (default) or `patient` (the
//!   address of the patient that the message tells). The region is decided by the customer's address either way.
//! * `test_processing_ids`: which processing ids mark a test. Default `["T", "D"]`.

mod appointment;
mod duration;
mod identity;
mod patient;
mod reader;
mod settings;
mod visit;

use hookwright_plugin_sdk::er7::{Interchange, Kind, Limits, Place, Text};
use hookwright_plugin_sdk::inbound::{Accepted, Context, Ignored, Inbound, Outcome, Refusal, Report, Request};
use hookwright_plugin_sdk::{export_inbound, log};

use reader::Reader;
use settings::Settings;

/// More messages in one request would exceed the time that a call has, even if all of them are ignored.
const MESSAGES_MAX: usize = 10_000;
/// The contract's bound on one answer.
const REPORTS_MAX: usize = 256;

/// The plugin.
pub struct Hl7V2;

impl Inbound for Hl7V2 {
    fn parse(context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        let settings = Settings::read(context)?;
        let content_type = request.headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| &**value);
        if is_xml(&request.body) {
            return Err(Refusal::unsupported("header content-type", "ER7, not XML"));
        }
        let text = Text::new(&request.body, content_type)?;
        let interchange = text.interchange(&Limits::default())?;
        note(&interchange);
        let several = interchange.messages().nth(1).is_some();
        if interchange.messages().nth(MESSAGES_MAX).is_some() {
            return Err(too_many(MESSAGES_MAX + 1, "at most 10,000 messages in one request"));
        }
        let mut reports = Vec::new();
        let mut reason = "the batch holds no messages";
        for (number, message) in (1..).zip(interchange.messages()) {
            let number = if several { number } else { 0 };
            match told(&Reader { message, settings: &settings, number })? {
                Told::Reports(told) => reports.extend(told),
                Told::Nothing(why) => reason = why,
            }
            if reports.len() > REPORTS_MAX {
                return Err(too_many(number as usize, "messages that tell at most 256 things in one request"));
            }
        }
        if interchange.messages().next().is_none() && interchange.units().any(|unit| unit.kind == Kind::Stray) {
            let expected = "a message, which begins with MSH, before the lines of the batch";
            return Err(Refusal {
                location: Some("MSH".to_owned()),
                expected: Some(expected),
                ..Refusal::new("malformed")
            });
        }
        let metadata = identity::metadata(&interchange);
        if reports.is_empty() {
            return Ok(Ignored { metadata, ..Ignored::new(reason) }.into());
        }
        let message_id = identity::message_id(&interchange);
        Ok(Accepted { message_id, metadata, ..Accepted::new(reports) }.into())
    }
}

fn too_many(message: usize, expected: &'static str) -> Refusal {
    Refusal { location: Some(format!("message {message}")), expected: Some(expected), ..Refusal::new("unsupported") }
}

/// Whether this is the XML encoding of HL7, or any other XML.
fn is_xml(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    matches!(body, [b'<', b'?' | b'!' | b'A'..=b'Z' | b'a'..=b'z', ..])
}

/// What a message comes to.
enum Told {
    Reports(Vec<Report>),
    /// Nothing, for this reason.
    Nothing(&'static str),
}

/// Tells the operator what is odd about a request.
fn note(interchange: &Interchange<'_>) {
    for remark in interchange.remarks() {
        log::warn(&remark.to_string());
    }
    if interchange.remarks_left_off() > 0 {
        log::warn(&format!("and {} more", interchange.remarks_left_off()));
    }
}

/// Reads one message.
fn told(reader: &Reader<'_>) -> Result<Told, Refusal> {
    let kind = kind(reader)?;
    let (code, event) = kind.split_once('^').unwrap_or((&kind, ""));
    let is_about_appointment = code == "SIU" && appointment::is_about_one(event);
    let updates_patient = code == "ADT" && matches!(event, "A01" | "A04" | "A08" | "A31");
    let is_over = visit::is_over(reader, &kind)?;
    if !(is_about_appointment || updates_patient || is_over) {
        let has_use = reader.settings.completed.iter().any(|rule| rule.message == kind);
        return Ok(Told::Nothing(if has_use {
            "the message does not say that a consultation is over"
        } else {
            "messages of this type are of no use here"
        }));
    }
    if reader.message.named(b"PID").next().is_none() && is_about_appointment {
        return Ok(Told::Nothing("the appointment has no patient"));
    }
    let Some(patient) = patient::identified(reader)? else {
        if reader.settings.ignores_unknown_patients {
            return Ok(Told::Nothing("the patient has no identifier of the kind that the settings name"));
        }
        let expected = if reader.settings.patient.is_chosen() {
            "an identifier of the patient as the settings name it"
        } else {
            "an identifier of the patient"
        };
        return Err(reader.malformed(&reader.settings.patient.fields[0], expected));
    };
    if reader.message.named(b"PID").nth(1).is_some() {
        log::warn("the message has several patients, of whom the first is read");
    }
    let mut reports = Vec::new();
    let is_consultation = (is_over || is_about_appointment) && visit::is_virtual(reader)?;
    if updates_patient {
        let again = patient::Identified { id: patient.id.clone(), attributes: patient.attributes.clone() };
        reports.push(Report::PatientUpdated(patient::updated(reader, again)?));
    }
    if is_consultation && is_over {
        reports.push(Report::ConsultationCompleted(visit::completed(reader, patient)?));
    } else if is_consultation {
        reports.push(Report::ConsultationScheduled(appointment::scheduled(reader, event, patient)?));
    }
    Ok(if reports.is_empty() {
        Told::Nothing("the visit was not held by video, going by its class (PV1-2) or what the settings name")
    } else {
        Told::Reports(reports)
    })
}

/// Message type and event of a message.
fn kind(reader: &Reader<'_>) -> Result<String, Refusal> {
    let kind = identity::kind(reader.message);
    if kind.is_empty() {
        return Err(reader.malformed(&Place::field("MSH", 9), "a message type, such as ADT^A03"));
    }
    Ok(kind)
}

export_inbound!(Hl7V2);

#[cfg(test)]
mod tests;
