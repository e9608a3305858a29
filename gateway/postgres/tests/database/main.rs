//! What is true of PostgreSQL's store alone: its partitions, its plans, its migrations. What every store promises is in the contract suite.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking, in what its cases share as well")]

mod costs;
mod days;
mod migration;
mod partitions;
mod place;
mod plans;
