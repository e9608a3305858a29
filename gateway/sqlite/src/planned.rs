//! What a group writes, row by row.

use crate::direct::Direct;
use crate::fault::Failure;
use crate::parcel::json;
use crate::record::{Person, numbers};
use crate::sealer::{Sealer, column};
use crate::statement;
use crate::sweep::dedupe_period;
use hookwright_core::audit::AuditEntry;
use hookwright_core::customer::Customer;
use hookwright_core::delivery::Pending;
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::{MessageId, SecretId};
use hookwright_core::idempotency::{self, Claim, StoredAnswer};
use hookwright_core::intake::{MessageOutcome, Writes};
use hookwright_core::message::Message;
use hookwright_core::region::RegionCode;
use rusqlite::params;
use std::sync::Arc;

/// Writes what was planned, in the present transaction.
pub(crate) fn write(
    direct: &Direct,
    sealer: &Sealer,
    writes: &Writes,
    audit: &[AuditEntry],
    now_ms: i64,
) -> Result<(), Failure> {
    events(direct, sealer, &writes.events)?;
    pending(direct, &writes.deliveries)?;
    writes.messages.iter().try_for_each(|message| write_message(direct, sealer, message))?;
    // A message that was taken up twice in one group ends as the second time left it.
    writes.outcomes.iter().try_for_each(|outcome| write_outcome(direct, sealer, outcome))?;
    let period = dedupe_period(now_ms);
    for (key, message) in &writes.dedupe {
        direct.execute(statement::DEDUPE, (period, key, message.get()))?;
    }
    writes.idempotency.iter().try_for_each(|(claim, answer)| write_claim(direct, sealer, claim, answer, now_ms))?;
    writes.customers.iter().try_for_each(|customer| write_customer(direct, sealer, customer))?;
    writes.establishments.iter().try_for_each(|record| write_establishment(direct, record))?;
    audit.iter().try_for_each(|entry| write_audit(direct, entry))
}

fn events(direct: &Direct, sealer: &Sealer, events: &[Arc<Event>]) -> Result<(), Failure> {
    if events.is_empty() {
        return Ok(());
    }
    let mut statement = direct.statement(statement::EVENT)?;
    for event in events {
        let id = event.id.get();
        let data = sealer.seal(column::event_data(id), event.data.as_bytes());
        let key = event.ordering_key.as_ref();
        let key = key.map(|key| sealer.seal(column::event_ordering_key(id), key.as_bytes()));
        let fan_out: Vec<_> =
            event.fan_out.iter().map(|out| (out.delivery_id.get(), out.subscription_id.get())).collect();
        statement.execute(params![
            id,
            event.event_type.as_str(),
            event.created_at,
            event.message_id.map(MessageId::get),
            event.origin,
            json(&fan_out),
            data,
            key
        ])?;
    }
    Ok(())
}

fn pending(direct: &Direct, deliveries: &[Pending]) -> Result<(), Failure> {
    if deliveries.is_empty() {
        return Ok(());
    }
    let mut statement = direct.statement(statement::PENDING)?;
    for one in deliveries {
        statement.execute(params![
            one.id.get(),
            one.event_id.get(),
            one.subscription_id.get(),
            one.due_at,
            one.order
        ])?;
    }
    Ok(())
}

fn write_message(direct: &Direct, sealer: &Sealer, message: &Message) -> Result<(), Failure> {
    let id = message.id.get();
    let raw = &message.raw;
    let findings = sealer.seal_parcel(column::message_findings(id), &(&message.parsed, &message.logs), &[]);
    let content = sealer.seal_parcel(column::message_content(id), &(&raw.query, &raw.headers), &raw.body);
    let values = params![
        id,
        raw.source_id.get(),
        raw.hook,
        raw.method,
        raw.tier,
        raw.received_at,
        message.status.as_str(),
        message.reason.as_ref().map(json),
        message.waiting_for,
        message.plugin_digest,
        numbers(&message.events),
        json(&message.metadata),
        message.updated_at,
        findings,
        content,
        raw.secret_id.map(SecretId::get)
    ];
    direct.execute(statement::MESSAGE, values).map(drop)
}

fn write_outcome(direct: &Direct, sealer: &Sealer, outcome: &MessageOutcome) -> Result<(), Failure> {
    let id = outcome.id.get();
    let findings = sealer.seal_parcel(column::message_findings(id), &(&outcome.parsed, &outcome.logs), &[]);
    let values = params![
        id,
        outcome.status.as_str(),
        outcome.reason.as_ref().map(json),
        outcome.waiting_for,
        outcome.plugin_digest,
        numbers(&outcome.events),
        json(&outcome.metadata),
        outcome.updated_at,
        findings
    ];
    direct.execute(statement::OUTCOME, values)?;
    direct.execute(statement::DELETE_RESUMABLE, [id]).map(drop)
}

fn write_claim(
    direct: &Direct,
    sealer: &Sealer,
    claim: &Claim,
    answer: &StoredAnswer,
    now_ms: i64,
) -> Result<(), Failure> {
    let body = sealer.seal(column::idempotency_body(&claim.key), &answer.body);
    let values = params![idempotency::period(now_ms), claim.key, claim.body_hash, answer.status, body];
    direct.execute(statement::IDEMPOTENCY, values).map(drop)
}

fn write_customer(direct: &Direct, sealer: &Sealer, customer: &Customer) -> Result<(), Failure> {
    let person: Person = (customer.name.clone(), customer.address.clone());
    let Customer { external_id, region_outcome, created_at, updated_at, .. } = customer;
    let person = sealer.seal_parcel(column::customer_person(external_id), &person, &[]);
    let region = customer.region.map(RegionCode::as_str);
    let values = params![external_id, region, region_outcome, created_at, updated_at, person];
    direct.execute(statement::CUSTOMER, values)?;
    direct.execute(statement::RESUMABLE, [external_id]).map(drop)
}

fn write_establishment(direct: &Direct, record: &Establishment) -> Result<(), Failure> {
    let values = params![
        record.id.get(),
        record.customer_id,
        record.region.as_str(),
        record.established,
        record.since,
        record.until,
        record.appointment_id,
        record.message_id.map(MessageId::get),
        record.updated_at
    ];
    direct.execute(statement::ESTABLISHMENT, values).map(drop)
}

fn write_audit(direct: &Direct, entry: &AuditEntry) -> Result<(), Failure> {
    let draft = &entry.draft;
    let values = params![
        entry.id.get(),
        draft.at,
        draft.actor,
        draft.action,
        draft.target,
        draft.reason,
        draft.request_id,
        draft.detail,
        entry.previous,
        entry.hash
    ];
    direct.execute(statement::AUDIT, values).map(drop)
}
