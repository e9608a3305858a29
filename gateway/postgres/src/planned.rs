//! What a group writes: a statement for each kind of record, whatever the number of rows.

use crate::batch::Created;
use crate::database::Connection;
use crate::fault::Failure;
use crate::parcel::json;
use crate::record::{Person, numbers};
use crate::sealer::{Sealer, column};
use crate::shards::shard_of;
use crate::sweep::dedupe_period;
use hookwright_core::customer::Customer;
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::{MessageId, SecretId};
use hookwright_core::idempotency::{self, Claim, StoredAnswer};
use hookwright_core::intake::{MessageOutcome, Writes};
use hookwright_core::message::Message;
use std::collections::HashMap;
use std::sync::Arc;

/// Writes what was planned, but for the audit, in the present transaction.
pub(crate) async fn write(
    connection: &mut Connection,
    sealer: &Sealer,
    writes: &Writes,
    created: &Created,
    now_ms: i64,
) -> Result<(), Failure> {
    if !writes.events.is_empty() {
        write_events(connection, sealer, &writes.events, created).await?;
    }
    if !writes.messages.is_empty() {
        messages(connection, sealer, &writes.messages).await?;
    }
    // A message that was taken up twice in one group ends as the second time left it.
    for outcome in &writes.outcomes {
        write_outcome(connection, sealer, outcome).await?;
    }
    if !writes.dedupe.is_empty() {
        dedupe(connection, &writes.dedupe, now_ms).await?;
    }
    if !writes.idempotency.is_empty() {
        claims(connection, sealer, &writes.idempotency, now_ms).await?;
    }
    if !writes.customers.is_empty() {
        customers(connection, sealer, &writes.customers).await?;
    }
    if !writes.establishments.is_empty() {
        establishments(connection, &writes.establishments).await?;
    }
    Ok(())
}

/// Whether nothing is written but events and their deliveries.
pub(crate) fn is_events_alone(writes: &Writes) -> bool {
    let Writes { messages, outcomes, dedupe, idempotency, customers, establishments, audit, .. } = writes;
    messages.is_empty()
        && outcomes.is_empty()
        && dedupe.is_empty()
        && idempotency.is_empty()
        && customers.is_empty()
        && establishments.is_empty()
        && audit.is_empty()
}

/// Events by their columns.
#[derive(Default)]
struct EventRows {
    ids: Vec<i64>,
    types: Vec<String>,
    created_at: Vec<i64>,
    messages: Vec<Option<i64>>,
    origins: Vec<String>,
    fan_outs: Vec<String>,
    data: Vec<Vec<u8>>,
    keys: Vec<Option<Vec<u8>>>,
}

impl EventRows {
    fn push(&mut self, sealer: &Sealer, event: &Event) {
        let id = event.id.get();
        let fan_out: Vec<_> =
            event.fan_out.iter().map(|out| (out.delivery_id.get(), out.subscription_id.get())).collect();
        let key = event.ordering_key.as_ref();
        self.ids.push(id);
        self.types.push(event.event_type.as_str().to_owned());
        self.created_at.push(event.created_at);
        self.messages.push(event.message_id.map(MessageId::get));
        self.origins.push(event.origin.clone());
        self.fan_outs.push(json(&fan_out));
        self.data.push(sealer.seal(column::event_data(id), event.data.as_bytes()));
        self.keys.push(key.map(|key| sealer.seal(column::event_ordering_key(id), key.as_bytes())));
    }
}

/// Deliveries by their columns, and those that are left for their owners.
#[derive(Default)]
struct PendingRows {
    ids: Vec<i64>,
    events: Vec<i64>,
    subscriptions: Vec<i64>,
    due_at: Vec<i64>,
    orders: Vec<Option<i64>>,
    left: Vec<i64>,
    left_shards: Vec<i64>,
}

impl PendingRows {
    fn of(created: &Created) -> Self {
        let mut rows = Self::default();
        for one in created.here.iter().chain(&created.left) {
            rows.ids.push(one.id.get());
            rows.events.push(one.event_id.get());
            rows.subscriptions.push(one.subscription_id.get());
            rows.due_at.push(one.due_at);
            rows.orders.push(one.order);
        }
        for one in &created.left {
            rows.left.push(one.id.get());
            rows.left_shards.push(i64::try_from(shard_of(one.subscription_id.get())).unwrap_or(0));
        }
        rows
    }
}

