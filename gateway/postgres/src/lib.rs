//! Hookwright's storage on PostgreSQL: one database, any number of nodes, everything acknowledged is synced.
//!
//! Writers take what is queued, plan it by the same rules as every store, and commit it as a group: a handful of statements with arrays for any number of rows. Each
//! subscription belongs to one of 1,024 shards and each shard to one node at a time, by a lease; the owner reads what is pending by keyset and claims nothing. What a
//! commit creates for another owner is left for it in a table, in the same transaction; notifications only say that it is worth looking.
//!
//! All queries are checked against the schema when this crate is compiled; `sqlx-data/postgres` holds the migrations and what the compiler needs without a database.

mod audit;
mod batch;
mod collector;
mod config;
mod connection;
mod database;
mod desk;
mod facts;
mod fault;
mod finish;
mod intake;
mod keeper;
mod node;
mod notifier;
mod open;
mod orphan;
mod outbox;
mod partition;
mod place;
mod planned;
mod probe;
mod process;
mod prune;
mod refusal;
mod roster;
mod shards;
mod store;
mod suitability;
mod tenure;
mod transfer;
mod upgrade;
mod writer;

// Said once for both databases.
#[path = "../../sql/catalog.rs"]
mod catalog;
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

pub use config::PostgresConfig;
pub use open::migrate;
pub use queue::QueueBounds;
pub use sealer::Entropy;
pub use store::PostgresStore;
pub use transfer::{Arrival, PostgresTarget};
