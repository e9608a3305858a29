//! Inbound plugin: any vendor's JSON, by settings that tell where the fields are.
//!
//! For vendors whose messages are plain JSON objects and who have no plugin of their own. What a message means and where
//! its fields are is configuration; everything else (bounds, provenance, refusals that name a place and no value) is as in
//! the other plugins.
//!
//! ```json
//! {
//!   "event": "header x-drchrono-event",
//!   "message_id": "header x-drchrono-delivery",
//!   "events": {
//!     "APPOINTMENT_CREATE": "scheduled",
//!     "APPOINTMENT_MODIFY": {
//!       "at": "/object/status",
//!       "is": { "Complete": "completed", "Cancelled": "cancelled", "No Show": "no-show", "*": "scheduled" }
//!     },
//!     "*": "ignore"
//!   },
//!   "fields": {
//!     "patient_external_id": "/object/patient",
//!     "appointment_id": "/object/id",
//!     "provider_id": "/object/doctor",
//!     "starts_at": "/object/scheduled_time",
//!     "completed_at": "/object/updated_at",
//!     "duration_minutes": "/object/duration"
//!   },
//!   "zone": "America/Chicago"
//! }
//! ```
//!
//! # Places
//! A place is a JSON pointer into the body, `header` and a name, or `fetched` and a JSON pointer into what was fetched. What
//! is `null` or not there is left out; an empty string is, too.
//!
//! # Settings
//! * `events` (needed): what each event means: `completed`, `scheduled`, `rescheduled`, `cancelled`, `no-show`,
//!   `patient-updated` or `ignore`; or an object that chooses one of these by the value at another place (`at`, `is`). `*`
//!   stands for all others; what has no meaning is ignored.
//! * `event`: the place of the event's name. Without it all messages are `*`.
//! * `fields` (needed): the places of `patient_external_id` (needed), `appointment_id`, `provider_id`, `completed_at`,
//!   `started_at`, `starts_at`, `changed_at`, `duration_minutes`, `duration_seconds`, `test`, `name`, `line1`, `line2`,
//!   `city`, `state`, `postal_code`, `country`. The address is the patient's: of a patient updated, or where the patient is
//!   during a consultation.
//! * `duration_source`: what the duration is: `scheduled` (default: what was booked) or `actual` (what was measured). Without
//!   an actual duration, one is derived from `started_at` and `completed_at` if both are told to the minute and
//!   differ.
//! * `message_id`: the place of the vendor's id of the message.
//! * `fetch`: what to ask the vendor for before the fields are read: an address, absolute or under the source's base address,
//!   with places in braces: `appointments/{/object/id}`, or `{/resource_url}` alone.
//! * `zone`: what is assumed for times without an offset: the IANA name of a time zone, such as `America/Chicago`, or an
//!   offset, such as `-06:00`. Default `Z`. Times are ISO 8601, or unix seconds or milliseconds as numbers.
//!
//! # Attributes
//! `trigger`: the event's name in the settings. `completed-at-source`: the place. `completed-at-precision`, `zone`: as in the
//! other plugins. `address-use` is `told` and `address-as-of` the time of the report, where an address is told.

mod place;
mod report;
mod settings;

use hookwright_plugin_sdk::export_inbound;
use hookwright_plugin_sdk::inbound::{
    Accepted, Context, Fetch, Ignored, Inbound, NeedFetch, Outcome, Refusal, Request, Resumption,
};
use hookwright_plugin_sdk::json::Document;

use crate::place::Sources;
use crate::settings::{Settings, Word};

const ID_BYTES_MAX: usize = 256;

/// The plugin.
pub struct JsonFields;

impl Inbound for JsonFields {
    fn parse(context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        read(context, request, None)
    }

    fn resume(context: &Context, request: &Request, resumption: &Resumption) -> Result<Outcome, Refusal> {
        let unanswered = || Refusal {
            location: Some("fetched".to_owned()),
            expected: Some("an answer of the partner's server to the read"),
            ..Refusal::new("internal")
        };
        let answer = resumption.answers.first().and_then(|answer| answer.answer.as_ref().ok());
        match answer {
            Some(fetched) if matches!(fetched.status, 404 | 410) => {
                Ok(Ignored::new("what the message is about was deleted").into())
            }
            Some(fetched) if fetched.status == 200 => {
                let fetched = Document::body(&fetched.body).map_err(|_| unanswered())?;
                read(context, request, Some(&fetched))
            }
            _ => Err(unanswered()),
        }
    }
}

fn read(context: &Context, request: &Request, fetched: Option<&Document>) -> Result<Outcome, Refusal> {
    let settings = Settings::read(context)?;
    let document = Document::body(&request.body)?;
    let sources = Sources::new(&document, request, fetched);
    let (trigger, word) = settings.meaning(&sources);
    let metadata = vec![("trigger".to_owned(), trigger.to_owned())];
    if word == Some(Word::Ignore) {
        return Ok(Ignored { metadata, ..Ignored::new("the event reports nothing") }.into());
    }
    let message_id = match &settings.message_id {
        Some(place) => sources.get(place).filled().map(|id| id.short_id()).transpose()?,
        None => None,
    };
    let message_id = message_id.filter(|id| id.len() <= ID_BYTES_MAX);
    if let (Some(template), None) = (&settings.fetch, fetched) {
        let fetch = Fetch {
            id: "fetched".to_owned(),
            method: "GET".to_owned(),
            url: template.fill(&sources)?,
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: None,
            attributes: Vec::new(),
        };
        let state = b"{}".to_vec();
        let need = NeedFetch { fetches: vec![fetch], state, message_id, reply: None, metadata, attributes: Vec::new() };
        return Ok(need.into());
    }
    let report = report::of(word.unwrap_or(Word::Ignore), trigger, &sources, &settings)?;
    Ok(Accepted { message_id, metadata, ..Accepted::new(vec![report]) }.into())
}

export_inbound!(JsonFields);

#[cfg(test)]
mod tests;
