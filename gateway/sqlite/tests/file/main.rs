//! What is true of SQLite's store alone: its file, its keys, its lock, and what it does about damage. What every store promises is in the contract suite.

mod corruption;
mod keys;
mod lock;
mod migration;
mod place;
mod plans;
mod queue;
mod seals;
mod version;
