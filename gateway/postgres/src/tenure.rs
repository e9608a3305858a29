//! What of the common work is this node's.

use crate::connection::bounded;
use crate::handover::Handover;
use crate::outbox;
use crate::store::PostgresStore;
use hookwright_core::id::SubscriptionId;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Answering, Permit, Tenure, Told, Waiting};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Handover {
    /// Something was committed that was not handed over: the table is to be looked at.
    pub(crate) fn miss(&self) {
        self.lock().fresh.missed = true;
        self.filled.notify_one();
    }

    /// What the dispatcher serves has changed.
    pub(crate) fn turn(&self) {
        self.lock().turned = true;
        self.filled.notify_one();
    }

    /// This node's lease ended: what is under way is to be cut short.
    pub(crate) fn revoke(&self) {
        self.lock().fresh.revoked = true;
        self.filled.notify_one();
    }
}

impl Tenure for PostgresStore {
    fn served(&self) -> Arc<Vec<Arc<Subscription>>> {
        self.shared.roster.served.load_full()
    }

    fn permit(&self, subscription: SubscriptionId) -> Option<Permit> {
        self.shared.shards.permit(subscription)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn leads(&self) -> bool {
        self.shared.leads.load(Ordering::SeqCst) && self.shared.shards.is_held()
    }

    fn changed(&self) -> Waiting<'_, ()> {
        Box::pin(self.shared.changed.notified())
    }

    fn retire(&self) {
        self.shared.is_retiring.store(true, Ordering::SeqCst);
        self.shared.notifier.hear_nodes();
    }

    fn tell_parked(&self, subscription: SubscriptionId, until: Option<i64>) -> Answering<'_, ()> {
        self.alone(move |desk| Box::pin(outbox::parked::tell(desk, subscription, until)))
    }

    fn told(&self, subscription: SubscriptionId) -> Answering<'_, Told> {
        bounded(outbox::parked::told(&self.shared.reads, subscription))
    }
}
