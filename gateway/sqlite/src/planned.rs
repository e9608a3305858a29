//! What a group writes, as the rows and contents of the hot texts.

use crate::facts::{Person, hexadecimal};
use crate::parcel::json;
use crate::sealer::{Sealer, column};
use crate::sweep::dedupe_period;
use hookwright_core::audit::AuditEntry;
use hookwright_core::customer::Customer;
use hookwright_core::delivery::Pending;
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::MessageId;
use hookwright_core::idempotency::{self, Claim, StoredAnswer};
use hookwright_core::intake::{MessageOutcome, Writes};
use hookwright_core::message::{Message, Parsed};
use hookwright_core::region::RegionCode;
use std::collections::HashMap;
use std::sync::Arc;

/// No rows, as JSON.
const NO_ROWS: &str = "[]";

/// Contents one after the other; rows hold where each is.
#[derive(Debug, Default)]
pub(crate) struct Contents(pub(crate) Vec<u8>);

impl Contents {
    /// Appends a content and tells where it is, as `substr` counts: from 1.
    pub(crate) fn push(&mut self, content: &[u8]) -> (usize, usize) {
        let at = self.0.len() + 1;
        self.0.extend_from_slice(content);
        (at, content.len())
    }
}

/// Events and their deliveries.
#[derive(Debug)]
pub(crate) struct EventRows {
    pub(crate) events: String,
    pub(crate) data: Vec<u8>,
    pub(crate) pending: String,
}

impl EventRows {
    pub(crate) fn none() -> Self {
        Self { events: NO_ROWS.to_owned(), data: Vec::new(), pending: NO_ROWS.to_owned() }
    }

    pub(crate) fn of(events: &[Arc<Event>], deliveries: &[Pending], sealer: &Sealer) -> Self {
        let mut data = Contents(Vec::with_capacity(events.iter().map(|event| event.data.len() + 64).sum()));
        let rows: Vec<_> = events
            .iter()
            .map(|event| {
                let id = event.id.get();
                let (at, length) = data.push(&sealer.seal(column::event_data(id), event.data.as_bytes()));
                let fan_out: Vec<_> =
                    event.fan_out.iter().map(|out| (out.delivery_id.get(), out.subscription_id.get())).collect();
                let message = event.message_id.map(MessageId::get);
                let key = event.ordering_key.as_ref();
                let key = key.map(|key| data.push(&sealer.seal(column::event_ordering_key(id), key.as_bytes())));
                let (key_at, key_length) = key.unzip();
                let event_type = event.event_type.as_str();
                (id, event_type, event.created_at, message, &event.origin, fan_out, at, length, key_at, key_length)
            })
            .collect();
        let pending: Vec<_> = deliveries
            .iter()
            .map(|one| (one.id.get(), one.event_id.get(), one.subscription_id.get(), one.due_at, one.order))
            .collect();
        Self { events: json(&rows), data: data.0, pending: json(&pending) }
    }
}

/// Everything but events and attempts.
#[derive(Debug)]
pub(crate) struct RecordRows {
    pub(crate) messages: String,
    pub(crate) contents: Vec<u8>,
    pub(crate) outcomes: String,
    pub(crate) dedupe: String,
    pub(crate) idempotency: String,
    pub(crate) customers: String,
    pub(crate) establishments: String,
    pub(crate) audit: String,
}

impl RecordRows {
    pub(crate) fn of(writes: &Writes, audit: &[AuditEntry], sealer: &Sealer, now_ms: i64) -> Self {
        let mut contents = Contents::default();
        let period = dedupe_period(now_ms);
        let dedupe: Vec<_> =
            writes.dedupe.iter().map(|(key, message)| (period, hexadecimal(key), message.get())).collect();
        Self {
            messages: messages(&writes.messages, &mut contents, sealer),
            outcomes: outcomes(&writes.outcomes, &mut contents, sealer),
            dedupe: json(&dedupe),
            idempotency: claims(&writes.idempotency, &mut contents, sealer, now_ms),
            customers: customers(&writes.customers, &mut contents, sealer),
            establishments: establishments(&writes.establishments),
            audit: audit_rows(audit),
            contents: contents.0,
        }
    }
}

/// Query and headers; the body follows them.
pub(crate) type MessageParts = (String, Vec<(String, String)>);
/// What the plugin found, and its log lines.
pub(crate) type Findings = (Option<Parsed>, Vec<String>);

