//! What a group's planner must know: locked, and then read, in the transaction that will write.
//!
//! Locks are advisory, on what a key hashes to, and are taken in ascending order: two groups that need the same never wait for each other in a circle. What is read
//! after they are held is as the last holder left it.

use crate::corrupt::Reading;
use crate::database::Connection;
use crate::fault::Failure;
use crate::journal::establishment;
use crate::record::{Person, event_ids};
use crate::sealer::{Sealer, column};
use crate::sweep::dedupe_period;
use hookwright_core::customer::Customer;
use hookwright_core::idempotency::{self, StoredAnswer};
use hookwright_core::intake::{Facts, KeptMessage, Needs, Received};
use hookwright_core::message::MessageStatus;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Kinds of things that are locked, so that a customer and a key do not stand in each other's way.
enum Locked<'a> {
    Customer(&'a str),
    Key(&'a [u8; 32]),
    Message(i64),
    Expiry,
}

impl Locked<'_> {
    /// The number of its lock: the same in every version of the program, since versions run side by side.
    fn number(&self) -> i64 {
        let hash = match self {
            Self::Customer(id) => Sha256::new().chain_update(b"customer ").chain_update(id).finalize(),
            Self::Key(key) => Sha256::new().chain_update(b"key ").chain_update(key).finalize(),
            Self::Message(id) => Sha256::new().chain_update(b"message ").chain_update(id.to_be_bytes()).finalize(),
            Self::Expiry => Sha256::new().chain_update(b"expiry").finalize(),
        };
        hash.first_chunk().copied().map_or(0, i64::from_be_bytes)
    }
}

/// What is locked, by the numbers of the locks.
pub(crate) type Locks = BTreeSet<i64>;

/// Takes the locks.
pub(crate) async fn lock(connection: &mut Connection, needs: &Needs, now_ms: i64) -> Result<Locks, Failure> {
    let mut numbers = Locks::new();
    numbers.extend(needs.customers.iter().map(|id| Locked::Customer(id).number()));
    numbers.extend(needs.dedupe.iter().chain(&needs.idempotency).map(|key| Locked::Key(key).number()));
    numbers.extend(needs.messages.iter().map(|id| Locked::Message(id.get()).number()));
    if needs.expire > 0 {
        // One node at a time, and then those whose records lapse.
        take(connection, &[Locked::Expiry.number()]).await?;
        let limit = i64::from(needs.expire);
        let lapsing = sqlx::query!(
            "SELECT customer_id FROM establishment WHERE established = 1 AND until <= $1 ORDER BY until LIMIT $2",
            now_ms,
            limit
        );
        let rows = lapsing.fetch_all(&mut *connection).await?;
        numbers.extend(rows.iter().map(|row| Locked::Customer(&row.customer_id).number()));
    }
    let ascending: Vec<i64> = numbers.iter().copied().collect();
    take(connection, &ascending).await?;
    Ok(numbers)
}

async fn take(connection: &mut Connection, numbers: &[i64]) -> Result<(), Failure> {
    if !numbers.is_empty() {
        sqlx::query!("SELECT pg_advisory_xact_lock(number) FROM unnest($1::bigint[]) AS number", numbers)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Reads what is needed.
pub(crate) async fn read(
    connection: &mut Connection,
    sealer: &Sealer,
    needs: &Needs,
    locks: &Locks,
    now_ms: i64,
) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
    if !needs.customers.is_empty() {
        customers(connection, sealer, &needs.customers, &mut facts).await?;
    }
    if !needs.dedupe.is_empty() {
        dedupe(connection, &needs.dedupe, now_ms, &mut facts).await?;
    }
    if !needs.idempotency.is_empty() {
        answers(connection, sealer, &needs.idempotency, now_ms, &mut facts).await?;
    }
    if !needs.messages.is_empty() {
        messages(connection, needs, &mut facts).await?;
    }
    if needs.expire > 0 {
        lapsing(connection, needs.expire, locks, now_ms, &mut facts).await?;
    }
    Ok(facts)
}

async fn customers(
    connection: &mut Connection,
    sealer: &Sealer,
    ids: &[String],
    facts: &mut Facts,
) -> Result<(), Failure> {
    let rows = sqlx::query!(
        "SELECT external_id, region, region_outcome, created_at, updated_at, person FROM customer WHERE external_id = ANY($1)",
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let place = column::customer_person(&row.external_id);
        let ((name, address), _) = sealer.open_parcel::<Person>(place, &row.person)?;
        let reading = Reading { table: "customer", row: &row.external_id };
        let region = row.region.map(|code| reading.word("region", code.parse().ok())).transpose()?;
        let customer = Customer {
            region,
            name,
            address,
            region_outcome: row.region_outcome,
            created_at: row.created_at,
            updated_at: row.updated_at,
            external_id: row.external_id.clone(),
        };
        facts.customers.insert(row.external_id, customer);
    }
    let rows = sqlx::query_as!(
        establishment::Row,
        "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
         FROM establishment WHERE customer_id = ANY($1)",
        ids
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let record = row.read()?;
        facts.establishments.insert((record.customer_id.clone(), record.region), record);
    }
    Ok(())
}

fn as_bytes(keys: &[[u8; 32]]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.to_vec()).collect()
}

