//! Inbound plugin: FHIR R4, R4B and R5, as servers send it to webhooks.
//!
//! It is lenient: it reads what it needs and passes over the rest, since no vendor's payload is valid to the letter.
//!
//! # What it reads
//! * Notification bundles of topic-based subscriptions: R4 (`history` with Parameters), R4B (`history` with a
//!   `SubscriptionStatus`) and R5 (`subscription-notification`). Handshakes, heartbeats and query-status are ignored with
//!   these words as the reason. Events may come with the resource, with its id, or with nothing. Aidbox's
//!   `AidboxSubscriptionStatus` counts as a `SubscriptionStatus`.
//! * Bare resources by any method and path, as HAPI FHIR, Medplum and Health Gorilla send them; transaction, collection
//!   and search bundles; `CloudEvents` around a resource; the wrappers of Zus and Health Gorilla. A deletion (`DELETE`, or
//!   Medplum's header) is ignored: it does not tell whose resource it was.
//! * athenahealth's notifications, whose appointments cannot be read by FHIR: the topic says what happened, the
//!   `AuditEvent` beside it to whom.
//!
//! FHIR in XML is refused as `unsupported`, with the status 415. A bundle within a bundle is not read.
//!
//! A bundle of a mebibyte takes about half of the 50 ms that a call has by default. Where a partner sends such, and the
//! machine has much else to do, give the source a `deadline_ms` of its own.
//!
//! A message is taken as a whole or not at all: one event that is wrong refuses it, by the place of the first.
//!
//! # What it reports
//! * Encounter `finished` (R4), `completed` or `discharged` (R5): a consultation completed. Its end is `period.end`
//!   (`actualPeriod.end`), else the time of the event, else that of the resource's last change; the attribute
//!   `completed-at-source` tells which: `period`, `notification` or `last-updated`. Its duration is `length` (actual; a
//!   length of less or more than something is none) or what lies between start and end (derived), if they
//!   differ. Other states are ignored.
//! * Appointment `booked` or `pending`, `cancelled` or `entered-in-error`, `noshow`: a consultation scheduled. FHIR does not
//!   tell a move from a booking. `fulfilled`: a consultation completed, which took place when the notification or the last
//!   change says, and whose duration is what was booked and says so. Other states are ignored. Of several patients each
//!   is told of. A participant whose type nothing tells may be the patient: the settings' identifier makes it so, and without
//!   one the appointment is refused. One without a patient is ignored.
//! * Patient: a patient updated, with the address where the patient lives at the time of the change: the attributes
//!   `address-use`, `address-as-of` and `address-period` tell which it is. Addresses of the past, of work and for bills
//!   are passed over, as are those whose period does not hold the time.
//!
//! `HTEST` among the tags or security labels of the bundle, the resource or the patient marks a test. A time without an
//! offset lies in the zone of the settings, or UTC, and says that this was assumed. Where only the month or the year is
//! told, the beginning of the span stands in with the precision of a day, and `completed-at-precision` tells which.
//!
//! # Attributes
//! `fhir-status` and `fhir-resource`: the status and the type and id of what was read; `fhir-source` is `notification` where
//! that alone was. `modality`: how it is known that a visit was held by video. `completed-at-source`, `starts-at-source`,
//! `completed-at-precision`, `starts-at-precision`: where a time comes from, and its precision if that is coarser than a day.
//! `zone`: the zone that was assumed for it. `length`, `period`: `unusable` if no duration could be made of them.
//! `address-use`, `address-as-of`, `address-period`: which address it is. `focus-system`: whose id the appointment's id is,
//! where it is no resource. `active`: `false` of a patient who is not in use any more.
//!
//! The metadata `skipped-events` count what was told beside what is reported, and reports nothing or the same again;
//! `deleted-entries` and `nested-bundles` count such entries of a bundle. Of a notification they tell `notification` (its
//! type), `subscription`, `subscription-status`, `subscription-error`, `topic` and `events-since-start`, by which an operator
//! finds what a subscription left out; of a bare resource `resource-type`.
//!
//! # What it fetches
//! What is named and not sent, and resources that lack what is needed, by `GET` of type and id under the source's base
//! address, or of the whole address where the partner gives one: 16 in a round, in up to 4 rounds. An answer of 404 or 410
//! means that the resource was deleted, and the event is ignored.
//!
//! # Settings
//! All may be left out.
//! * `patient`, `appointment`, `provider`: which identifier is meant, as an object with `identifier_system` (such as
//!   `http://hl7.org/fhir/sid/us-npi`) and `identifier_type` (such as `MR`; a code or the text of the type), either or both.
//!   Default: the id of the resource. An identifier may mean that the resource must be fetched.
//! * `unknown_patients`: `refuse` (default) or `ignore` messages about patients without that identifier. Choose `ignore`
//!   where the partner has patients who are none of the platform's.
//! * `virtual`: which visits are held by video: `"all"`, or an object with `classes` (default `["VR"]`), `types` (of `type`,
//!   `serviceType` or `appointmentType`: a `code`, `system|code`, or the text, such as `Video Visit`) and `untold`: `take`
//!   (default) or `ignore`.
//!   By default a visit with another class than `VR` is ignored, since the class is the partner's own statement that it
//!   was held elsewhere, and nothing that the plugin does not know may become a compliance record. FHIR's own signs count
//!   beside the class: a `virtualService`, or a location at hand whose physical type is `vi`. A visit without a class
//!   (no appointment of R4 has one) is taken: what a source sends is chosen by its subscription. The attribute `modality`
//!   says how it was known: `told`, `untold` or `assumed-of-source`.
//! * `patient_location`: where the patient was during the call: `none` (default; the gateway goes by the customer's
//!   address), `encounter` (the address of the encounter's location, where the partner records the patient's place so), or
//!   `patient` (the address of the patient at that time).
//! * `fulfilled_appointments`: `completed` (default) or `ignore`, where encounters are sent as well.
//! * `included_patients`: `true` reports patients who come along with their visits, too. Default `false`.
//! * `zone`: what is assumed where no offset is told: the IANA name of a time zone, such as `America/Chicago`, or an offset,
//!   such as `-06:00`. Default `Z`. FHIR wants an offset with every time of day, so that this concerns bare dates.
//! * `fetch`: `false` if nothing may be fetched. Default `true`.
//! * `empty_search`: what to look for when a notification, or a request without a body, says no more than that something
//!   happened: a search such as `Encounter?status=finished&_lastUpdated=ge{since}`. `{since}` becomes the time five minutes
//!   before the request. Default: such requests are ignored.
//! * `resource_at`: a JSON pointer to the resource, for partners who wrap it in their own way.
//! * `topics`: what events of a topic report whose focus cannot be read: an object from topics, whole or by what follows the
//!   last slash, to `completed`, `scheduled`, `rescheduled`, `cancelled`, `no-show` or `ignore`. athenahealth's are known.

