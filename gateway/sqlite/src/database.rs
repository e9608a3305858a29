//! The names by which queries that do not depend on the database call it.

use hookwright_store::{Answering, StoreError};

pub(crate) type Database = sqlx::Sqlite;
pub(crate) type Pool = sqlx::SqlitePool;
pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) type Transaction<'a> = sqlx::SqliteTransaction<'a>;

/// Begins a transaction whose statements all see the same state.
pub(crate) async fn begin_snapshot(pool: &Pool) -> Result<Transaction<'static>, sqlx::Error> {
    pool.begin().await
}

/// A reader's answer; the file is on this machine, and says itself when it gives up.
pub(crate) fn bounded<'a, T: Send + 'a>(
    reading: impl Future<Output = Result<T, StoreError>> + Send + 'a,
) -> Answering<'a, T> {
    Box::pin(reading)
}
