//! What is read when a store is opened, and stays in memory.

use crate::corrupt::Reading;
use crate::database::Connection;
use crate::fault::Failure;
use hookwright_core::id::SubscriptionId;
use std::collections::VecDeque;

/// Deleted subscriptions that have pending deliveries.
pub(crate) async fn load_orphaned(connection: &mut Connection) -> Result<VecDeque<SubscriptionId>, Failure> {
    let rows = sqlx::query!(
        "SELECT s.id FROM subscription AS s
         WHERE s.deleted_at IS NOT NULL AND EXISTS (SELECT 1 FROM pending AS p WHERE p.subscription_id = s.id)"
    )
    .fetch_all(connection)
    .await?;
    let ids = rows.into_iter().map(|row| Reading { table: "subscription", row: row.id }.id("id", row.id));
    Ok(ids.collect::<Result<_, _>>()?)
}
