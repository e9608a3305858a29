//! One process has the file to itself: everything is its own.

use crate::store::SqliteStore;
use hookwright_core::id::SubscriptionId;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Permit, Tenure, Waiting};
use std::sync::Arc;

impl Tenure for SqliteStore {
    fn served(&self) -> Arc<Vec<Arc<Subscription>>> {
        self.shared.directory.subscriptions.load_full()
    }

    fn permit(&self, _subscription: SubscriptionId) -> Option<Permit> {
        Some(Permit::free())
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn leads(&self) -> bool {
        true
    }

    fn changed(&self) -> Waiting<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn retire(&self) {}
}
