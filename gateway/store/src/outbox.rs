//! The port of the dispatcher.

use crate::change::Change;
use crate::future::{Answering, Waiting};
use hookwright_core::delivery::{Finish, Pending};
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_core::idempotency::Claimed;
use hookwright_core::notice::NoticeDraft;
use std::sync::Arc;

/// How a finish ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Recorded, and the delivery's state moved on.
    Applied,
    /// The attempt with this number was finished before, the delivery is settled, or an operator began another budget meanwhile: what is on record is to be read again.
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

/// A subscription of which nothing but failures is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailingSince {
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// Since when, unix milliseconds.
    pub since: i64,
    /// Whether operators were warned.
    pub warned: bool,
}

/// How a subscription fares, as it is put on record.
#[derive(Clone, Debug)]
pub enum FareRecord {
    /// It has failed since this time.
    Failing {
        /// Unix milliseconds.
        since: i64,
    },
    /// It took a delivery.
    Recovered,
    /// Operators are to be warned.
    Warned {
        /// As above.
        since: i64,
        /// What they are told.
        notice: NoticeDraft,
    },
    /// It is switched off, if it is not yet.
    Disabled {
        /// A stable code.
        reason: &'static str,
        /// What operators are told.
        notice: NoticeDraft,
    },
}

/// An event of the gateway's own that is still to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number; the event's own key follows from it, so that it is published once.
    pub id: i64,
    /// Its type.
    pub event_type: String,
    /// Its data, JSON.
    pub data: String,
    /// What it keeps its order with.
    pub ordering_key: Option<String>,
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

    /// The subscriptions of which nothing but failures is known.
    fn failing(&self) -> Answering<'_, Vec<FailingSince>>;

    /// Puts on record how a subscription fares; what operators are told is on record with it. One that is not there, or is switched off already, is left alone.
    fn record_fare(&self, subscription: SubscriptionId, fare: FareRecord) -> Answering<'_, ()>;

    /// Events of the gateway's own that are still to be published, oldest first, at most `limit`.
    fn notices(&self, limit: u32) -> Answering<'_, Vec<Notice>>;

    /// A notice was published.
    fn notice_told(&self, id: i64) -> Answering<'_, ()>;
}

/// Deliveries that were committed a moment ago.
#[derive(Debug, Default)]
pub struct Fresh {
    /// The deliveries.
    pub deliveries: Vec<Pending>,
    /// Whether some were left to the table since the last call.
    pub missed: bool,
    /// Whether this node's lease ended: exchanges under way with subscriptions that it does not serve any more are to be cut short.
    pub revoked: bool,
}
