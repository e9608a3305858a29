//! What a store brings to the suite.

use crate::{Answering, Ids, Store, Waiting};
use hookwright_core::intake::Policy;
use std::sync::Arc;

/// Opens one store, again and again over the same data. A new factory has no data.
pub trait Factory: Send + Sync {
    /// Opens the store; it tells `ids` where it left off.
    fn open(&self, ids: Ids, policy: Policy) -> Answering<'_, Arc<dyn Store>>;

    /// Closes what was opened last, and returns when nothing of it runs any more.
    fn close(&self) -> Waiting<'_, ()>;
}