mod address;
mod appointment;
mod arrival;
mod code;
mod desk;
mod duration;
mod encounter;
mod fetching;
mod identity;
mod library;
mod looked_at;
mod message_id;
mod notice;
mod notification;
mod patient;
mod reference;
mod settings;
mod topic;
mod wrapper;

use hookwright_plugin_sdk::export_inbound;
use hookwright_plugin_sdk::inbound::{
    Accepted, Context, Ignored, Inbound, NeedFetch, Outcome, Refusal, Reply, Report, Request, Resumption,
};
use hookwright_plugin_sdk::json::{Document, Node};
use hookwright_plugin_sdk::timestamp::to_rfc3339;
use serde_json::Value;

use crate::arrival::Arrival;
use crate::desk::{Desk, Verdict};
use crate::fetching::{Answer, Memory, ROUNDS_MAX};
use crate::library::{Library, Read};
use crate::settings::Settings;

/// How long before an empty notification its events may have happened.
const SINCE_MS: i64 = 5 * 60 * 1000;
/// The contract allows no more.
const REPORTS_MAX: usize = 256;

/// The plugin.
pub struct Fhir;

impl Inbound for Fhir {
    fn parse(context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        read(context, request, &Memory::default(), 0)
    }

    fn resume(context: &Context, request: &Request, resumption: &Resumption) -> Result<Outcome, Refusal> {
        read(context, request, &Memory::resume(resumption)?, resumption.round)
    }
}

fn read(context: &Context, request: &Request, memory: &Memory, round: u32) -> Result<Outcome, Refusal> {
    let settings = Settings::read(context)?;
    refuse_xml(request)?;
    let deleted = request.headers.iter().any(|(name, _)| name == "x-medplum-deleted-resource");
    if request.method == "DELETE" || deleted {
        return Ok(Ignored::new("the resource was deleted").into());
    }
    let is_blank = request.body.iter().all(u8::is_ascii_whitespace);
    let looked_at = |key: &str| looked_at::is_looked_at(key, settings.resource_at.as_deref());
    let document = if is_blank { None } else { Some(Document::skimmed(&request.body, looked_at)?) };
    // HAPI FHIR names the resource in the path, and a subscription may leave out the body.
    let named = reference::name(&request.hook).filter(|_| is_blank).map(|name| Value::String(name.path()));
    let mut library = Library::default();
    shelve(memory, &mut library);
    let mut arrival = match (&document, &named) {
        (Some(document), _) => wrapper::open(&document.root(), request, &settings, &mut library)?,
        (None, Some(named)) => Arrival::naming(Node::of(named, "")),
        (None, None) => Arrival { empty: true, ..Arrival::idle("the request has no body") },
    };
    if is_blank {
        // Nothing in it tells it from the next.
        arrival.message_id = Some(context.subject_id.clone());
    }
    let call = Call { settings: &settings, request, memory, round };
    match settings.empty_search.as_ref().filter(|_| arrival.empty) {
        Some(search) => call.search(search, arrival, library),
        None => call.conclude(arrival, library),
    }
}

