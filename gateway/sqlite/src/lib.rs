//! Hookwright's storage on embedded SQLite: one file, one process, everything acknowledged is synced.
//!
//! One writer, on a thread of its own, owns the one connection that writes. It takes what is queued, commits it as a group in one transaction, and answers all of
//! them; while the disk syncs, the next group gathers. Readers have connections of their own, and the write-ahead log keeps the two apart. Changes by operators run
//! between the groups, each in its own transaction.
//!
//! The hot statements in `statement.rs` run directly on the writer's connection, a prepared statement a row. All other queries go through sqlx and are
//! checked against the schema when this crate is compiled; `sqlx-data/sqlite` holds the migrations and what the compiler needs without a database.

mod batch;
mod catalog;
mod chain;
mod config;
mod corrupt;
mod desk;
mod direct;
mod directory;
mod facts;
mod fault;
mod finish;
mod handover;
mod health;
mod intake;
mod journal;
mod lock;
mod open;
mod outbox;
mod parcel;
mod planned;
mod pragma;
mod prune;
mod queue;
mod sealer;
mod statement;
mod store;
mod suitability;
mod sweep;
mod writer;

pub use config::{Durability, Entropy, QueueBounds, SqliteConfig};
pub use open::migrate;
pub use store::SqliteStore;
pub use suitability::{SQLITE_VERSION_MIN, check_version};
