//! What a group's planner must know, read in the transaction that will write.

use crate::corrupt::Reading;
use crate::direct::Direct;
use crate::fault::Failure;
use crate::record::{Person, event_ids};
use crate::sealer::{Sealer, column};
use crate::statement;
use crate::sweep::dedupe_period;
use hookwright_core::customer::Customer;
use hookwright_core::establishment::Establishment;
use hookwright_core::idempotency::{self, StoredAnswer};
use hookwright_core::intake::{Facts, KeptMessage, Needs, Received};
use hookwright_core::message::MessageStatus;
use hookwright_core::region::RegionCode;
use rusqlite::{Params, Row};

/// Reads what is needed, in the present transaction.
pub(crate) fn read(direct: &Direct, sealer: &Sealer, needs: &Needs, now_ms: i64) -> Result<Facts, Failure> {
    let mut facts = Facts::default();
    for id in &needs.customers {
        each(direct, statement::READ_CUSTOMER, [id], |row| {
            let customer = customer(row, sealer)?;
            facts.customers.insert(customer.external_id.clone(), customer);
            Ok(())
        })?;
        each(direct, statement::READ_ESTABLISHMENTS, [id], |row| {
            let record = establishment(row)?;
            facts.establishments.insert((record.customer_id.clone(), record.region), record);
            Ok(())
        })?;
    }
    for key in &needs.dedupe {
        each(direct, statement::READ_DEDUPE, (key, dedupe_period(now_ms)), |row| {
            facts.dedupe.insert(*key, first(row)?);
            Ok(())
        })?;
    }
    for key in &needs.idempotency {
        each(direct, statement::READ_IDEMPOTENCY, (key, idempotency::period(now_ms)), |row| {
            facts.idempotency.insert(*key, answer(row, key, sealer)?);
            Ok(())
        })?;
    }
    for id in &needs.messages {
        each(direct, statement::READ_MESSAGE, [id.get()], |row| {
            facts.messages.insert(*id, message(row, id.get())?);
            Ok(())
        })?;
    }
    if needs.expire > 0 {
        each(direct, statement::READ_LAPSING, (now_ms, needs.expire), |row| {
            facts.lapsing.push(establishment(row)?);
            Ok(())
        })?;
    }
    Ok(facts)
}

/// Does something with each row of a statement.
fn each(
    direct: &Direct,
    text: &'static str,
    values: impl Params,
    mut act: impl FnMut(&Row<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = direct.statement(text)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        act(row)?;
    }
    Ok(())
}

fn customer(row: &Row<'_>, sealer: &Sealer) -> Result<Customer, Failure> {
    let external_id: String = row.get(0)?;
    let region: Option<String> = row.get(1)?;
    let record: Vec<u8> = row.get(5)?;
    let ((name, address), _) = sealer.open_parcel::<Person>(column::customer_person(&external_id), &record)?;
    let reading = Reading { table: "customer", row: &external_id };
    let region = region.map(|code| reading.word("region", code.parse().ok())).transpose()?;
    Ok(Customer {
        region,
        name,
        address,
        region_outcome: row.get(2)?,
        created_at: row.get(3)?,
        updated_at: row.get(4)?,
        external_id,
    })
}

fn establishment(row: &Row<'_>) -> Result<Establishment, Failure> {
    let reading = Reading { table: "establishment", row: row.get::<_, i64>(0)? };
    let region: Option<RegionCode> = row.get::<_, String>(2)?.parse().ok();
    Ok(Establishment {
        id: reading.id("id", reading.row)?,
        customer_id: row.get(1)?,
        region: reading.word("region", region)?,
        established: row.get::<_, i64>(3)? == 1,
        since: row.get(4)?,
        until: row.get(5)?,
        appointment_id: row.get(6)?,
        message_id: reading.id_or_none("message_id", row.get(7)?)?,
        updated_at: row.get(8)?,
    })
}

/// The message that came first with a de-duplication key.
fn first(row: &Row<'_>) -> Result<Received, Failure> {
    let reading = Reading { table: "message", row: row.get::<_, i64>(0)? };
    let (status, reason): (String, Option<String>) = (row.get(1)?, row.get(2)?);
    Ok(Received {
        message_id: reading.id("id", reading.row)?,
        status: reading.word("status", MessageStatus::from_word(&status))?,
        reason: reason.map(|text| reading.json("reason", &text)).transpose()?,
        events: event_ids(&reading, &row.get::<_, String>(3)?)?,
        duplicate: false,
    })
}

/// The hash of the body that came with an idempotency key, and what it was answered.
fn answer(row: &Row<'_>, key: &[u8; 32], sealer: &Sealer) -> Result<([u8; 32], StoredAnswer), Failure> {
    let reading = Reading { table: "idempotency", row: "(a hash)" };
    let (hash, record): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(2)?);
    let body_hash = reading.hash("body_hash", &hash)?;
    let status = reading.number("status", row.get(1)?)?;
    let body = sealer.open(column::idempotency_body(key), &record)?;
    Ok((body_hash, StoredAnswer { status, body }))
}

fn message(row: &Row<'_>, id: i64) -> Result<KeptMessage, Failure> {
    let reading = Reading { table: "message", row: id };
    Ok(KeptMessage {
        status: reading.word("status", MessageStatus::from_word(&row.get::<_, String>(0)?))?,
        source_id: reading.id("source_id", row.get(1)?)?,
        received_at: row.get(2)?,
    })
}
