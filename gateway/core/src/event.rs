//! An event: a fact in the gateway's own vocabulary, immutable once committed.

use crate::id::{DeliveryId, EventId, MessageId, SubscriptionId};
use crate::pattern::EventType;
use std::fmt;

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
}

impl fmt::Debug for EventDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDraft")
            .field("event_type", &self.event_type)
            .field("data_bytes", &self.data.len())
            .finish()
    }
}
