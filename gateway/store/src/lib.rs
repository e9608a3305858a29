//! Hookwright's storage ports: what the rest of the gateway may ask of storage.
//!
//! The ports are split by who asks: [`Intake`] by the way in, [`Outbox`] by the dispatcher, [`Catalog`] by administration and look-ups, [`Journal`] by readers and the
//! audit, [`Retention`] by what tidies up, [`Tenure`] by whoever shares the work with other nodes. One method is one transaction, durable when it returns; a store may commit several callers' transactions as one group. Events, bodies, answers and secrets are
//! sealed by the store on their way in and opened on their way out.
//!
//! Every store passes the same suite, in [`contract`] behind the feature of that name.

mod catalog;
mod change;
mod clock;
#[cfg(feature = "contract")]
pub mod contract;
mod error;
mod future;
mod ids;
mod intake;
mod journal;
mod outbox;
mod page;
mod retention;
mod steered;
mod tenure;
pub mod transfer;

pub use catalog::{Catalog, KeyRecord, KeyScope, PluginFile, PluginWrite, Saved};
pub use change::Change;
pub use clock::{Clock, ManualClock};
pub use error::StoreError;
pub use future::{Answering, Waiting};
pub use ids::Ids;
pub use intake::Intake;
pub use journal::{DeliveryFilter, EstablishmentFilter, EventFilter, EventRow, Journal, MessageFilter, MessageRow};
pub use outbox::{FailingSince, FareRecord, Finished, Fresh, Notice, Outbox, RetryAsked};
pub use page::{Page, PageRequest};
pub use retention::{AuditAnchor, Prune, Pruned, RecordKind, Retention, Stock};
pub use steered::SteeredClock;
pub use tenure::{Permit, Tenure, Told};

/// Everything a store can do, for whoever wires the gateway.
pub trait Store: Intake + Outbox + Catalog + Journal + Retention + Tenure {}

impl<T: Intake + Outbox + Catalog + Journal + Retention + Tenure> Store for T {}
