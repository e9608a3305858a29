//! One process has the file to itself: everything is its own.

use crate::store::SqliteStore;
use hookwright_core::subscription::Subscription;
use hookwright_store::Tenure;
use std::sync::Arc;

impl Tenure for SqliteStore {
    fn served(&self) -> Arc<Vec<Arc<Subscription>>> {
        self.shared.directory.subscriptions.load_full()
    }
}
