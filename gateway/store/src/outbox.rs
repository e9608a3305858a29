//! The port of the dispatcher.

use crate::change::Change;
use crate::future::{Answering, Waiting};
use hookwright_core::delivery::{Finish, Pending};
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_core::idempotency::Claimed;
use std::sync::Arc;

/// How a finish ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Recorded, and the delivery's state moved on.
    Applied,
    /// The attempt with this number was finished before, or the delivery is settled: the state was left alone.
    Stale,
}

/// How an operator's retry ended.
#[derive(Clone, Debug)]
pub enum RetryAsked {
    /// The delivery is pending again, due at once, with a fresh budget.
    Pending(Pending),
    /// There is no such delivery.
    NotFound,
    /// Its subscription is deleted.
    NoSubscription,
}

/// Hands out pending deliveries and takes what became of them.
pub trait Outbox: Send + Sync + 'static {
    /// The next batch of deliveries that were committed a moment ago, their events with them. Where more were committed than the hand-over holds, the rest is left to
    /// [`Outbox::pending`], and `missed` is true once. One caller at a time; pending forever when nothing comes.
    ///
    /// A store hands a commit's deliveries over before it answers any later commit: the dispatcher takes a delivery it has finished, and then hears of as fresh, for another.
    fn fresh(&self) -> Waiting<'_, Fresh>;

    /// Pending deliveries with ids above `after`, in order of their ids, at most `limit`; those of inactive subscriptions are left out.
    fn pending(&self, after: Option<DeliveryId>, limit: u32) -> Answering<'_, Vec<Pending>>;

    /// Pending deliveries of one subscription with ids above `after`, in order of their ids, at most `limit`.
    fn pending_of(
        &self,
        subscription: SubscriptionId,
        after: Option<DeliveryId>,
        limit: u32,
    ) -> Answering<'_, Vec<Pending>>;

    /// Loads events by id, in any order; ids that are not there are left out.
    fn load_events(&self, ids: Vec<EventId>) -> Answering<'_, Vec<Arc<Event>>>;

    /// Records an attempt and moves its delivery on, fenced by the attempt's number: only the one that follows the last recorded attempt moves it. The exception is a late
    /// success: the subscriber did take the event, so an attempt whose number has passed still settles a delivery that is pending.
    fn finish(&self, finish: Finish) -> Answering<'_, Finished>;

    /// Ends a delivery without an attempt, as failed, for `reason` (a stable code). Settled deliveries are left alone.
    fn abandon(&self, id: DeliveryId, reason: String) -> Answering<'_, Finished>;

    /// Makes a settled or waiting delivery due at once, with a fresh retry budget and its history kept.
    fn retry(&self, id: DeliveryId, change: Change) -> Answering<'_, Claimed<RetryAsked>>;
}

/// Deliveries that were committed a moment ago.
#[derive(Debug, Default)]
pub struct Fresh {
    /// The deliveries.
    pub deliveries: Vec<Pending>,
    /// Whether some were left to the table since the last call.
    pub missed: bool,
}
