//! Moving an installation from SQLite to PostgreSQL: copied table by table, then read from both and compared. Whatever ends it, it goes on where it ended.

use super::ServeError;
use super::keyring;
use super::open::{failed, policy, postgres_config, url};
use crate::chance;
use crate::config::{Config, Database};
use hookwright_postgres::{Arrival, PostgresConfig, PostgresTarget};
use hookwright_sqlite::{SqliteConfig, SqliteSource};
use hookwright_store::StoreError;
use hookwright_store::transfer::{Cell, Row, Sum, TABLES, Table, Tally};
use std::path::Path;
use std::sync::Arc;

/// What is done with a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Its records are copied.
    Copying,
    /// Its records are read from both and compared.
    Comparing,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub doing: Doing,
    /// With which table.
    pub table: &'static str,
    /// Records of all tables that are done.
    pub done: u64,
    /// Records of all tables.
    pub all: u64,
    /// Whether this table is done.
    pub is_last: bool,
}

/// What was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Records of all tables.
    pub records: u64,
    /// Whether an earlier run had moved them already.
    pub already: bool,
}

/// Whoever hears how far it is.
type Hearer<'a> = &'a mut (dyn FnMut(Step) + Send);

/// Copies the records of `from`, which is on SQLite, into `to`, which is on PostgreSQL and empty, and compares them. Both are sealed under the keys of `from`.
pub async fn move_store(from: &Config, to: &Config, hear: Hearer<'_>) -> Result<Moved, ServeError> {
    let (Database::Sqlite(file), Database::Postgres(address)) = (&from.database, &to.database) else {
        return Err(ServeError::Direction);
    };
    // A database that is not there must not get a key on the way to that being told.
    if !file.exists() {
        let missing = StoreError::Unsuitable("there is no such database".to_owned());
        return Err(failed(&from.database, missing));
    }
    let keys = || Ok::<_, ServeError>(keyring::obtain(&from.keys, &from.database)?.keyring);
    let of_source = |source| failed(&from.database, source);
    let of_target = |source| failed(&to.database, source);
    let mut source = open_source(from, file, keys()?).await.map_err(of_source)?;
    let mut counts = Vec::with_capacity(TABLES.len());
    for table in &TABLES {
        counts.push(source.count(table).await.map_err(of_source)?);
    }
    let records = counts.iter().sum();
    let config = postgres_config(to, PostgresConfig::new(url(address)?, keys()?));
    let opened = Box::pin(PostgresTarget::open(config, Arc::new(chance::fill), source.identity())).await;
    let mut target = match opened.map_err(of_target)? {
        Arrival::Complete => return Ok(Moved { records, already: true }),
        Arrival::Open(target) => target,
    };
    let mut removal = Removal { source: &mut source, target: &mut target, from, to, all: records, hear };
    removal.copy().await?;
    removal.compare().await?;
    target.complete().await.map_err(of_target)?;
    source.close().await.map_err(of_source)?;
    Ok(Moved { records, already: false })
}

async fn open_source(
    config: &Config,
    file: &Path,
    keyring: hookwright_core::seal::Keyring,
) -> Result<SqliteSource, StoreError> {
    let sqlite_config = SqliteConfig { policy: policy(config), ..SqliteConfig::new(file, keyring) };
    SqliteSource::open(sqlite_config, Arc::new(chance::fill)).await
}

struct Removal<'a> {
    source: &'a mut SqliteSource,
    target: &'a mut PostgresTarget,
    from: &'a Config,
    to: &'a Config,
    all: u64,
    hear: Hearer<'a>,
}

impl Removal<'_> {
    async fn copy(&mut self) -> Result<(), ServeError> {
        let (from, to) = (&self.from.database, &self.to.database);
        let mut done = 0;
        for table in &TABLES {
            let mut after = self.target.last(table).await.map_err(|source| failed(to, source))?;
            // What an earlier run has brought over.
            done += match after {
                Some(_) => self.target.count(table).await.map_err(|source| failed(to, source))?,
                None => 0,
            };
            if let Some(days) = self.days(table).await? {
                self.target.make_room(table, days).await.map_err(|source| failed(to, source))?;
            }
            loop {
                let rows = self.source.page(table, after.as_deref()).await.map_err(|source| failed(from, source))?;
                let Some(key) = last_key(table, &rows) else { break };
                self.target.put(table, &rows).await.map_err(|source| failed(to, source))?;
                after = Some(key);
                done += rows.len() as u64;
                self.tell(Doing::Copying, table, done, false);
            }
            self.tell(Doing::Copying, table, done, true);
        }
        Ok(())
    }

    /// The first and the last key of a table whose keys begin with an id.
    async fn days(&mut self, table: &Table) -> Result<Option<(i64, i64)>, ServeError> {
        if !PostgresTarget::is_daily(table) {
            return Ok(None);
        }
        self.source.range(table).await.map_err(|source| failed(&self.from.database, source))
    }

    async fn compare(&mut self) -> Result<(), ServeError> {
        let mut done = 0;
        for table in &TABLES {
            let here = self.sum_of_source(table).await.map_err(|source| failed(&self.from.database, source))?;
            let there = self.sum_of_target(table, done).await.map_err(|source| failed(&self.to.database, source))?;
            if here != there {
                return Err(ServeError::Differs { table: table.name, here: shown(&here), there: shown(&there) });
            }
            done += there.rows;
            self.tell(Doing::Comparing, table, done, true);
        }
        Ok(())
    }

    async fn sum_of_source(&mut self, table: &Table) -> Result<Sum, StoreError> {
        let (mut tally, mut after) = (Tally::default(), None::<Vec<Cell>>);
        loop {
            let rows = self.source.page(table, after.as_deref()).await?;
            tally.add_all(&rows);
            after = last_key(table, &rows);
            if after.is_none() {
                return Ok(tally.sum());
            }
        }
    }

    async fn sum_of_target(&mut self, table: &'static Table, mut done: u64) -> Result<Sum, StoreError> {
        let (mut tally, mut after) = (Tally::default(), None::<Vec<Cell>>);
        loop {
            let rows = self.target.page(table, after.as_deref()).await?;
            tally.add_all(&rows);
            done += rows.len() as u64;
            after = last_key(table, &rows);
            if after.is_none() {
                return Ok(tally.sum());
            }
            self.tell(Doing::Comparing, table, done, false);
        }
    }

    fn tell(&mut self, doing: Doing, table: &Table, done: u64, is_last: bool) {
        (self.hear)(Step { doing, table: table.name, done, all: self.all, is_last });
    }
}

fn last_key(table: &Table, rows: &[Row]) -> Option<Vec<Cell>> {
    rows.last().map(|row| table.key_of(row).to_vec())
}

fn shown(sum: &Sum) -> String {
    format!("{} records with the checksum {}", sum.rows, hex::encode(&sum.sha256[..8]))
}
