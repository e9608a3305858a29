//! The names by which queries that do not depend on the database call it.

pub(crate) type Database = sqlx::Sqlite;
pub(crate) type Pool = sqlx::SqlitePool;
pub(crate) type Connection = sqlx::SqliteConnection;
pub(crate) type Transaction<'a> = sqlx::SqliteTransaction<'a>;
