//! PostgreSQL for tests: a server of their own in a temporary directory, on a free port, that ends with them.
//!
//! Everything blocks, for as long as a process takes to start or end. What fails here fails the test: it panics, and says what
//! the server said.

#![expect(clippy::missing_panics_doc, reason = "said above, of everything here")]

mod account;
mod binaries;
mod cluster;
mod port;
mod settings;
mod watchdog;

#[cfg(test)]
mod tests;

pub use binaries::Binaries;
pub use cluster::{Cluster, Mode};
pub use port::free as free_port;
pub use settings::{Auth, Settings, Tls};
