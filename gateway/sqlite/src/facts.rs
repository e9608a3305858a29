//! What a group's planner must know, read in the transaction that will write.

use crate::corrupt::Reading;
use crate::fault::Failure;
use crate::parcel::json;
use crate::sealer::{Sealer, column};
use crate::statement;
use crate::sweep::dedupe_period;
use hookwright_core::customer::Customer;
use hookwright_core::establishment::Establishment;
use hookwright_core::idempotency::{self, StoredAnswer};
use hookwright_core::intake::{Facts, KeptMessage, Needs, Received};
use hookwright_core::message::MessageStatus;
use hookwright_core::region::{Address, RegionCode};
use hookwright_store::StoreError;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// What a name and an address are sealed as.
pub(crate) type Person = (Option<String>, Option<Address>);

/// Begins a transaction and reads, in one call.
pub(crate) async fn begin_and_read(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    needs: &Needs,
    now_ms: i64,
) -> Result<Facts, Failure> {
    let hexadecimal = |keys: &[[u8; 32]]| json(&keys.iter().map(hexadecimal).collect::<Vec<_>>());
    let messages: Vec<i64> = needs.messages.iter().map(|id| id.get()).collect();
    let rows = sqlx::query(statement::READ)
        .bind(json(&needs.customers))
        .bind(hexadecimal(&needs.dedupe))
        .bind(dedupe_period(now_ms))
        .bind(hexadecimal(&needs.idempotency))
        .bind(idempotency::period(now_ms))
        .bind(json(&messages))
        .bind(now_ms)
        .bind(i64::from(needs.expire))
        .fetch_all(connection)
        .await?;
    let mut facts = Facts::default();
    for row in rows {
        read(&row, sealer, &mut facts)?;
    }
    Ok(facts)
}

fn read(row: &SqliteRow, sealer: &Sealer, facts: &mut Facts) -> Result<(), Failure> {
    match row.try_get::<i64, _>(0)? {
        1 => {
            let customer = customer(row, sealer)?;
            facts.customers.insert(customer.external_id.clone(), customer);
        }
        2 => {
            let record = establishment(row)?;
            facts.establishments.insert((record.customer_id.clone(), record.region), record);
        }
        3 => {
            let (key, first) = first_with_key(row)?;
            facts.dedupe.insert(key, first);
        }
        4 => {
            let reading = Reading { table: "idempotency", row: "(a hash)" };
            let key = reading.hash("key", row.try_get(1)?)?;
            let body_hash = reading.hash("body_hash", row.try_get(2)?)?;
            let status = reading.number("status", row.try_get(3)?)?;
            let body = sealer.open(column::idempotency_body(&key), row.try_get(4)?)?;
            facts.idempotency.insert(key, (body_hash, StoredAnswer { status, body }));
        }
        5 => {
            let reading = Reading { table: "message", row: row.try_get::<i64, _>(1)? };
            let kept = KeptMessage {
                status: reading.word("status", MessageStatus::from_word(row.try_get(2)?))?,
                source_id: reading.id("source_id", row.try_get(3)?)?,
                received_at: row.try_get(4)?,
            };
            facts.messages.insert(reading.id("id", reading.row)?, kept);
        }
        _ => facts.lapsing.push(establishment(row)?),
    }
    Ok(())
}

fn customer(row: &SqliteRow, sealer: &Sealer) -> Result<Customer, Failure> {
    let external_id: String = row.try_get(1)?;
    let region: Option<&str> = row.try_get(2)?;
    let ((name, address), _) = sealer.open_parcel::<Person>(column::customer_person(&external_id), row.try_get(6)?)?;
    let reading = Reading { table: "customer", row: &external_id };
    let region = region.map(|code| reading.word("region", code.parse().ok())).transpose()?;
    Ok(Customer {
        region,
        name,
        address,
        region_outcome: row.try_get(3)?,
        created_at: row.try_get(4)?,
        updated_at: row.try_get(5)?,
        external_id,
    })
}

fn establishment(row: &SqliteRow) -> Result<Establishment, Failure> {
    let reading = Reading { table: "establishment", row: row.try_get::<i64, _>(1)? };
    let region: Option<RegionCode> = row.try_get::<&str, _>(3)?.parse().ok();
    Ok(Establishment {
        id: reading.id("id", reading.row)?,
        customer_id: row.try_get(2)?,
        region: reading.word("region", region)?,
        established: row.try_get::<i64, _>(4)? == 1,
        since: row.try_get(5)?,
        until: row.try_get(6)?,
        appointment_id: row.try_get(7)?,
        message_id: reading.id_or_none("message_id", row.try_get(8)?)?,
        updated_at: row.try_get(9)?,
    })
}

fn first_with_key(row: &SqliteRow) -> Result<([u8; 32], Received), Failure> {
    let reading = Reading { table: "message", row: row.try_get::<i64, _>(2)? };
    let key = Reading { table: "dedupe", row: "(a hash)" }.hash("key", row.try_get(1)?)?;
    let reason: Option<&str> = row.try_get(4)?;
    let first = Received {
        message_id: reading.id("id", reading.row)?,
        status: reading.word("status", MessageStatus::from_word(row.try_get(3)?))?,
        reason: reason.map(|text| reading.json("reason", text)).transpose()?,
        events: event_ids(&reading, row.try_get(5)?)?,
        duplicate: false,
    };
    Ok((key, first))
}

/// The events of a message: a JSON list of numbers.
pub(crate) fn event_ids(reading: &Reading<i64>, text: &str) -> Result<Vec<hookwright_core::id::EventId>, StoreError> {
    let numbers: Vec<i64> = reading.json("events", text)?;
    numbers.into_iter().map(|number| reading.id("events", number)).collect()
}

/// A hash as SQL's `unhex` reads it.
pub(crate) fn hexadecimal(bytes: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(64);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
