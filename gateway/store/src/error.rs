//! What can go wrong with a store.

use hookwright_core::seal::SealError;

/// Why a store did not do what it was asked. Nothing of it took place, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// More work is queued than the store takes; come again in a moment.
    #[error("the store's queue is full")]
    Busy,
    /// The store cannot be reached or refuses for now. Whether the transaction took place is not known if the connection broke during the commit.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk or database has no room, is read-only, or failed to sync.
    #[error("the store cannot write: {0}")]
    NotWritable(String),
    /// A record does not read as what it should be.
    #[error("corrupt record: table {table}, column {column}, row {row}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
    /// A record could not be opened with the keys at hand.
    #[error("a sealed record of table {table} cannot be opened")]
    Sealed {
        /// The table.
        table: &'static str,
        /// Why.
        #[source]
        source: SealError,
    },
    /// The record was changed since it was read: the version that was named is not its version.
    #[error("the record has changed meanwhile")]
    Stale,
    /// Something else already has this name.
    #[error("{what} is taken")]
    Taken {
        /// What is taken, e.g. `slug`.
        what: &'static str,
    },
    /// The store was written by a newer version of the program, or is no store of it.
    #[error("{0}")]
    Unsuitable(String),
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the same request may succeed if it is made again in a moment.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_) | Self::NotWritable(_))
    }

    /// The same error for one more caller.
    #[must_use]
    pub fn copied(&self) -> Self {
        match self {
            Self::NotWritable(why) => Self::NotWritable(why.clone()),
            Self::Sealed { table, source } => Self::Sealed { table, source: *source },
            Self::Corrupt { table, column, row } => Self::Corrupt { table, column, row: row.clone() },
            Self::Busy => Self::Busy,
            Self::Closed => Self::Closed,
            other => Self::Unavailable(other.to_string().into()),
        }
    }
}