/// The messages that came first with a de-duplication key.
async fn dedupe(connection: &mut Connection, keys: &[[u8; 32]], now_ms: i64, facts: &mut Facts) -> Result<(), Failure> {
    let (present, previous) = (dedupe_period(now_ms), dedupe_period(now_ms) - 1);
    let rows = sqlx::query!(
        "SELECT d.key, m.id, m.status, m.reason, m.events
         FROM dedupe AS d JOIN message AS m ON m.id = d.message_id
         WHERE d.period IN ($2, $3) AND d.key = ANY($1) ORDER BY d.period",
        &as_bytes(keys),
        previous,
        present
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let reading = Reading { table: "message", row: row.id };
        let received = Received {
            message_id: reading.id("id", row.id)?,
            status: reading.word("status", MessageStatus::from_word(&row.status))?,
            reason: row.reason.map(|text| reading.json("reason", &text)).transpose()?,
            events: event_ids(&reading, &row.events)?,
            duplicate: false,
        };
        facts.dedupe.insert(reading.hash("key", &row.key)?, received);
    }
    Ok(())
}

/// The hashes of the bodies that came with idempotency keys, and what they were answered.
async fn answers(
    connection: &mut Connection,
    sealer: &Sealer,
    keys: &[[u8; 32]],
    now_ms: i64,
    facts: &mut Facts,
) -> Result<(), Failure> {
    let (present, previous) = (idempotency::period(now_ms), idempotency::period(now_ms) - 1);
    let rows = sqlx::query!(
        "SELECT key, body_hash, status, body FROM idempotency WHERE period IN ($2, $3) AND key = ANY($1) ORDER BY period",
        &as_bytes(keys),
        previous,
        present
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let reading = Reading { table: "idempotency", row: "(a hash)" };
        let key = reading.hash("key", &row.key)?;
        let body_hash = reading.hash("body_hash", &row.body_hash)?;
        let status = reading.number("status", row.status)?;
        let body = sealer.open(column::idempotency_body(&key), &row.body)?;
        facts.idempotency.insert(key, (body_hash, StoredAnswer { status, body }));
    }
    Ok(())
}

async fn messages(connection: &mut Connection, needs: &Needs, facts: &mut Facts) -> Result<(), Failure> {
    let ids: Vec<i64> = needs.messages.iter().map(|id| id.get()).collect();
    let rows = sqlx::query!("SELECT id, status, source_id, received_at FROM message WHERE id = ANY($1)", &ids)
        .fetch_all(connection)
        .await?;
    for row in rows {
        let reading = Reading { table: "message", row: row.id };
        let kept = KeptMessage {
            status: reading.word("status", MessageStatus::from_word(&row.status))?,
            source_id: reading.id("source_id", row.source_id)?,
            received_at: row.received_at,
        };
        facts.messages.insert(reading.id("id", row.id)?, kept);
    }
    Ok(())
}

async fn lapsing(
    connection: &mut Connection,
    limit: u32,
    locks: &Locks,
    now_ms: i64,
    facts: &mut Facts,
) -> Result<(), Failure> {
    let limit = i64::from(limit);
    let rows = sqlx::query_as!(
        establishment::Row,
        "SELECT id, customer_id, region, established, since, until, appointment_id, message_id, updated_at
         FROM establishment WHERE established = 1 AND until <= $1 ORDER BY until LIMIT $2",
        now_ms,
        limit
    )
    .fetch_all(connection)
    .await?;
    // One that came into view since the locks were taken is left to the next time.
    for row in rows.into_iter().filter(|row| locks.contains(&Locked::Customer(&row.customer_id).number())) {
        facts.lapsing.push(row.read()?);
    }
    Ok(())
}
