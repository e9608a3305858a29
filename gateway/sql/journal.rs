//! What was recorded, for readers. Lists are read by keyset, newest first, and no page costs more than a bounded number of rows.

#[path = "journal/audit.rs"]
mod audit;
#[path = "journal/customer.rs"]
mod customer;
#[path = "journal/delivery.rs"]
pub(crate) mod delivery;
#[path = "journal/establishment.rs"]
pub(crate) mod establishment;
#[path = "journal/event.rs"]
pub(crate) mod event;
#[path = "journal/message.rs"]
mod message;

use crate::database::bounded;
use crate::store::Here;
use hookwright_core::audit::{AuditDraft, AuditEntry};
use hookwright_core::customer::Customer;
use hookwright_core::delivery::{Attempt, Delivery};
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EstablishmentId, EventId, MessageId, SourceId};
use hookwright_core::message::Message;
use hookwright_store::{
    Answering, DeliveryFilter, EstablishmentFilter, EventFilter, EventRow, Journal, MessageFilter, MessageRow, Page,
    PageRequest,
};
use std::sync::Arc;

impl Journal for Here {
    fn events(&self, filter: EventFilter, page: PageRequest) -> Answering<'_, Page<EventRow>> {
        bounded(event::page(&self.shared.reads, filter, page))
    }

    fn event(&self, id: EventId) -> Answering<'_, Option<Arc<Event>>> {
        bounded(async move { Ok(event::load(&self.shared, vec![id]).await?.pop()) })
    }

    fn deliveries(&self, filter: DeliveryFilter, page: PageRequest) -> Answering<'_, Page<Delivery>> {
        bounded(delivery::page(&self.shared.reads, filter, page))
    }

    fn delivery(&self, id: DeliveryId) -> Answering<'_, Option<(Delivery, Vec<Attempt>)>> {
        bounded(delivery::one(&self.shared, id))
    }

    fn messages(&self, filter: MessageFilter, page: PageRequest) -> Answering<'_, Page<MessageRow>> {
        bounded(message::page(&self.shared.reads, filter, page))
    }

    fn message(&self, id: MessageId) -> Answering<'_, Option<Message>> {
        bounded(message::one(&self.shared, id))
    }

    fn resumable(&self, limit: u32) -> Answering<'_, Vec<MessageId>> {
        bounded(message::resumable(&self.shared.reads, limit))
    }

    fn quarantined(&self, source: SourceId, after: Option<MessageId>, limit: u32) -> Answering<'_, Vec<MessageId>> {
        bounded(message::quarantined(&self.shared.reads, source, after, limit))
    }

    fn fetching(&self, after: Option<MessageId>, limit: u32) -> Answering<'_, Vec<(MessageId, SourceId)>> {
        bounded(message::fetching(&self.shared.reads, after, limit))
    }

    fn last_heard(&self, source: SourceId) -> Answering<'_, Option<i64>> {
        bounded(message::last_heard(&self.shared.reads, source))
    }

    fn customers(&self, after: Option<String>, limit: u32) -> Answering<'_, Vec<Customer>> {
        bounded(customer::list(&self.shared, after, limit))
    }

    fn customer(&self, external_id: String) -> Answering<'_, Option<Customer>> {
        bounded(customer::one(&self.shared, external_id))
    }

    fn establishments(&self, filter: EstablishmentFilter, page: PageRequest) -> Answering<'_, Page<Establishment>> {
        bounded(establishment::page(&self.shared.reads, filter, page))
    }

    fn establishment(&self, id: EstablishmentId) -> Answering<'_, Option<Establishment>> {
        bounded(establishment::one(&self.shared.reads, id))
    }

    fn next_lapse(&self) -> Answering<'_, Option<i64>> {
        bounded(establishment::next_lapse(&self.shared.reads))
    }

    fn audit(&self, page: PageRequest) -> Answering<'_, Page<AuditEntry>> {
        bounded(audit::page(&self.shared.reads, page))
    }

    fn record(&self, entry: AuditDraft) -> Answering<'_, ()> {
        Box::pin(self.note_down(entry))
    }

    fn ready(&self) -> Answering<'_, ()> {
        bounded(self.probe())
    }
}

/// A page of rows that were read with one more than `limit` asked for: that one tells whether there is a next page.
pub(crate) fn page_of<T>(mut rows: Vec<T>, limit: u32, id: impl Fn(&T) -> i64) -> Page<T> {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = if has_more { rows.last().map(id) } else { None };
    Page { rows, next }
}
