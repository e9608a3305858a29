//! The port of readers: what was recorded, and the audit.

use crate::future::Answering;
use crate::page::{Page, PageRequest};
use hookwright_core::audit::{AuditDraft, AuditEntry};
use hookwright_core::customer::Customer;
use hookwright_core::delivery::{Attempt, Delivery, DeliveryStatus};
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EstablishmentId, EventId, MessageId, SourceId, SubscriptionId};
use hookwright_core::message::{Message, MessageStatus, Reason};
use hookwright_core::region::RegionCode;
use std::sync::Arc;

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of this type exactly.
    pub event_type: Option<String>,
}

/// An event in a list: without its data.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub event_type: String,
    /// Creation, unix milliseconds.
    pub created_at: i64,
    /// The message it follows from.
    pub message_id: Option<MessageId>,
    /// Who published it.
    pub origin: String,
    /// How many deliveries its commit created.
    pub deliveries: u32,
}

/// Which deliveries.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// To this subscription.
    pub subscription_id: Option<SubscriptionId>,
    /// Of this event.
    pub event_id: Option<EventId>,
    /// In this state.
    pub status: Option<DeliveryStatus>,
}

/// Which messages.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Through this source.
    pub source_id: Option<SourceId>,
    /// In this state.
    pub status: Option<MessageStatus>,
}

/// A message in a list: without its content.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// Its id.
    pub id: MessageId,
    /// Its source.
    pub source_id: SourceId,
    /// The hook it came to.
    pub hook: String,
    /// The method it came by.
    pub method: String,
    /// When it was received, unix milliseconds.
    pub received_at: i64,
    /// What became of it.
    pub status: MessageStatus,
    /// Why.
    pub reason: Option<Reason>,
    /// The customer it waits for.
    pub waiting_for: Option<String>,
    /// The plugin version that parsed it.
    pub plugin_digest: Option<String>,
    /// Events that followed.
    pub events: Vec<EventId>,
    /// Searchable keys and values.
    pub metadata: Vec<(String, String)>,
}

/// Which establishments.
#[derive(Clone, Debug, Default)]
pub struct EstablishmentFilter {
    /// Of this customer.
    pub customer_id: Option<String>,
    /// In this region.
    pub region: Option<RegionCode>,
}

/// Reads what was recorded, and writes the audit of reading. Lists are newest first.
pub trait Journal: Send + Sync + 'static {
    /// Events.
    fn events(&self, filter: EventFilter, page: PageRequest) -> Answering<'_, Page<EventRow>>;

    /// One event, with its data.
    fn event(&self, id: EventId) -> Answering<'_, Option<Arc<Event>>>;

    /// Deliveries, pending and settled alike.
    fn deliveries(&self, filter: DeliveryFilter, page: PageRequest) -> Answering<'_, Page<Delivery>>;

    /// One delivery with all its attempts, first to last.
    fn delivery(&self, id: DeliveryId) -> Answering<'_, Option<(Delivery, Vec<Attempt>)>>;

    /// Messages.
    fn messages(&self, filter: MessageFilter, page: PageRequest) -> Answering<'_, Page<MessageRow>>;

    /// One message, with its content.
    fn message(&self, id: MessageId) -> Answering<'_, Option<Message>>;

    /// Waiting messages whose customer is known by now, oldest first, at most `limit`.
    fn resumable(&self, limit: u32) -> Answering<'_, Vec<MessageId>>;

    /// Quarantined messages of one source with ids above `after`, oldest first, at most `limit`.
    fn quarantined(&self, source: SourceId, after: Option<MessageId>, limit: u32) -> Answering<'_, Vec<MessageId>>;

    /// Messages whose partner is being asked, each with its source, with ids above `after`, oldest first, at most `limit`.
    fn fetching(&self, after: Option<MessageId>, limit: u32) -> Answering<'_, Vec<(MessageId, SourceId)>>;

    /// When a source's newest message was received, unix milliseconds; `None` if it has none.
    fn last_heard(&self, source: SourceId) -> Answering<'_, Option<i64>>;

    /// Customers by external id, in its order, from the one after `after`.
    fn customers(&self, after: Option<String>, limit: u32) -> Answering<'_, Vec<Customer>>;

    /// One customer.
    fn customer(&self, external_id: String) -> Answering<'_, Option<Customer>>;

    /// Establishments.
    fn establishments(&self, filter: EstablishmentFilter, page: PageRequest) -> Answering<'_, Page<Establishment>>;

    /// One establishment.
    fn establishment(&self, id: EstablishmentId) -> Answering<'_, Option<Establishment>>;

    /// When the next establishment lapses, unix milliseconds; `None` if none will.
    fn next_lapse(&self) -> Answering<'_, Option<i64>>;

    /// Audit entries.
    fn audit(&self, page: PageRequest) -> Answering<'_, Page<AuditEntry>>;

    /// Records something that changed nothing, such as the reading of a body.
    fn record(&self, entry: AuditDraft) -> Answering<'_, ()>;

    /// Asks the store for the least it can do; an error says why it is not ready.
    fn ready(&self) -> Answering<'_, ()>;
}
