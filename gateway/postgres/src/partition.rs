//! Partitions of a day each, made before the first row of their day comes.
//!
//! A partition is made as a table of its own and attached then: that waits for whoever uses the default partition, which holds no row of today, and never for whoever
//! commits. Rows of a day for which there is none go to the default partition; where it has rows of a day, that day gets no partition any more.

use crate::database::Connection;
use crate::fault::{Failure, Gravity, gravity};
use crate::store::Shared;
use hookwright_core::id::EPOCH_MS;
use sqlx::{AssertSqlSafe, Executor};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicI64, Ordering};

/// Tables whose rows are kept by days: by the time in their ids.
pub(crate) const DAILY: [&str; 4] = ["event", "settled", "attempt", "message"];
const DAY_MS: i64 = 86_400_000;
/// The last day whose end an id can tell.
const DAY_MAX: i64 = ((1 << 41) - 1) / DAY_MS - 1;
/// Partitions are made so many days before they are needed: one that cannot be made now is tried again for long.
const AHEAD: i64 = 2;

/// The lock of whoever makes a partition or removes one.
pub(crate) const MAKING: i64 = 7_594_035;

/// The days that partitions are known to be there for.
#[derive(Debug)]
pub(crate) struct Days {
    /// The day that was last seen to.
    today: AtomicI64,
    /// The day that those ahead of were all made.
    ahead_of: AtomicI64,
}

impl Default for Days {
    fn default() -> Self {
        Self { today: AtomicI64::new(i64::MIN), ahead_of: AtomicI64::new(i64::MIN) }
    }
}

/// The day that a moment belongs to, counted from the zero of the ids' clock.
pub(crate) const fn day_of(now_ms: i64) -> i64 {
    let day = now_ms.saturating_sub(EPOCH_MS).div_euclid(DAY_MS);
    if day < 0 {
        return 0;
    }
    if day > DAY_MAX { DAY_MAX } else { day }
}

/// The first id of a day.
pub(crate) const fn first_id(day: i64) -> i64 {
    (day * DAY_MS) << 22
}

/// The name of a day's partition.
pub(crate) fn name(table: &str, day: i64) -> String {
    format!("{table}_{day}")
}

/// The day of the partition of that name.
pub(crate) fn day_in(name: &str, table: &str) -> Option<i64> {
    name.strip_prefix(table)?.strip_prefix('_')?.parse().ok()
}

/// Sees to it that there are partitions for today. Where one cannot be made, the rows of the day go to the default partition.
pub(crate) async fn ensure(shared: &Shared, connection: &mut Connection, now_ms: i64) -> Result<(), Failure> {
    let day = day_of(now_ms);
    if shared.days.today.load(Ordering::Relaxed) != day {
        make_missing(connection, day..=day).await?;
        shared.days.today.store(day, Ordering::Relaxed);
    }
    Ok(())
}

/// The same, and for the days to come, so that there is nothing to make when they do. What cannot be made now is tried again when this is called again.
pub(crate) async fn look_ahead(shared: &Shared, connection: &mut Connection, now_ms: i64) -> Result<(), Failure> {
    ensure(shared, connection, now_ms).await?;
    let day = day_of(now_ms);
    if shared.days.ahead_of.load(Ordering::Relaxed) != day
        && make_missing(connection, day + 1..=(day + AHEAD).min(DAY_MAX)).await?
    {
        shared.days.ahead_of.store(day, Ordering::Relaxed);
    }
    Ok(())
}

/// Makes what is not there; whether nothing is left to try again.
async fn make_missing(connection: &mut Connection, days: RangeInclusive<i64>) -> Result<bool, Failure> {
    let wanted = || days.clone().flat_map(|day| DAILY.map(|table| (table, day)));
    let names: Vec<String> = wanted().map(|(table, day)| name(table, day)).collect();
    let missing = sqlx::query!(
        r#"SELECT n.name AS "name!" FROM unnest($1::text[]) AS n (name) WHERE to_regclass(n.name) IS NULL"#,
        &names
    );
    let missing: Vec<String> = missing.fetch_all(&mut *connection).await?.into_iter().map(|row| row.name).collect();
    let mut is_done = true;
    for (table, day) in wanted().filter(|(table, day)| missing.contains(&name(table, *day))) {
        is_done &= make(connection, table, day).await?;
    }
    Ok(is_done)
}

/// Makes one; whether there is nothing to try again. Of nodes that want the same one at once, one makes it while the others wait: a row that they wrote meanwhile would
/// go to the default partition, and be in its way.
pub(crate) async fn make(connection: &mut Connection, table: &str, day: i64) -> Result<bool, Failure> {
    let (name, first, end) = (name(table, day), first_id(day), first_id(day + 1));
    let text = format!(
        "DO $$ BEGIN
             PERFORM set_config('lock_timeout', '2s', true);
             PERFORM pg_advisory_xact_lock({MAKING});
             PERFORM set_config('lock_timeout', '200ms', true);
             IF to_regclass('{name}') IS NULL THEN
                 CREATE TABLE {name} (LIKE {table} INCLUDING ALL);
                 ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end});
             END IF;
         END $$"
    );
    match connection.execute(AssertSqlSafe(text)).await {
        Ok(_) => Ok(true),
        Err(error) => match gravity(&error) {
            // Somebody uses the default partition for long.
            Gravity::Clash => {
                tracing::debug!(%error, table, day, "a day's partition was not made yet");
                Ok(false)
            }
            Gravity::Command => {
                tracing::warn!(%error, table, day, "a day's partition cannot be made: its rows go to the default one");
                Ok(true)
            }
            Gravity::Moment | Gravity::NoRoom => Err(error.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::id::{created_at_ms, first_at_ms};

    #[test]
    fn a_day_has_the_ids_that_are_made_in_it() {
        for day in [0, 1, 734, DAY_MAX] {
            let (began, ends) = (EPOCH_MS + day * DAY_MS, EPOCH_MS + (day + 1) * DAY_MS);
            assert_eq!((day_of(began), day_of(ends - 1)), (day, day));
            assert_eq!(first_id(day), first_at_ms(began));
            assert_eq!(created_at_ms(first_id(day + 1) - 1), ends - 1);
        }
        assert_eq!((day_of(i64::MIN), day_of(0), day_of(i64::MAX)), (0, 0, DAY_MAX));
    }

    #[test]
    fn a_partition_is_known_by_its_name() {
        assert_eq!(day_in(&name("event", 734), "event"), Some(734));
        assert_eq!(day_in("event_default", "event"), None);
        assert_eq!(day_in("settled_734", "event"), None);
    }
}
