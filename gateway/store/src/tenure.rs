//! The port of sharing: what of the common work is this node's.
//!
//! A store that is alone owns everything always. Where many nodes share one store, each subscription's deliveries are one node's at a time, by a lease: what
//! is one owner's alone (rates, breakers, the order of deliveries) needs no more than its memory.

use crate::future::{Answering, Waiting};
use hookwright_core::id::SubscriptionId;
use hookwright_core::subscription::Subscription;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Leave to make one exchange. The store gives no subscription away to another node while one is held.
#[derive(Debug)]
pub struct Permit(Option<Arc<AtomicUsize>>);

impl Permit {
    /// Leave that binds nobody.
    pub const fn free() -> Self {
        Self(None)
    }

    /// Leave that is counted until it is dropped.
    pub fn counted(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Some(count))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// How a subscription fares, as the node that serves it has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Until when its deliveries are parked, unix milliseconds.
    pub parked_until: Option<i64>,
    /// Since when it has done nothing but fail, unix milliseconds.
    pub failing_since: Option<i64>,
}

/// What of the common work is this node's. A store that is alone says no more than what it serves: everything is its own, always.
pub trait Tenure: Send + Sync + 'static {
    /// The subscriptions whose deliveries this node makes; the same allocation while nothing changes. A change wakes [`crate::Outbox::fresh`].
    fn served(&self) -> Arc<Vec<Arc<Subscription>>>;

    /// Leave to send to a subscription now; `None` if it is not this node's, or its lease is about to end.
    fn permit(&self, _subscription: SubscriptionId) -> Option<Permit> {
        Some(Permit::free())
    }

    /// Whether other nodes may share the store.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether what happens once, whatever the number of nodes, is this node's to do.
    fn leads(&self) -> bool {
        true
    }

    /// Waits until another node has changed subscriptions, sources, keys or plugins, and what is in memory here is as it left them. One caller at a time.
    fn changed(&self) -> Waiting<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Gives what is this node's to others from now on, each subscription as soon as nothing is under way to it: the node is about to end.
    fn retire(&self) {}

    /// Puts on record that this node has parked a subscription's deliveries until then, unix milliseconds, or parks them no more.
    fn tell_parked(&self, _subscription: SubscriptionId, _until: Option<i64>) -> Answering<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// How a subscription fares that another node serves, as that node has told.
    fn told(&self, _subscription: SubscriptionId) -> Answering<'_, Told> {
        Box::pin(std::future::ready(Ok(Told::default())))
    }
}