/// FHIR has an XML form, too, and a server may be set to send either.
fn refuse_xml(request: &Request) -> Result<(), Refusal> {
    let content_type = request.headers.iter().find(|(name, _)| name == "content-type");
    let told = content_type.is_some_and(|(_, value)| value.to_ascii_lowercase().contains("xml"));
    let body = request.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&request.body);
    if !told && !body.trim_ascii_start().starts_with(b"<") {
        return Ok(());
    }
    let reply = Reply {
        status: Some(415),
        content_type: None,
        headers: vec![("accept".to_owned(), "application/fhir+json".to_owned())],
        body: Vec::new(),
        attributes: Vec::new(),
    };
    let refusal = Refusal::unsupported("header content-type", "application/fhir+json");
    Err(Refusal { reply: Some(Box::new(reply)), ..refusal })
}

/// Puts what was read from the partner where references find it.
fn shelve<'a>(memory: &'a Memory, library: &mut Library<'a>) {
    for (url, answer) in &memory.known {
        match answer {
            Answer::Resource(resource) => {
                library.add_read(url, &Node::of(resource, &format!("{}: ", fetching::place(url))));
            }
            Answer::Gone => library.add_unreadable(url, true),
            Answer::Failed => library.add_unreadable(url, false),
        }
    }
}

/// One call, past its first steps.
struct Call<'c> {
    settings: &'c Settings,
    request: &'c Request,
    memory: &'c Memory,
    round: u32,
}

impl<'c> Call<'c> {
    /// What an empty notification is about is what the search finds.
    fn search(&self, search: &str, arrival: Arrival<'c>, mut library: Library<'c>) -> Result<Outcome, Refusal> {
        let since = to_rfc3339(self.request.received_at_ms.saturating_sub(SINCE_MS));
        let url = search.replace("{since}", &since);
        match self.memory.known.get(&url) {
            None => self.need_fetch(arrival, vec![Read { url }]),
            Some(Answer::Resource(found)) => {
                let found = Arrival::of_resource(&Node::of(found, "fetched Bundle: "), self.settings, &mut library)?;
                self.conclude(Arrival { events: found.events, idle: found.idle, ..arrival }, library)
            }
            Some(Answer::Gone | Answer::Failed) => Err(desk::unanswered("fetched Bundle")),
        }
    }

    /// Judges the events, and says what the message comes to.
    fn conclude(&self, mut arrival: Arrival<'c>, library: Library<'c>) -> Result<Outcome, Refusal> {
        let desk =
            Desk { settings: self.settings, library, test: arrival.test, received_at_ms: self.request.received_at_ms };
        let (mut reports, mut reads, mut skipped): (Vec<Report>, Vec<Read>, Vec<&str>) = Default::default();
        for event in &arrival.events {
            match desk.judge(event)? {
                Verdict::Reports(told) => {
                    for report in told {
                        // Two events about one resource tell of it as it is now, which is the same.
                        if reports.contains(&report) {
                            skipped.push("the same was reported already");
                        } else {
                            reports.push(report);
                        }
                    }
                }
                Verdict::Unread(more) => reads.extend(more),
                Verdict::Skip(reason) => skipped.push(reason),
            }
        }
        if !reads.is_empty() {
            return self.need_fetch(arrival, reads);
        }
        if reports.is_empty() {
            let reason = skipped.first().copied().or(arrival.idle).unwrap_or("the message holds no event");
            return Ok(Ignored { metadata: arrival.metadata, ..Ignored::new(reason) }.into());
        }
        if reports.len() > REPORTS_MAX {
            let expected = Some("at most 256 consultations and patients");
            return Err(Refusal { expected, ..Refusal::new("too-large") });
        }
        if !skipped.is_empty() {
            arrival.note("skipped-events", &skipped.len().to_string());
        }
        let (message_id, metadata) = (arrival.message_id, arrival.metadata);
        Ok(Accepted { message_id, metadata, ..Accepted::new(reports) }.into())
    }

    fn need_fetch(&self, arrival: Arrival<'c>, reads: Vec<Read>) -> Result<Outcome, Refusal> {
        if !self.settings.fetch {
            let expected = Some("true, since the message names what it does not hold");
            return Err(Refusal { location: Some("/fetch".to_owned()), expected, ..Refusal::new("settings") });
        }
        if self.round >= ROUNDS_MAX {
            let expected = Some("events that can be read in 4 rounds of 16");
            return Err(Refusal { expected, ..Refusal::new("too-many-reads") });
        }
        let (fetches, state) = self.memory.ask(reads)?;
        Ok(NeedFetch {
            fetches,
            state,
            message_id: arrival.message_id,
            reply: None,
            metadata: arrival.metadata,
            attributes: Vec::new(),
        }
        .into())
    }
}

export_inbound!(Fhir);

#[cfg(test)]
mod tests;
