//! An event: a fact in the gateway's own vocabulary, immutable once committed.

use crate::id::{DeliveryId, EventId, MessageId, SubscriptionId};
use crate::idempotency::hash;
use crate::pattern::EventType;
use std::fmt;

/// The longest ordering key, in bytes.
pub const ORDERING_KEY_MAX: usize = 255;

/// What stands for an ordering key where only sameness counts: 63 bits of its SHA-256. Two keys that share one wait for each other, and nothing else happens.
pub fn order_of(ordering_key: &str) -> i64 {
    let digest = hash(&[b"ordering key", ordering_key.as_bytes()]);
    let (first, _) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*first) & i64::MAX
}

/// A fact, as stored and as handed to the dispatcher. `data` is the exact JSON text that was published; it is never re-serialised, because bytes are signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, also the `webhook-id` of every delivery.
    pub id: EventId,
    /// What kind of fact.
    pub event_type: EventType,
    /// When it was committed, unix milliseconds.
    pub created_at: i64,
    /// JSON text, checked by [`crate::json::check`] before it came here.
    pub data: Box<str>,
    /// Events with the same key reach a subscription that keeps an order one at a time, as they were committed.
    pub ordering_key: Option<Box<str>>,
    /// The partner's message it follows from, if any.
    pub message_id: Option<MessageId>,
    /// Who published it: an API key's id, `source:<slug>`, or `system`.
    pub origin: String,
    /// The deliveries that its commit created, decided inside the same transaction.
    pub fan_out: Vec<FanOut>,
}

/// One delivery that an event was given at its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanOut {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The subscription it goes to.
    pub subscription_id: SubscriptionId,
}

/// Data may be a patient's: it never reaches a log.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("data_bytes", &self.data.len())
            .field("fan_out", &self.fan_out.len())
            .finish_non_exhaustive()
    }
}

/// What a publisher asks for: one fact, not yet given an id.
#[derive(Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// What kind of fact.
    pub event_type: EventType,
    /// JSON text of the data, already checked for depth, size and duplicate keys.
    pub data: Box<str>,
    /// What it keeps its order with, if it does: at most [`ORDERING_KEY_MAX`] bytes.
    pub ordering_key: Option<Box<str>>,
}

impl fmt::Debug for EventDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDraft")
            .field("event_type", &self.event_type)
            .field("data_bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}
