//! A day that goes at once: its partitions are dropped.
//!
//! A drop needs the tables for itself, and whoever asks for them is in the way of everybody who asks later. So everything is looked at before that, the wait for it is
//! short, and what follows is quick: how much was in the tables does not matter.

use crate::database::Connection;
use crate::fault::{Failure, Gravity, gravity};
use crate::partition::{MAKING, day_in, first_id, name};
use hookwright_core::id::first_at_ms;
use hookwright_store::RecordKind;
use sqlx::{AssertSqlSafe, Executor};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that stay when their day goes, at most: they are moved to the default partition while nobody else has the tables.
const STAYING_MAX: i64 = 1_000;
/// Of a partition of more rows than this, the database's statistics tell about how many there were; of fewer, or where there are no statistics yet, they are counted up to here.
const COUNTED_MAX: i64 = 100_000;

/// What came of an attempt to remove a day.
pub(super) enum Outcome {
    /// It is gone.
    Removed {
        /// Records of the kind.
        removed: u64,
        /// With those that belonged to them.
        rows: u64,
    },
    /// Somebody uses its tables.
    InUse,
    /// Too much of it is not to go.
    Needed,
}

/// The days that there are partitions for, of a kind, and the tables that have one.
pub(super) struct Days(BTreeMap<i64, BTreeSet<&'static str>>);

/// The tables that a kind is in, its own first.
const fn tables(kind: RecordKind) -> &'static [&'static str] {
    match kind {
        RecordKind::Events => &["event", "settled", "attempt"],
        RecordKind::Attempts => &["attempt"],
        RecordKind::Messages => &["message"],
        RecordKind::UnfinishedMessages | RecordKind::Audit => &[],
    }
}

/// The column by which a table is partitioned.
fn key(table: &str) -> &'static str {
    if table == "attempt" { "delivery_id" } else { "id" }
}

fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl Days {
    pub(super) async fn of(connection: &mut Connection, kind: RecordKind) -> Result<Self, Failure> {
        let mut days: BTreeMap<i64, BTreeSet<&'static str>> = BTreeMap::new();
        for table in tables(kind) {
            let rows = sqlx::query!(
                r#"SELECT c.relname::text AS "name!" FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                   WHERE i.inhparent = to_regclass($1)"#,
                table
            );
            for row in rows.fetch_all(&mut *connection).await? {
                if let Some(day) = day_in(&row.name, table) {
                    days.entry(day).or_default().insert(table);
                }
            }
        }
        Ok(Self(days))
    }

    /// The first day that begins after an id.
    pub(super) fn first_after(&self, after: i64) -> Option<i64> {
        self.0.keys().copied().find(|day| first_id(*day) > after)
    }

    /// Removes a day, in the present transaction: all of it, or nothing.
    pub(super) async fn remove(
        &self,
        connection: &mut Connection,
        kind: RecordKind,
        day: i64,
        before_ms: i64,
    ) -> Result<Outcome, Failure> {
        let Some(tables_there) = self.0.get(&day) else { return Ok(Outcome::Needed) };
        let doomed = Doomed { kind, day, before_ms, there: tables_there };
        connection.execute("SAVEPOINT day").await?;
        let outcome = match doomed.remove(connection).await {
            Err(Failure::Database(error)) if gravity(&error) == Gravity::Clash => {
                tracing::debug!(%error, day, kind = kind.as_str(), "an old day is in use");
                Outcome::InUse
            }
            outcome => outcome?,
        };
        if !matches!(outcome, Outcome::Removed { .. }) {
            connection.execute("ROLLBACK TO SAVEPOINT day").await?;
        }
        Ok(outcome)
    }
}

/// Counts rows, and stops at a number.
async fn count_up_to(connection: &mut Connection, from: &str, most: i64) -> Result<i64, Failure> {
    let text = format!("SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT {most}) AS counted");
    Ok(sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(connection).await?)
}

