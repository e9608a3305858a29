//! How connections are set up, a sentence for each choice.

use crate::config::Durability;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

/// Marks the file as ours: "Hook".
pub(crate) const APPLICATION_ID: i32 = 0x486f_6f6b;

/// What all connections share.
fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        // A schema that somebody else wrote into the file cannot call functions.
        .pragma("trusted_schema", "OFF")
        // A damaged page shows itself when it is read, and not as wrong rows.
        .pragma("cell_size_check", "ON")
        // The texts are static, yet their plans and errors belong in no log of a running gateway.
        .disable_statement_logging()
}

/// The connection that writes.
pub(crate) fn writer(path: &Path, durability: Durability) -> SqliteConnectOptions {
    let synchronous = match durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    common(path)
        .create_if_missing(true)
        // It is used from two threads, if never by both at once: see `direct.rs`.
        .serialized(true)
        // Larger pages hold an event and its data in one; measured 7 % faster than 4 KiB.
        .page_size(8192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .pragma("application_id", APPLICATION_ID.to_string())
        // The writer checkpoints by itself; a longer log was measured to stall it for longer and to gain nothing.
        .pragma("wal_autocheckpoint", "1000")
        .pragma("journal_size_limit", "67108864")
        .pragma("cache_size", "-65536")
        // What a statement sets aside stays out of files: opening and removing one took longer than the statement.
        .pragma("temp_store", "MEMORY")
        // Deleted content is overwritten where that costs no further write.
        .pragma("secure_delete", "FAST")
        .thread_name(|_| "hookwright-writer".to_owned())
}

/// A connection that reads.
pub(crate) fn reader(path: &Path) -> SqliteConnectOptions {
    common(path)
        .create_if_missing(false)
        .pragma("query_only", "ON")
        .pragma("cache_size", "-8192")
        .thread_name(|id| format!("hookwright-reader-{id}"))
}

/// A connection that looks at the file before anything is decided, and cannot change it.
pub(crate) fn visitor(path: &Path) -> SqliteConnectOptions {
    common(path).create_if_missing(false).read_only(true)
}