fn messages(messages: &[Message], contents: &mut Contents, sealer: &Sealer) -> String {
    let rows: Vec<_> = messages
        .iter()
        .map(|message| {
            let id = message.id.get();
            let raw = &message.raw;
            let findings = sealer.seal_parcel(column::message_findings(id), &(&message.parsed, &message.logs), &[]);
            let content = sealer.seal_parcel(column::message_content(id), &(&raw.query, &raw.headers), &raw.body);
            // Serde's tuples end at 16 members: the two halves become one row where they are written.
            let head = (id, raw.source_id.get(), &raw.hook, &raw.method, &raw.tier, raw.received_at);
            let events: Vec<_> = message.events.iter().map(|event| event.get()).collect();
            let (findings_at, findings_length) = contents.push(&findings);
            let (content_at, content_length) = contents.push(&content);
            let tail = (
                message.status.as_str(),
                message.reason.as_ref().map(json),
                &message.waiting_for,
                &message.plugin_digest,
                events,
                &message.metadata,
                message.updated_at,
                findings_at,
                findings_length,
                content_at,
                content_length,
            );
            joined(&json(&head), &json(&tail))
        })
        .collect();
    format!("[{}]", rows.join(","))
}

/// Two JSON lists as one.
fn joined(head: &str, tail: &str) -> String {
    let head = head.strip_suffix(']').unwrap_or(head);
    let tail = tail.strip_prefix('[').unwrap_or(tail);
    format!("{head},{tail}")
}

fn outcomes(outcomes: &[MessageOutcome], contents: &mut Contents, sealer: &Sealer) -> String {
    // A message that was taken up twice in one group ends as the second time left it.
    let last: HashMap<MessageId, &MessageOutcome> = outcomes.iter().map(|outcome| (outcome.id, outcome)).collect();
    let rows: Vec<_> = last
        .values()
        .map(|outcome| {
            let id = outcome.id.get();
            let place = column::message_findings(id);
            let (at, length) = contents.push(&sealer.seal_parcel(place, &(&outcome.parsed, &outcome.logs), &[]));
            let events: Vec<_> = outcome.events.iter().map(|event| event.get()).collect();
            (
                id,
                outcome.status.as_str(),
                outcome.reason.as_ref().map(json),
                &outcome.waiting_for,
                &outcome.plugin_digest,
                events,
                &outcome.metadata,
                outcome.updated_at,
                at,
                length,
            )
        })
        .collect();
    json(&rows)
}

fn claims(claims: &[(Claim, StoredAnswer)], contents: &mut Contents, sealer: &Sealer, now_ms: i64) -> String {
    let period = idempotency::period(now_ms);
    let rows: Vec<_> = claims
        .iter()
        .map(|(claim, answer)| {
            let (at, length) = contents.push(&sealer.seal(column::idempotency_body(&claim.key), &answer.body));
            (period, hexadecimal(&claim.key), hexadecimal(&claim.body_hash), answer.status, at, length)
        })
        .collect();
    json(&rows)
}

fn customers(customers: &[Customer], contents: &mut Contents, sealer: &Sealer) -> String {
    let rows: Vec<_> = customers
        .iter()
        .map(|customer| {
            let person: Person = (customer.name.clone(), customer.address.clone());
            let place = column::customer_person(&customer.external_id);
            let (at, length) = contents.push(&sealer.seal_parcel(place, &person, &[]));
            let region = customer.region.map(RegionCode::as_str);
            let Customer { external_id, region_outcome, created_at, updated_at, .. } = customer;
            (external_id, region, region_outcome, created_at, updated_at, at, length)
        })
        .collect();
    json(&rows)
}

fn establishments(establishments: &[Establishment]) -> String {
    let rows: Vec<_> = establishments
        .iter()
        .map(|record| {
            (
                record.id.get(),
                &record.customer_id,
                record.region.as_str(),
                i64::from(record.established),
                record.since,
                record.until,
                &record.appointment_id,
                record.message_id.map(MessageId::get),
                record.updated_at,
            )
        })
        .collect();
    json(&rows)
}

fn audit_rows(entries: &[AuditEntry]) -> String {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let draft = &entry.draft;
            (
                entry.id.get(),
                draft.at,
                &draft.actor,
                &draft.action,
                &draft.target,
                &draft.reason,
                &draft.request_id,
                &draft.detail,
                hexadecimal(&entry.previous),
                hexadecimal(&entry.hash),
            )
        })
        .collect();
    json(&rows)
}
