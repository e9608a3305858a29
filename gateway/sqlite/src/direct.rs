//! The writer's connection without sqlx's thread in between: the hot statements run where the writer runs.
//!
//! A call by way of sqlx goes to a thread of its own and back, which costs more than most statements; with thousands of rows a second that is most of the time. So the
//! groups go through the same SQLite connection directly, one prepared statement a row, and everything else goes through sqlx as before.

use crate::fault::Failure;
use rusqlite::{CachedStatement, Connection, Params};
use sqlx::SqliteConnection;

/// Prepared statements that are kept: more than there are.
const STATEMENTS: usize = 64;

/// The same connection as sqlx's, for whoever may wait where they are.
pub(crate) struct Direct {
    connection: Connection,
}

impl Direct {
    /// A second handle on `connection`, which must have been opened serialized, and must be closed after this is dropped.
    pub(crate) async fn of(connection: &mut SqliteConnection) -> Result<Self, Failure> {
        let mut locked = connection.lock_handle().await?;
        let handle = locked.as_raw_handle().as_ptr();
        // SAFETY: the pointer is of an open connection. It stays open longer than this value: both are kept in the writer's desk, which drops this one first, and closing
        // the connection consumes the desk. It was opened serialized, so that SQLite itself keeps calls of sqlx's thread and of this one apart.
        let connection = unsafe { Connection::from_handle(handle) }?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self { connection })
    }

    /// A prepared statement, kept for the next time.
    pub(crate) fn statement(&self, text: &'static str) -> Result<CachedStatement<'_>, Failure> {
        Ok(self.connection.prepare_cached(text)?)
    }

    /// Runs a statement once; tells how many rows it changed.
    pub(crate) fn execute(&self, text: &'static str, values: impl Params) -> Result<usize, Failure> {
        Ok(self.statement(text)?.execute(values)?)
    }

    /// Begins the transaction that writes.
    pub(crate) fn begin(&self) -> Result<(), Failure> {
        self.execute("BEGIN IMMEDIATE", ()).map(drop)
    }

    /// Commits, which returns once the disk has it.
    pub(crate) fn commit(&self) -> Result<(), Failure> {
        self.execute("COMMIT", ()).map(drop)
    }

    /// Undoes the present transaction, if there is one: an error may have ended it already.
    pub(crate) fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK", ())
        {
            tracing::debug!(?error, "a transaction was not rolled back");
        }
    }
}
