//! Hookwright's storage on embedded SQLite: one file, one process, everything acknowledged is synced.
//!
//! One writer, on a thread of its own, owns the one connection that writes. It takes what is queued, commits it as a group in one transaction, and answers all of
//! them; while the disk syncs, the next group gathers. Readers have connections of their own, and the write-ahead log keeps the two apart. Changes by operators run
//! between the groups, each in its own transaction.
//!
//! The hot statements in `statement.rs` run directly on the writer's connection, a prepared statement a row. All other queries go through sqlx and are
//! checked against the schema when this crate is compiled; `sqlx-data/sqlite` holds the migrations and what the compiler needs without a database.

mod batch;
mod command;
mod config;
mod database;
mod desk;
mod direct;
mod facts;
mod fault;
mod finish;
mod health;
mod intake;
mod lock;
mod open;
mod orphan;
mod outbox;
mod planned;
mod pragma;
mod probe;
mod prune;
mod statement;
mod store;
mod suitability;
mod tenure;
mod transfer;
mod writer;

// Said once for both databases.
#[path = "../../sql/catalog.rs"]
mod catalog;
#[path = "../../sql/chain.rs"]
mod chain;
#[path = "../../sql/corrupt.rs"]
mod corrupt;
#[path = "../../sql/directory.rs"]
mod directory;
#[path = "../../sql/exchange.rs"]
mod exchange;
#[path = "../../sql/handover.rs"]
mod handover;
#[path = "../../sql/journal.rs"]
mod journal;
#[path = "../../sql/load.rs"]
mod load;
#[path = "../../sql/parcel.rs"]
mod parcel;
#[path = "../../sql/queue.rs"]
mod queue;
#[path = "../../sql/record.rs"]
mod record;
#[path = "../../sql/sealer.rs"]
mod sealer;
#[path = "../../sql/suitable.rs"]
mod suitable;
#[path = "../../sql/sweep.rs"]
mod sweep;

pub use config::{Durability, SqliteConfig};
pub use open::migrate;
pub use queue::QueueBounds;
pub use sealer::Entropy;
pub use store::SqliteStore;
pub use suitability::{SQLITE_VERSION_MIN, check_version};
pub use transfer::SqliteSource;
