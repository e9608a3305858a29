//! Reading everything out of a file, row by row, for a store of another kind.

use crate::config::SqliteConfig;
use crate::fault::Failure;
use crate::lock::FileLock;
use crate::open::prepare;
use crate::sealer::Entropy;
use futures_util::TryStreamExt;
use hookwright_store::StoreError;
use hookwright_store::transfer::{Cell, Kind, PAGE_BYTES_MAX, Row, Table};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};

/// A file that is read from its beginning to its end. Nobody else uses it meanwhile, and nothing is changed but that its schema is brought up to date.
pub struct SqliteSource {
    connection: SqliteConnection,
    identity: Vec<u8>,
    _lock: FileLock,
}

impl SqliteSource {
    /// Opens a file that is there. [`StoreError::Unsuitable`] says why it cannot be read, for example that a gateway runs on it.
    pub async fn open(config: SqliteConfig, entropy: Entropy) -> Result<Self, StoreError> {
        if !config.path.exists() {
            return Err(StoreError::Unsuitable(format!("there is no database {}", config.path.display())));
        }
        let (mut connection, lock, _) = prepare(config, entropy).await?.into_parts();
        // Sealed once with a nonce of its own, it is like no other's.
        let identity = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'key_check'");
        let identity = identity.fetch_one(&mut connection).await.map_err(Failure::from)?;
        Ok(Self { connection, identity, _lock: lock })
    }

    /// What no other file has.
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// How many rows of a table move.
    pub async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(table.count_sql()))
            .fetch_one(&mut self.connection)
            .await
            .map_err(Failure::from)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The least and the greatest first number of a table's keys.
    pub async fn range(&mut self, table: &Table) -> Result<Option<(i64, i64)>, StoreError> {
        let (column, _) = table.columns[0];
        let text = format!("SELECT min({column}), max({column}) FROM {}", table.name);
        let (least, greatest): (Option<i64>, Option<i64>) =
            sqlx::query_as(AssertSqlSafe(text)).fetch_one(&mut self.connection).await.map_err(Failure::from)?;
        Ok(least.zip(greatest))
    }

    /// The rows that follow a key, or the first ones; none at the end.
    pub async fn page(&mut self, table: &Table, after: Option<&[Cell]>) -> Result<Vec<Row>, StoreError> {
        let mut query = sqlx::query(AssertSqlSafe(table.page_sql(after.is_none(), "")));
        for cell in after.unwrap_or_default() {
            query = match cell {
                Cell::Null => query.bind(None::<i64>),
                Cell::Number(number) => query.bind(*number),
                Cell::Text(text) => query.bind(text.clone()),
                Cell::Bytes(bytes) => query.bind(bytes.clone()),
            };
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let mut found = query.fetch(&mut self.connection);
        while bytes < PAGE_BYTES_MAX
            && let Some(row) = found.try_next().await.map_err(Failure::from)?
        {
            let row = read(&row, table)?;
            bytes += row.iter().map(Cell::bytes).sum::<usize>();
            rows.push(row);
        }
        Ok(rows)
    }

    /// Lets go of the file.
    pub async fn close(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await.map_err(Failure::from)?)
    }
}

fn read(row: &SqliteRow, table: &Table) -> Result<Row, Failure> {
    let cell = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Number => row.try_get::<Option<i64>, _>(at)?.map(Cell::Number),
            Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Cell::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Cell::Bytes),
        }
        .unwrap_or(Cell::Null))
    };
    table.columns.iter().enumerate().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::seal::Keyring;
    use hookwright_store::transfer::TABLES;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    async fn source(directory: &std::path::Path) -> SqliteSource {
        let path = directory.join("h.db");
        let config = || SqliteConfig::new(&path, Keyring::from_keys(&[1; 32], &[]));
        let entropy: Entropy = Arc::new(|bytes: &mut [u8]| bytes.fill(7));
        crate::migrate(config(), Arc::clone(&entropy)).await.unwrap();
        SqliteSource::open(config(), entropy).await.unwrap()
    }

    #[tokio::test]
    async fn every_column_of_every_table_moves() {
        let directory = tempfile::tempdir().unwrap();
        let mut source = source(directory.path()).await;
        let found: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT t.name, c.name, c.type FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        )
        .fetch_all(&mut source.connection)
        .await
        .unwrap();
        let found: BTreeSet<(String, String, Kind)> = found
            .into_iter()
            .map(|(table, column, kind)| {
                let kind = match kind.as_str() {
                    "INTEGER" => Kind::Number,
                    "TEXT" => Kind::Text,
                    _ => Kind::Bytes,
                };
                (table, column, kind)
            })
            .collect();
        let moves = |table: &Table| {
            let name = table.name.to_owned();
            table.columns.iter().map(move |(column, kind)| (name.clone(), (*column).to_owned(), *kind))
        };
        assert_eq!(TABLES.iter().flat_map(moves).collect::<BTreeSet<_>>(), found);
    }

    #[tokio::test]
    async fn pages_end_where_they_are_large_and_go_on_after_their_last_row() {
        let directory = tempfile::tempdir().unwrap();
        let mut source = source(directory.path()).await;
        sqlx::raw_sql(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500)
             INSERT INTO dedupe SELECT n / 100, CAST(n AS BLOB), n FROM n;
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 7)
             INSERT INTO component SELECT 'd' || n, zeroblob(2000000) FROM n",
        )
        .execute(&mut source.connection)
        .await
        .unwrap();
        for (name, sizes) in [("dedupe", vec![1_000, 1_000, 500]), ("component", vec![3, 3, 1]), ("event", vec![])] {
            let table = TABLES.iter().find(|table| table.name == name).unwrap();
            let (mut found, mut after, mut keys) = (Vec::new(), None::<Vec<Cell>>, BTreeSet::new());
            loop {
                let rows = source.page(table, after.as_deref()).await.unwrap();
                let Some(last) = rows.last() else { break };
                after = Some(table.key_of(last).to_vec());
                found.push(rows.len());
                keys.extend(rows.iter().map(|row| format!("{:?}", table.key_of(row))));
            }
            assert_eq!(found, sizes, "{name}");
            assert_eq!((keys.len(), source.count(table).await.unwrap()), (sizes.iter().sum(), keys.len() as u64));
        }
        source.close().await.unwrap();
    }
}
