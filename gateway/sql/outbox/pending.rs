//! The table of pending deliveries, read by keyset.

use crate::corrupt::Reading;
use crate::fault::Failure;
use crate::store::Here;
use hookwright_core::delivery::Pending;
use hookwright_core::id::{DeliveryId, SubscriptionId};
use hookwright_store::StoreError;

/// A row of the table of pending deliveries.
pub(crate) struct PendingRow {
    pub(crate) id: i64,
    pub(crate) event_id: i64,
    pub(crate) subscription_id: i64,
    pub(crate) attempts: i64,
    pub(crate) budget_from: i64,
    pub(crate) due_at: i64,
    pub(crate) order_key: Option<i64>,
}

impl PendingRow {
    pub(crate) fn read(self) -> Result<Pending, StoreError> {
        let reading = Reading { table: "pending", row: self.id };
        Ok(Pending {
            id: reading.id("id", self.id)?,
            event_id: reading.id("event_id", self.event_id)?,
            subscription_id: reading.id("subscription_id", self.subscription_id)?,
            attempts: reading.number("attempts", self.attempts)?,
            budget_from: reading.number("budget_from", self.budget_from)?,
            due_at: self.due_at,
            order: self.order_key,
            event: None,
        })
    }
}

impl Here {
    pub(super) async fn read_pending_of(
        &self,
        subscription: SubscriptionId,
        after: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Pending>, StoreError> {
        let (subscription, after, limit) = (subscription.get(), after.map_or(0, DeliveryId::get), i64::from(limit));
        let rows = sqlx::query_as!(
            PendingRow,
            "SELECT p.id, p.event_id, p.subscription_id, p.attempts, p.budget_from, p.due_at, p.order_key
             FROM pending AS p
             WHERE p.subscription_id = $1 AND p.id > $2
             ORDER BY p.id LIMIT $3",
            subscription,
            after,
            limit
        )
        .fetch_all(&self.shared.reads)
        .await
        .map_err(Failure::from)?;
        rows.into_iter().map(PendingRow::read).collect()
    }
}
