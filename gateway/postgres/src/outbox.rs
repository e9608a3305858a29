//! The way out: pending deliveries, what became of them, and an operator's retry.

#[path = "../../sql/outbox/fare.rs"]
mod fare;
#[path = "../../sql/outbox/off.rs"]
mod off;
pub(crate) mod parked;
#[path = "../../sql/outbox/pending.rs"]
pub(crate) mod pending;
#[path = "../../sql/outbox/retry.rs"]
mod retry;

use crate::collector;
use crate::connection::bounded;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::finish::{self, Abandon, Ending, EndingAsked};
use crate::journal;
use crate::store::PostgresStore;
use hookwright_core::delivery::{Finish, Pending};
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_core::idempotency::Claimed;
use hookwright_core::notice;
use hookwright_store::{
    Answering, Change, FailingSince, FareRecord, Finished, Fresh, Notice, Outbox, RetryAsked, StoreError, Waiting,
};
use pending::PendingRow;
use std::sync::Arc;
use tokio::sync::oneshot;

impl Outbox for PostgresStore {
    fn fresh(&self) -> Waiting<'_, Fresh> {
        Box::pin(self.shared.handover.take())
    }

    fn pending(&self, after: Option<DeliveryId>, limit: u32) -> Answering<'_, Vec<Pending>> {
        bounded(self.read_pending(after, limit))
    }

    fn pending_of(
        &self,
        subscription: SubscriptionId,
        after: Option<DeliveryId>,
        limit: u32,
    ) -> Answering<'_, Vec<Pending>> {
        bounded(self.read_pending_of(subscription, after, limit))
    }

    fn load_events(&self, ids: Vec<EventId>) -> Answering<'_, Vec<Arc<Event>>> {
        bounded(journal::event::load(&self.shared, ids))
    }

    fn finish(&self, finish: Finish) -> Answering<'_, Finished> {
        if finish.disable_subscription.is_some() {
            return self.alone(move |desk| Box::pin(finish_and_disable(desk, finish)));
        }
        Box::pin(async move {
            let ending = Ending::of_attempt(finish, &self.shared.sealer);
            self.end(ending).await
        })
    }

    fn abandon(&self, id: DeliveryId, reason: String) -> Answering<'_, Finished> {
        let at = self.shared.ids.clock().now_ms();
        Box::pin(self.end(Ending::Abandoned(Abandon { id, reason, at })))
    }

    fn retry(&self, id: DeliveryId, change: Change) -> Answering<'_, Claimed<RetryAsked>> {
        self.alone(move |desk| Box::pin(retry_and_leave(desk, id, change)))
    }

    fn failing(&self) -> Answering<'_, Vec<FailingSince>> {
        bounded(fare::failing(&self.shared.reads))
    }

    fn record_fare(&self, subscription: SubscriptionId, fare: FareRecord) -> Answering<'_, ()> {
        self.alone(move |desk| Box::pin(fare::record(desk, subscription, fare)))
    }

    fn notices(&self, limit: u32) -> Answering<'_, Vec<Notice>> {
        bounded(fare::notices(&self.shared.reads, limit))
    }

    fn notice_told(&self, id: i64) -> Answering<'_, ()> {
        self.alone(move |desk| Box::pin(fare::told(desk, id)))
    }
}

impl PostgresStore {
    /// Of those that this node serves alone: what another owns is of no use here.
    async fn read_pending(&self, after: Option<DeliveryId>, limit: u32) -> Result<Vec<Pending>, StoreError> {
        let (after, limit) = (after.map_or(0, DeliveryId::get), i64::from(limit));
        let served = self.shared.roster.served.load();
        let served: Vec<i64> = served.iter().filter(|one| one.active).map(|one| one.id.get()).collect();
        let rows = sqlx::query_as!(
            PendingRow,
            "SELECT id, event_id, subscription_id, attempts, budget_from, due_at, order_key
             FROM pending WHERE id > $1 AND subscription_id = ANY($2) ORDER BY id LIMIT $3",
            after,
            &served,
            limit
        )
        .fetch_all(&self.shared.reads)
        .await
        .map_err(Failure::from)?;
        rows.into_iter().map(PendingRow::read).collect()
    }

    async fn end(&self, ending: Ending) -> Result<Finished, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.shared.endings.put(EndingAsked { ending, reply }).await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

/// An attempt that switches its subscription off, such as one that was answered with 410: both in one transaction.
async fn finish_and_disable(desk: &mut Desk, finish: Finish) -> Result<Finished, Failure> {
    let (subscription_id, delivery_id) = (finish.attempt.subscription_id, finish.attempt.delivery_id);
    let reason = finish.disable_subscription.clone();
    let ending = Ending::of_attempt(finish, &desk.sealer);
    let moved = finish::write(&mut desk.connection, std::iter::once(&ending), desk.node).await?;
    if moved.is_empty() {
        return Ok(Finished::Stale);
    }
    if let Some(reason) = reason {
        let detail = format!("reason={reason} delivery={delivery_id}");
        if let Some(old) = off::switch_off(desk, subscription_id, &reason, detail).await? {
            let notice = notice::disabled(&old, &reason, None, desk.now_ms());
            fare::leave(desk, &notice).await?;
        }
    }
    Ok(Finished::Applied)
}

/// A retry, told to the delivery's owner as well, whichever node that is.
async fn retry_and_leave(desk: &mut Desk, id: DeliveryId, change: Change) -> Result<Claimed<RetryAsked>, Failure> {
    let asked = retry::retry(desk, id, change).await?;
    if let Claimed::Fresh(RetryAsked::Pending(pending)) = &asked {
        collector::leave(desk, pending).await?;
    }
    Ok(asked)
}