/// A day that is to go.
struct Doomed<'a> {
    kind: RecordKind,
    day: i64,
    before_ms: i64,
    there: &'a BTreeSet<&'static str>,
}

impl Doomed<'_> {
    async fn remove(&self, connection: &mut Connection) -> Result<Outcome, Failure> {
        self.close(connection).await?;
        if self.is_needed(connection).await? {
            return Ok(Outcome::Needed);
        }
        let staying = self.staying(connection).await?;
        let Some((removed, rows)) = self.count(connection).await?.filter(|_| staying <= STAYING_MAX) else {
            return Ok(Outcome::Needed);
        };
        self.take_for_itself(connection).await?;
        if staying > 0 {
            self.keep(connection).await?;
        }
        self.drop(connection).await?;
        let staying = staying.unsigned_abs();
        Ok(Outcome::Removed { removed: removed.saturating_sub(staying), rows: rows.saturating_sub(staying) })
    }

    fn partitions(&self) -> impl Iterator<Item = String> {
        self.there.iter().map(|table| name(table, self.day))
    }

    fn not_there(&self) -> impl Iterator<Item = &'static str> {
        tables(self.kind).iter().copied().filter(|table| !self.there.contains(table))
    }

    /// The ids of the day: the first, and the last.
    const fn ids(&self) -> (i64, i64) {
        (first_id(self.day), first_id(self.day + 1) - 1)
    }

    /// Nobody makes a partition, or changes a row of the day, from now on; whoever reads goes on. Fails at once where somebody does, or where it is being vacuumed.
    async fn close(&self, connection: &mut Connection) -> Result<(), Failure> {
        let (partitions, defaults) =
            (list(self.partitions()), list(tables(self.kind).iter().map(|table| format!("{table}_default"))));
        let text = format!(
            "SET LOCAL lock_timeout = '1s';
             SELECT pg_advisory_xact_lock({MAKING});
             LOCK TABLE {partitions} IN EXCLUSIVE MODE NOWAIT;
             LOCK TABLE {defaults} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT"
        );
        connection.execute(AssertSqlSafe(text)).await?;
        Ok(())
    }

    /// Whether a delivery of the day's events is pending, or one that is of the day. The ids of an event and of its deliveries were made one after the other, so that
    /// what belongs together across the ends of the day are the event before it and the last one of it.
    async fn is_needed(&self, connection: &mut Connection) -> Result<bool, Failure> {
        if self.kind != RecordKind::Events {
            return Ok(false);
        }
        let (first, last) = self.ids();
        let row = sqlx::query!(
            r#"SELECT EXISTS (
                   SELECT 1 FROM pending AS p
                   WHERE p.id > coalesce((SELECT e.id FROM event AS e
                                          WHERE e.id = (SELECT max(id) FROM event WHERE id < $1) AND json_extract(e.fan_out, '$[last][0]') >= $1), $1 - 1)
                     AND p.id <= greatest($2, (SELECT json_extract(e.fan_out, '$[last][0]') FROM event AS e
                                               WHERE e.id = (SELECT max(id) FROM event WHERE id <= $2)))
                     AND p.event_id <= $2) AS "needed!""#,
            first,
            last
        );
        Ok(row.fetch_one(connection).await?.needed)
    }

    /// What of a partition stays, as the text of a query for those rows.
    fn staying_rows(&self) -> Option<String> {
        let ((first, last), day, before_ms) = (self.ids(), self.day, self.before_ms);
        match self.kind {
            RecordKind::Attempts => {
                let end = first_at_ms(before_ms);
                Some(format!(
                    "SELECT a.* FROM attempt_{day} AS a WHERE a.id >= {end}
                     UNION ALL
                     SELECT a.* FROM pending AS p JOIN attempt_{day} AS a ON a.delivery_id = p.id
                     WHERE p.id BETWEEN {first} AND {last} AND a.id < {end}"
                ))
            }
            RecordKind::Messages => Some(format!(
                "SELECT m.* FROM message_{day} AS m
                 WHERE m.updated_at >= {before_ms} OR m.status IN ('quarantined', 'waiting', 'held', 'fetching')"
            )),
            RecordKind::Events | RecordKind::UnfinishedMessages | RecordKind::Audit => None,
        }
    }

    async fn staying(&self, connection: &mut Connection) -> Result<i64, Failure> {
        let Some(rows) = self.staying_rows() else { return Ok(0) };
        let text = format!("SELECT count(*) FROM ({rows} LIMIT {}) AS staying", STAYING_MAX + 1);
        Ok(sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(connection).await?)
    }

    /// Records of the kind, and rows in all. `None` where the day has no partition of a table and more rows in the default one than are removed at once.
    async fn count(&self, connection: &mut Connection) -> Result<Option<(u64, u64)>, Failure> {
        let mut counts = Vec::new();
        for table in tables(self.kind) {
            let count = if self.there.contains(table) {
                self.count_partition(connection, table).await?
            } else {
                let ((first, last), key) = (self.ids(), key(table));
                let of_day = format!("{table}_default WHERE {key} BETWEEN {first} AND {last}");
                let count = count_up_to(connection, &of_day, STAYING_MAX + 1).await?;
                if count > STAYING_MAX {
                    return Ok(None);
                }
                count
            };
            counts.push(count.unsigned_abs());
        }
        Ok(Some((counts.first().copied().unwrap_or(0), counts.iter().sum())))
    }

    async fn count_partition(&self, connection: &mut Connection, table: &str) -> Result<i64, Failure> {
        let estimate = self.estimate(connection, table).await?;
        if estimate >= COUNTED_MAX {
            return Ok(estimate);
        }
        count_up_to(connection, &name(table, self.day), COUNTED_MAX).await
    }

    /// Rows of a partition when it was last vacuumed or analyzed; negative if it never was.
    async fn estimate(&self, connection: &mut Connection, table: &str) -> Result<i64, Failure> {
        let row = sqlx::query!(
            r#"SELECT reltuples::bigint AS "rows!" FROM pg_class WHERE oid = to_regclass($1)"#,
            name(table, self.day)
        );
        Ok(row.fetch_one(connection).await?.rows)
    }

    /// In the order in which everybody else uses the tables.
    async fn take_for_itself(&self, connection: &mut Connection) -> Result<(), Failure> {
        let parents = list(tables(self.kind).iter().map(|table| format!("ONLY {table}")));
        let partitions = list(self.partitions());
        let text = format!(
            "SET LOCAL lock_timeout = '50ms';
             LOCK TABLE {parents} IN ACCESS EXCLUSIVE MODE;
             LOCK TABLE {partitions} IN ACCESS EXCLUSIVE MODE"
        );
        connection.execute(AssertSqlSafe(text)).await?;
        Ok(())
    }

    /// Moves what stays to the default partition.
    async fn keep(&self, connection: &mut Connection) -> Result<(), Failure> {
        let (Some(rows), [table, ..]) = (self.staying_rows(), tables(self.kind)) else { return Ok(()) };
        let partition = name(table, self.day);
        let text = format!("ALTER TABLE {table} DETACH PARTITION {partition}; INSERT INTO {table} {rows}");
        connection.execute(AssertSqlSafe(text)).await?;
        Ok(())
    }

    async fn drop(&self, connection: &mut Connection) -> Result<(), Failure> {
        let (first, last) = self.ids();
        let of_default = self.not_there().map(|table| {
            let key = key(table);
            format!("DELETE FROM {table}_default WHERE {key} BETWEEN {first} AND {last};")
        });
        let (partitions, of_default) = (list(self.partitions()), of_default.collect::<String>());
        let text = format!("DROP TABLE {partitions}; {of_default} RELEASE SAVEPOINT day");
        connection.execute(AssertSqlSafe(text)).await?;
        Ok(())
    }
}
