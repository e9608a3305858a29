//! What of the common work is this node's.

use crate::store::PostgresStore;
use hookwright_core::id::SubscriptionId;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Permit, Tenure, Waiting};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Tenure for PostgresStore {
    fn served(&self) -> Arc<Vec<Arc<Subscription>>> {
        self.shared.roster.served.load_full()
    }

    fn permit(&self, subscription: SubscriptionId) -> Option<Permit> {
        self.shared.shards.permit(subscription)
    }

    fn leads(&self) -> bool {
        self.shared.leads.load(Ordering::SeqCst) && self.shared.shards.is_held()
    }

    fn changed(&self) -> Waiting<'_, ()> {
        Box::pin(self.shared.changed.notified())
    }
}
