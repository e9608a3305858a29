//! What PostgreSQL's errors mean to whoever called.

use hookwright_store::StoreError;

/// What an error says about the database as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gravity {
    /// This command only; another may well succeed.
    Command,
    /// Others were in the way; the same again may well succeed.
    Clash,
    /// Nothing can be done for the moment: the database is away, restarts, or has no resources.
    Moment,
    /// There is no room or no right to write now; that can change while the process runs.
    NoRoom,
}

/// Why something did not happen: PostgreSQL said so, or a record or a rule did.
#[derive(Debug)]
pub(crate) enum Failure {
    /// PostgreSQL or the way to it.
    Database(sqlx::Error),
    /// A record or a rule did; the database itself is well.
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

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        judge(failure).0
    }
}

/// The error for the caller, and what it says about the database.
pub(crate) fn judge(failure: Failure) -> (StoreError, Gravity) {
    let error = match failure {
        Failure::Store(error) => return (error, Gravity::Command),
        Failure::Database(error) => error,
    };
    let gravity = gravity(&error);
    let error = match gravity {
        Gravity::NoRoom => StoreError::NotWritable(error.to_string()),
        _ => StoreError::Unavailable(Box::new(error)),
    };
    (error, gravity)
}

/// What an error says about the database as a whole, by its code (PostgreSQL, Appendix A).
pub(crate) fn gravity(error: &sqlx::Error) -> Gravity {
    let Some(code) = code(error) else {
        return match error {
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => Gravity::Command,
            _ => Gravity::Moment,
        };
    };
    match code.as_str() {
        // Disk full; read-only transaction, which a server that became a standby says, too.
        "53100" | "25006" => Gravity::NoRoom,
        // Serialization failure, deadlock, lock not available; and a row whose day was given a partition of its own in that moment.
        "40001" | "40P01" | "55P03" | "23514" => Gravity::Clash,
        // Data, integrity, privileges of a statement, syntax, limits of a statement.
        code if ["22", "23", "42", "54", "0A", "P0"].iter().any(|class| code.starts_with(class)) => Gravity::Command,
        _ => Gravity::Moment,
    }
}

/// The code that PostgreSQL gave, if it was PostgreSQL.
pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
