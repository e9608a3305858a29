//! The way out: pending deliveries become signed requests, and what became of them goes back to the store.
//!
//! One task, the [`engine`], owns every subscription's queue and decides what goes next; each exchange runs in a task of its own, which asks nobody for a lock. Memory is
//! the lease and the table of pending deliveries is the truth: whatever is not in memory is found there again, after a crash as after an overflow.

use crate::plugins::Plugins;
use hookwright_core::delivery::Pending;
use hookwright_core::egress::Cidr;
use hookwright_core::id::SubscriptionId;
use hookwright_store::{Clock, Ids, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

use crate::config::DeliveryConfig;

/// What the dispatcher works with.
#[derive(Clone)]
pub struct DispatchParts {
    /// Where deliveries come from and where their outcome goes.
    pub store: Arc<dyn Store>,
    /// New ids, for attempts.
    pub ids: Ids,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the operator asked for.
    pub config: DeliveryConfig,
    /// Ranges that deliveries may reach although they are not public.
    pub egress_allow: Vec<Cidr>,
    /// The plugins that reshape deliveries.
    pub plugins: Arc<Plugins>,
}

/// A handle on the dispatcher.
#[derive(Clone, Debug)]
pub struct Dispatcher {}

impl Dispatcher {
    /// Starts delivering. The task ends after [`Dispatcher::drain`].
    pub fn start(_parts: DispatchParts) -> (Self, JoinHandle<()>) {
        (Self {}, tokio::spawn(async {}))
    }

    /// A subscription was created, changed, paused, resumed or deleted: what memory holds of it is looked at again.
    pub fn subscription_changed(&self, _id: SubscriptionId) {}

    /// A delivery that an operator wants tried now; it is pending again in the store.
    pub fn offer(&self, _pending: Pending) {}

    /// Starts nothing new, and waits for what is under way; what is not done by the deadline is given up, still pending in the store. Returns how many were given up.
    pub async fn drain(&self, _deadline: Duration) -> usize {
        0
    }
}
