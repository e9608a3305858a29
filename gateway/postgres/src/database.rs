//! The names by which queries that do not depend on the database call it.

pub(crate) type Database = sqlx::Postgres;
pub(crate) type Pool = sqlx::PgPool;
pub(crate) type Connection = sqlx::PgConnection;
pub(crate) type Transaction<'a> = sqlx::PgTransaction<'a>;
