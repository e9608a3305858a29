//! What SQLite's errors mean to whoever called.

use hookwright_store::StoreError;

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
    /// A record or a rule did; the store itself is well.
    Store(StoreError),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
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
    let error = match failure {
        Failure::Store(error) => return (error, Gravity::Command),
        Failure::Database(error) => error,
    };
    let text = || error.to_string();
    let gravity = match (code(&error).map(|code| code & 0xff), &error) {
        (Some(FULL | READONLY | CANTOPEN), _) => return (StoreError::NotWritable(text()), Gravity::NoRoom),
        (Some(IOERR | CORRUPT | NOTADB), _) | (None, sqlx::Error::WorkerCrashed) => {
            return (StoreError::NotWritable(text()), Gravity::Disk);
        }
        // What sqlx says by itself is of a row or an argument.
        (Some(ERROR | TOOBIG | CONSTRAINT | MISMATCH | RANGE) | None, _) => Gravity::Command,
        (Some(_), _) => Gravity::Moment,
    };
    (StoreError::Unavailable(Box::new(error)), gravity)
}

/// The same error for one more caller.
pub(crate) fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::NotWritable(why) => StoreError::NotWritable(why.clone()),
        StoreError::Sealed { table, source } => StoreError::Sealed { table, source: *source },
        StoreError::Corrupt { table, column, row } => StoreError::Corrupt { table, column, row: row.clone() },
        StoreError::Busy => StoreError::Busy,
        StoreError::Closed => StoreError::Closed,
        other => StoreError::Unavailable(other.to_string().into()),
    }
}

/// SQLite's extended result code.
pub(crate) fn code(error: &sqlx::Error) -> Option<i64> {
    error.as_database_error()?.code()?.parse().ok()
}
