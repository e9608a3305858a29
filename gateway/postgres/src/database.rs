//! The names by which queries that do not depend on the database call it.

pub(crate) use crate::connection::bounded;

pub(crate) type Database = sqlx::Postgres;
pub(crate) type Pool = sqlx::PgPool;
pub(crate) type Connection = sqlx::PgConnection;
pub(crate) type Transaction<'a> = sqlx::PgTransaction<'a>;

/// Begins a transaction whose statements all see the same state.
pub(crate) async fn begin_snapshot(pool: &Pool) -> Result<Transaction<'static>, sqlx::Error> {
    pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
}
