//! What is true of SQLite's store alone: its file, its keys, its lock, and what it does about damage. What every store promises is in the contract suite.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking, in what its cases share as well")]

mod busy;
mod corruption;
mod failing_disk;
mod former;
mod keys;
mod lock;
mod migration;
mod place;
mod plans;
mod pruning;
mod queue;
mod seals;
mod version;
