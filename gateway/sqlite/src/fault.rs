//! What SQLite's errors mean to whoever called.

use hookwright_store::StoreError;
use std::error::Error;

/// Primary result codes (<https://sqlite.org/rescode.html>); an extended code holds one in its lowest byte.
const ERROR: i64 = 1;
pub(crate) const READONLY: i64 = 8;
const IOERR: i64 = 10;
const CORRUPT: i64 = 11;
const FULL: i64 = 13;
pub(crate) const CANTOPEN: i64 = 14;
const TOOBIG: i64 = 18;
const CONSTRAINT: i64 = 19;
const MISMATCH: i64 = 20;
const RANGE: i64 = 25;
pub(crate) const NOTADB: i64 = 26;

/// What an error says about the store as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// This command only; another may well succeed.
    Command,
    /// Nothing can be written for the moment, such as while another process holds the database: to try each command by itself would only take longer.
    Moment,
    /// There is no room or no right to write now; that can change while the process runs.
    NoRoom,
    /// A read, write or sync failed. What the operating system's cache holds is unknown, so nothing is written before the store is opened again.
    Disk,
}

/// Why something did not happen: SQLite said so, or a record or a rule did.
#[derive(Debug)]
pub(crate) enum Failure {
    /// SQLite said so.
    Database(sqlx::Error),
    /// The same, to a statement of the writer's own.
    Direct(rusqlite::Error),
    /// A record or a rule did; the store itself is well.
    Store(StoreError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Direct(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// For readers: what a failure says of the disk concerns only the writer.
impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        judge(failure).0
    }
}

/// The error for the caller, and what it says about the store.
pub(crate) fn judge(failure: Failure) -> (StoreError, Gravity) {
    let (code, crashed, error): (_, _, Box<dyn Error + Send + Sync>) = match failure {
        Failure::Store(error) => return (error, Gravity::Command),
        Failure::Database(error) => (code(&error), matches!(error, sqlx::Error::WorkerCrashed), Box::new(error)),
        Failure::Direct(error) => {
            let code = error.sqlite_error().map(|error| i64::from(error.extended_code));
            (code, false, Box::new(error))
        }
    };
    let gravity = match code.map(|code| code & 0xff) {
        Some(FULL | READONLY | CANTOPEN) => return (StoreError::NotWritable(error.to_string()), Gravity::NoRoom),
        Some(IOERR | CORRUPT | NOTADB) => return (StoreError::NotWritable(error.to_string()), Gravity::Disk),
        None if crashed => return (StoreError::NotWritable(error.to_string()), Gravity::Disk),
        // What the libraries say by themselves is of a row or an argument.
        Some(ERROR | TOOBIG | CONSTRAINT | MISMATCH | RANGE) | None => Gravity::Command,
        Some(_) => Gravity::Moment,
    };
    (StoreError::Unavailable(error), gravity)
}

/// SQLite's extended result code.
pub(crate) fn code(error: &sqlx::Error) -> Option<i64> {
    error.as_database_error()?.code()?.parse().ok()
}
