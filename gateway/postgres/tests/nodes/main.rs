//! Several nodes on one database: who owns what, what each hears of the others, and what happens when one is gone.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking, in what its cases share as well")]

mod catalogue;
mod circle;
mod sharing;
mod takeover;