/// Writes events with their deliveries.
pub(crate) async fn write_events(
    connection: &mut Connection,
    sealer: &Sealer,
    events: &[Arc<Event>],
    created: &Created,
) -> Result<(), Failure> {
    let mut rows = EventRows::default();
    for event in events {
        rows.push(sealer, event);
    }
    let pending = PendingRows::of(created);
    sqlx::query!(
        "WITH events AS (
             INSERT INTO event (id, event_type, created_at, message_id, origin, fan_out, data, ordering_key)
             SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::bytea[])),
         deliveries AS (
             INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at, order_key)
             SELECT d.id, d.event_id, d.subscription_id, 0, 0, d.due_at, d.order_key
             FROM unnest($9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[])
                  AS d (id, event_id, subscription_id, due_at, order_key))
         INSERT INTO handoff (shard, deliveries)
         SELECT l.shard, array_agg(l.delivery) FROM unnest($14::bigint[], $15::bigint[]) AS l (shard, delivery) GROUP BY l.shard",
        &rows.ids,
        &rows.types,
        &rows.created_at,
        &rows.messages as _,
        &rows.origins,
        &rows.fan_outs,
        &rows.data,
        &rows.keys as _,
        &pending.ids,
        &pending.events,
        &pending.subscriptions,
        &pending.due_at,
        &pending.orders as _,
        &pending.left_shards,
        &pending.left
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Messages by their columns.
#[derive(Default)]
struct MessageRows {
    ids: Vec<i64>,
    sources: Vec<i64>,
    hooks: Vec<String>,
    methods: Vec<String>,
    tiers: Vec<String>,
    received_at: Vec<i64>,
    statuses: Vec<String>,
    reasons: Vec<Option<String>>,
    waiting_for: Vec<Option<String>>,
    digests: Vec<Option<String>>,
    events: Vec<String>,
    metadata: Vec<String>,
    updated_at: Vec<i64>,
    findings: Vec<Vec<u8>>,
    contents: Vec<Vec<u8>>,
    secrets: Vec<Option<i64>>,
}

impl MessageRows {
    fn push(&mut self, sealer: &Sealer, message: &Message) {
        let (id, raw) = (message.id.get(), &message.raw);
        let findings = sealer.seal_parcel(column::message_findings(id), &(&message.parsed, &message.logs), &[]);
        let content = sealer.seal_parcel(column::message_content(id), &(&raw.query, &raw.headers), &raw.body);
        self.ids.push(id);
        self.sources.push(raw.source_id.get());
        self.hooks.push(raw.hook.clone());
        self.methods.push(raw.method.clone());
        self.tiers.push(raw.tier.clone());
        self.received_at.push(raw.received_at);
        self.statuses.push(message.status.as_str().to_owned());
        self.reasons.push(message.reason.as_ref().map(json));
        self.waiting_for.push(message.waiting_for.clone());
        self.digests.push(message.plugin_digest.clone());
        self.events.push(numbers(&message.events));
        self.metadata.push(json(&message.metadata));
        self.updated_at.push(message.updated_at);
        self.findings.push(findings);
        self.contents.push(content);
        self.secrets.push(raw.secret_id.map(SecretId::get));
    }
}

