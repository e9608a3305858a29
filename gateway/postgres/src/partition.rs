//! Partitions of a day each, made before the first row of their day comes.

use crate::database::Connection;
use crate::fault::{Failure, Gravity, gravity};
use crate::store::Shared;
use hookwright_core::id::EPOCH_MS;
use sqlx::{AssertSqlSafe, Executor};
use std::sync::atomic::{AtomicI64, Ordering};

/// Tables whose rows are kept by days: by the time in their ids.
pub(crate) const DAILY: [&str; 4] = ["event", "settled", "attempt", "message"];
const DAY_MS: i64 = 86_400_000;

/// The last day that partitions are known to be there for, and the one after it.
#[derive(Debug)]
pub(crate) struct Days(AtomicI64);

impl Default for Days {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

/// The day that a moment belongs to, counted from the zero of the ids' clock.
pub(crate) const fn day_of(now_ms: i64) -> i64 {
    (now_ms - EPOCH_MS).div_euclid(DAY_MS)
}

/// The first id of a day.
pub(crate) const fn first_id(day: i64) -> i64 {
    (day * DAY_MS) << 22
}

/// Sees to it that there are partitions for today and tomorrow. Where one cannot be made, the rows of that day go to the default partition.
pub(crate) async fn ensure(shared: &Shared, connection: &mut Connection, now_ms: i64) -> Result<(), Failure> {
    let day = day_of(now_ms).max(0);
    if shared.days.0.load(Ordering::Relaxed) == day {
        return Ok(());
    }
    for table in DAILY {
        for day in [day, day + 1] {
            make(connection, table, day).await?;
        }
    }
    shared.days.0.store(day, Ordering::Relaxed);
    Ok(())
}

async fn make(connection: &mut Connection, table: &str, day: i64) -> Result<(), Failure> {
    let name = format!("{table}_{day}");
    let there =
        sqlx::query!(r#"SELECT to_regclass($1) IS NOT NULL AS "there!""#, name).fetch_one(&mut *connection).await?;
    if there.there {
        return Ok(());
    }
    let (first, end) = (first_id(day), first_id(day + 1));
    let text = format!("CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ({first}) TO ({end})");
    match connection.execute(AssertSqlSafe(text)).await {
        Ok(_) => Ok(()),
        // Another node has made it in the same moment, or the default partition has rows of that day already.
        Err(error) if matches!(gravity(&error), Gravity::Command | Gravity::Clash) => {
            tracing::debug!(%error, table, day, "a day's partition was not made");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
