//! What was recorded, for readers. Lists are read by keyset, newest first, and no page costs more than a bounded number of rows.

mod audit;
mod customer;
pub(crate) mod delivery;
mod establishment;
pub(crate) mod event;
mod message;

use crate::desk::Desk;
use crate::fault::Failure;
use crate::queue::Command;
use crate::store::{Shared, SqliteStore};
use hookwright_core::audit::{AuditDraft, AuditEntry};
use hookwright_core::customer::Customer;
use hookwright_core::delivery::{Attempt, Delivery};
use hookwright_core::establishment::Establishment;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EstablishmentId, EventId, MessageId, SourceId};
use hookwright_core::message::Message;
use hookwright_store::{
    Answering, DeliveryFilter, EstablishmentFilter, EventFilter, EventRow, Journal, MessageFilter, MessageRow, Page,
    PageRequest, StoreError,
};
use std::sync::Arc;

impl Journal for SqliteStore {
    fn events(&self, filter: EventFilter, page: PageRequest) -> Answering<'_, Page<EventRow>> {
        Box::pin(event::page(&self.shared.reads, filter, page))
    }

    fn event(&self, id: EventId) -> Answering<'_, Option<Arc<Event>>> {
        Box::pin(async move { Ok(event::load(&self.shared, vec![id]).await?.pop()) })
    }

    fn deliveries(&self, filter: DeliveryFilter, page: PageRequest) -> Answering<'_, Page<Delivery>> {
        Box::pin(delivery::page(&self.shared.reads, filter, page))
    }

    fn delivery(&self, id: DeliveryId) -> Answering<'_, Option<(Delivery, Vec<Attempt>)>> {
        Box::pin(delivery::one(&self.shared, id))
    }

    fn messages(&self, filter: MessageFilter, page: PageRequest) -> Answering<'_, Page<MessageRow>> {
        Box::pin(message::page(&self.shared.reads, filter, page))
    }

    fn message(&self, id: MessageId) -> Answering<'_, Option<Message>> {
        Box::pin(message::one(&self.shared, id))
    }

    fn resumable(&self, limit: u32) -> Answering<'_, Vec<MessageId>> {
        Box::pin(message::resumable(&self.shared.reads, limit))
    }

    fn quarantined(&self, source: SourceId, after: Option<MessageId>, limit: u32) -> Answering<'_, Vec<MessageId>> {
        Box::pin(message::quarantined(&self.shared.reads, source, after, limit))
    }

    fn customers(&self, after: Option<String>, limit: u32) -> Answering<'_, Vec<Customer>> {
        Box::pin(customer::list(&self.shared, after, limit))
    }

    fn customer(&self, external_id: String) -> Answering<'_, Option<Customer>> {
        Box::pin(customer::one(&self.shared, external_id))
    }

    fn establishments(&self, filter: EstablishmentFilter, page: PageRequest) -> Answering<'_, Page<Establishment>> {
        Box::pin(establishment::page(&self.shared.reads, filter, page))
    }

    fn establishment(&self, id: EstablishmentId) -> Answering<'_, Option<Establishment>> {
        Box::pin(establishment::one(&self.shared.reads, id))
    }

    fn next_lapse(&self) -> Answering<'_, Option<i64>> {
        Box::pin(establishment::next_lapse(&self.shared.reads))
    }

    fn audit(&self, page: PageRequest) -> Answering<'_, Page<AuditEntry>> {
        Box::pin(audit::page(&self.shared.reads, page))
    }

    fn record(&self, entry: AuditDraft) -> Answering<'_, ()> {
        Box::pin(self.put(|reply| Command::Record(Box::new(entry), reply)))
    }

    fn ready(&self) -> Answering<'_, ()> {
        Box::pin(self.probe())
    }
}

impl SqliteStore {
    /// Asks readers for a row, and the writer for one only after it found no room: a commit that succeeds is what clears that.
    async fn probe(&self) -> Result<(), StoreError> {
        let Shared { health, queue, reads, .. } = &*self.shared;
        if let Some(why) = health.broken() {
            return Err(StoreError::NotWritable(why.to_string()));
        }
        if queue.is_closed() {
            return Err(StoreError::Closed);
        }
        sqlx::query("SELECT 1").execute(reads).await.map_err(Failure::from)?;
        if health.strained().is_some() {
            self.alone(|desk| Box::pin(touch(desk))).await?;
        }
        Ok(())
    }
}

async fn touch(desk: &mut Desk) -> Result<(), Failure> {
    let now = desk.now_ms().to_be_bytes().to_vec();
    sqlx::query!(
        "INSERT INTO meta (name, value) VALUES ('probed_at', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        now
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}

/// A page of rows that were read with one more than `limit` asked for: that one tells whether there is a next page.
pub(crate) fn page_of<T>(mut rows: Vec<T>, limit: u32, id: impl Fn(&T) -> i64) -> Page<T> {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = if has_more { rows.last().map(id) } else { None };
    Page { rows, next }
}