async fn messages(connection: &mut Connection, sealer: &Sealer, messages: &[Message]) -> Result<(), Failure> {
    let mut rows = MessageRows::default();
    for message in messages {
        rows.push(sealer, message);
    }
    sqlx::query!(
        "INSERT INTO message (id, source_id, hook, method, tier, received_at, status, reason, waiting_for, plugin_digest, events, metadata, updated_at, findings, content, secret_id)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[],
                              $11::text[], $12::text[], $13::bigint[], $14::bytea[], $15::bytea[], $16::bigint[])",
        &rows.ids,
        &rows.sources,
        &rows.hooks,
        &rows.methods,
        &rows.tiers,
        &rows.received_at,
        &rows.statuses,
        &rows.reasons as _,
        &rows.waiting_for as _,
        &rows.digests as _,
        &rows.events,
        &rows.metadata,
        &rows.updated_at,
        &rows.findings,
        &rows.contents,
        &rows.secrets as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_outcome(connection: &mut Connection, sealer: &Sealer, outcome: &MessageOutcome) -> Result<(), Failure> {
    let id = outcome.id.get();
    let findings = sealer.seal_parcel(column::message_findings(id), &(&outcome.parsed, &outcome.logs), &[]);
    sqlx::query!(
        "UPDATE message SET status = $2, reason = $3, waiting_for = $4, plugin_digest = $5, events = $6, metadata = $7, updated_at = $8, findings = $9
         WHERE id = $1",
        id,
        outcome.status.as_str(),
        outcome.reason.as_ref().map(json),
        outcome.waiting_for,
        outcome.plugin_digest,
        numbers(&outcome.events),
        json(&outcome.metadata),
        outcome.updated_at,
        findings
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM resumable WHERE message_id = $1", id).execute(connection).await?;
    Ok(())
}

async fn dedupe(connection: &mut Connection, keys: &[([u8; 32], MessageId)], now_ms: i64) -> Result<(), Failure> {
    // The last claim of a key within a group stands.
    let last: HashMap<&[u8; 32], MessageId> = keys.iter().map(|(key, message)| (key, *message)).collect();
    let (keys, messages): (Vec<_>, Vec<_>) = last.into_iter().map(|(key, id)| (key.to_vec(), id.get())).unzip();
    sqlx::query!(
        "INSERT INTO dedupe (period, key, message_id) SELECT $1, * FROM unnest($2::bytea[], $3::bigint[])
         ON CONFLICT (period, key) DO UPDATE SET message_id = excluded.message_id",
        dedupe_period(now_ms),
        &keys,
        &messages
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn claims(
    connection: &mut Connection,
    sealer: &Sealer,
    claims: &[(Claim, StoredAnswer)],
    now_ms: i64,
) -> Result<(), Failure> {
    let (mut keys, mut hashes, mut statuses, mut bodies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (claim, answer) in claims {
        keys.push(claim.key.to_vec());
        hashes.push(claim.body_hash.to_vec());
        statuses.push(i64::from(answer.status));
        bodies.push(sealer.seal(column::idempotency_body(&claim.key), &answer.body));
    }
    sqlx::query!(
        "INSERT INTO idempotency (period, key, body_hash, status, body)
         SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[]) ON CONFLICT (period, key) DO NOTHING",
        idempotency::period(now_ms),
        &keys,
        &hashes,
        &statuses,
        &bodies
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Customers as they are now, and messages that waited for them.
async fn customers(connection: &mut Connection, sealer: &Sealer, customers: &[Customer]) -> Result<(), Failure> {
    // A group may change one twice: the last state stands.
    let last: HashMap<&str, &Customer> = customers.iter().map(|one| (one.external_id.as_str(), one)).collect();
    let (mut ids, mut regions, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut created_at, mut updated_at, mut people) = (Vec::new(), Vec::new(), Vec::new());
    for (id, customer) in last {
        let person: Person = (customer.name.clone(), customer.address.clone());
        ids.push(id.to_owned());
        regions.push(customer.region.map(|region| region.as_str().to_owned()));
        outcomes.push(customer.region_outcome.clone());
        created_at.push(customer.created_at);
        updated_at.push(customer.updated_at);
        people.push(sealer.seal_parcel(column::customer_person(id), &person, &[]));
    }
    sqlx::query!(
        "INSERT INTO customer (external_id, region, region_outcome, created_at, updated_at, person)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[])
         ON CONFLICT (external_id) DO UPDATE
         SET region = excluded.region, region_outcome = excluded.region_outcome, updated_at = excluded.updated_at, person = excluded.person",
        &ids,
        &regions as _,
        &outcomes,
        &created_at,
        &updated_at,
        &people
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO resumable (message_id) SELECT m.id FROM message AS m WHERE m.waiting_for = ANY($1) AND m.status = 'waiting'
         ON CONFLICT DO NOTHING",
        &ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn establishments(connection: &mut Connection, records: &[Establishment]) -> Result<(), Failure> {
    // As above.
    let last: HashMap<_, _> = records.iter().map(|one| ((one.customer_id.as_str(), one.region), one)).collect();
    let (mut ids, mut customers, mut regions, mut flags) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut since, mut until, mut updated_at) = (Vec::new(), Vec::new(), Vec::new());
    let (mut appointments, mut messages) = (Vec::new(), Vec::new());
    for record in last.into_values() {
        ids.push(record.id.get());
        customers.push(record.customer_id.clone());
        regions.push(record.region.as_str().to_owned());
        flags.push(i64::from(record.established));
        since.push(record.since);
        until.push(record.until);
        appointments.push(record.appointment_id.clone());
        messages.push(record.message_id.map(MessageId::get));
        updated_at.push(record.updated_at);
    }
    sqlx::query!(
        "INSERT INTO establishment (id, customer_id, region, established, since, until, appointment_id, message_id, updated_at)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[])
         ON CONFLICT (customer_id, region) DO UPDATE
         SET established = excluded.established, since = excluded.since, until = excluded.until, appointment_id = excluded.appointment_id,
             message_id = excluded.message_id, updated_at = excluded.updated_at",
        &ids,
        &customers,
        &regions,
        &flags,
        &since,
        &until,
        &appointments as _,
        &messages as _,
        &updated_at
    )
    .execute(connection)
    .await?;
    Ok(())
}
