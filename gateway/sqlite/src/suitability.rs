//! Whether this program, these keys and this file belong together; asked before anything is written.

use crate::fault::{CANTOPEN, Failure, NOTADB, READONLY, code};
use crate::pragma::{APPLICATION_ID, visitor};
use crate::sealer::Sealer;
use crate::suitable::{check_keys, check_schema};
use hookwright_store::StoreError;
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;

/// The oldest SQLite this store runs on: the first without the corruption of the write-ahead log's reset (<https://sqlite.org/wal.html>).
pub const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// The schema, step by step.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!();

/// Whether a version such as `3.51.3` is new enough; the error says what is needed.
pub fn check_version(version: &str) -> Result<(), StoreError> {
    let (major, minor, patch) = SQLITE_VERSION_MIN;
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    Err(StoreError::Unsuitable(format!(
        "SQLite {version} is linked in, and {major}.{minor}.{patch} or newer is needed: older ones can corrupt the write-ahead log"
    )))
}

/// Looks at the file without a way to change it. Where there is none yet, all is well.
pub(crate) async fn visit(path: &Path, sealer: &Sealer) -> Result<(), StoreError> {
    let is_there = std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
    if !is_there {
        return Ok(());
    }
    let mut connection = match visitor(path).connect().await {
        Ok(connection) => connection,
        Err(error) if needs_recovery(&error) => return Ok(()),
        Err(error) => return Err(not_a_database(error, path).into()),
    };
    let result = examine(&mut connection, path, sealer).await;
    connection.close().await.map_err(Failure::from)?;
    match result {
        Err(Failure::Database(error)) if needs_recovery(&error) => Ok(()),
        other => Ok(other?),
    }
}

/// A crash can leave a file that only a writer may bring in order; it is examined again once the writer has.
fn needs_recovery(error: &sqlx::Error) -> bool {
    matches!(code(error).map(|code| code & 0xff), Some(READONLY | CANTOPEN))
}

/// Examines version, owner, schema and keys.
pub(crate) async fn examine(connection: &mut SqliteConnection, path: &Path, sealer: &Sealer) -> Result<(), Failure> {
    // The first statement of all reads the file's head, and is the one to notice that it is none.
    let version = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut *connection).await;
    let version: String = version.map_err(|error| not_a_database(error, path))?;
    check_version(&version)?;
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(());
    }
    let owner: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    if owner != APPLICATION_ID {
        return Err(unsuitable(format!("{} is a database of another program", path.display())));
    }
    examine_schema(&mut *connection, path).await?;
    examine_keys(connection, path, sealer).await
}

async fn examine_schema(connection: &mut SqliteConnection, path: &Path) -> Result<(), Failure> {
    if !has_table(&mut *connection, "_sqlx_migrations").await? {
        return Ok(());
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut *connection).await?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max();
    Ok(check_schema(&path.display().to_string(), newest, known)?)
}

async fn examine_keys(connection: &mut SqliteConnection, path: &Path, sealer: &Sealer) -> Result<(), Failure> {
    if !has_table(&mut *connection, "meta").await? {
        return Ok(());
    }
    let record: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT value FROM meta WHERE name = 'key_check'").fetch_optional(&mut *connection).await?;
    let Some(record) = record else { return Ok(()) };
    Ok(check_keys(&path.display().to_string(), sealer, &record)?)
}

async fn has_table(connection: &mut SqliteConnection, name: &str) -> Result<bool, sqlx::Error> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1")
        .bind(name.to_owned())
        .fetch_one(connection)
        .await?;
    Ok(count > 0)
}

fn unsuitable(why: String) -> Failure {
    Failure::Store(StoreError::Unsuitable(why))
}

/// Tells a file of another kind from other failures.
pub(crate) fn not_a_database(error: sqlx::Error, path: &Path) -> Failure {
    match code(&error) {
        Some(NOTADB) => unsuitable(format!("{} is no SQLite database", path.display())),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_are_refused_by_name() {
        for version in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
            assert!(check_version(version).is_ok(), "{version}");
        }
        for version in ["3.51.2", "3.50.9", "3.7.0", "2.99.99", "", "x"] {
            let error = check_version(version).unwrap_err().to_string();
            assert!(error.contains("3.51.3 or newer"), "{error}");
        }
    }
}
