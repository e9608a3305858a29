//! The way out: pending deliveries, what became of them, and an operator's retry.

mod disable;
#[path = "../../sql/outbox/fare.rs"]
mod fare;
#[path = "../../sql/outbox/off.rs"]
mod off;
#[path = "../../sql/outbox/pending.rs"]
mod pending;
#[path = "../../sql/outbox/retry.rs"]
mod retry;

use crate::command::Command;
use crate::fault::Failure;
use crate::finish::{Abandon, Ending};
use crate::journal;
use crate::store::SqliteStore;
use hookwright_core::delivery::{Finish, Pending};
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_core::idempotency::Claimed;
use hookwright_store::{
    Answering, Change, FailingSince, FareRecord, Finished, Fresh, Notice, Outbox, RetryAsked, StoreError, Waiting,
};
use pending::PendingRow;
use std::sync::Arc;

impl Outbox for SqliteStore {
    fn fresh(&self) -> Waiting<'_, Fresh> {
        Box::pin(self.shared.handover.take())
    }

    fn pending(&self, after: Option<DeliveryId>, limit: u32) -> Answering<'_, Vec<Pending>> {
        Box::pin(self.read_pending(after, limit))
    }

    fn pending_of(
        &self,
        subscription: SubscriptionId,
        after: Option<DeliveryId>,
        limit: u32,
    ) -> Answering<'_, Vec<Pending>> {
        Box::pin(self.read_pending_of(subscription, after, limit))
    }

    fn load_events(&self, ids: Vec<EventId>) -> Answering<'_, Vec<Arc<Event>>> {
        Box::pin(journal::event::load(&self.shared, ids))
    }

    fn finish(&self, finish: Finish) -> Answering<'_, Finished> {
        if finish.disable_subscription.is_some() {
            return self.alone(move |desk| Box::pin(disable::finish(desk, finish)));
        }
        Box::pin(async move {
            let ending = Ending::of_attempt(finish, &self.shared.sealer);
            self.put(|reply| Command::Finish(ending, reply)).await
        })
    }

    fn abandon(&self, id: DeliveryId, reason: String) -> Answering<'_, Finished> {
        let at = self.shared.ids.clock().now_ms();
        Box::pin(self.put(move |reply| Command::Finish(Ending::Abandoned(Abandon { id, reason, at }), reply)))
    }

    fn retry(&self, id: DeliveryId, change: Change) -> Answering<'_, Claimed<RetryAsked>> {
        self.alone(move |desk| Box::pin(retry::retry(desk, id, change)))
    }

    fn failing(&self) -> Answering<'_, Vec<FailingSince>> {
        Box::pin(fare::failing(&self.shared.reads))
    }

    fn record_fare(&self, subscription: SubscriptionId, fare: FareRecord) -> Answering<'_, ()> {
        self.alone(move |desk| Box::pin(fare::record(desk, subscription, fare)))
    }

    fn notices(&self, limit: u32) -> Answering<'_, Vec<Notice>> {
        Box::pin(fare::notices(&self.shared.reads, limit))
    }

    fn notice_told(&self, id: i64) -> Answering<'_, ()> {
        self.alone(move |desk| Box::pin(fare::told(desk, id)))
    }
}

impl SqliteStore {
    async fn read_pending(&self, after: Option<DeliveryId>, limit: u32) -> Result<Vec<Pending>, StoreError> {
        let (after, limit) = (after.map_or(0, DeliveryId::get), i64::from(limit));
        let rows = sqlx::query_as!(
            PendingRow,
            "SELECT p.id, p.event_id, p.subscription_id, p.attempts, p.budget_from, p.due_at, p.order_key
             FROM pending AS p
             WHERE p.id > $1
               AND p.subscription_id IN (SELECT s.id FROM subscription AS s WHERE s.active = 1 AND s.deleted_at IS NULL)
             ORDER BY p.id LIMIT $2",
            after,
            limit
        )
        .fetch_all(&self.shared.reads)
        .await
        .map_err(Failure::from)?;
        rows.into_iter().map(PendingRow::read).collect()
    }
}
