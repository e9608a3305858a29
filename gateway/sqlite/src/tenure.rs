//! One process has the file to itself: everything is its own.

use crate::store::SqliteStore;
use hookwright_core::id::SubscriptionId;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Answering, Permit, Tenure, Told, Waiting};
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

    fn tell_parked(&self, _subscription: SubscriptionId, _until: Option<i64>) -> Answering<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn told(&self, _subscription: SubscriptionId) -> Answering<'_, Told> {
        Box::pin(std::future::ready(Ok(Told::default())))
    }
}
