//! Pending deliveries of deleted subscriptions.

use crate::desk::Desk;
use crate::fault::Failure;
use crate::sweep::ROWS_MAX;
use hookwright_core::id::SubscriptionId;

/// Ends the pending deliveries of deleted subscriptions, some at a time.
pub(crate) async fn orphans(desk: &mut Desk) {
    let Some(subscription) = desk.orphaned.pop_front() else { return };
    match desk.transaction(move |desk| Box::pin(end_pending(desk, subscription))).await {
        Ok(ended) if ended < ROWS_MAX => {}
        Ok(_) => desk.orphaned.push_front(subscription),
        // They are found again when the store is opened; until then the dispatcher does not see them.
        Err(error) => tracing::warn!(%error, "deliveries of a deleted subscription were not ended"),
    }
}

/// Ends up to [`ROWS_MAX`] pending deliveries of a deleted subscription.
pub(crate) async fn end_pending(desk: &mut Desk, subscription: SubscriptionId) -> Result<u64, Failure> {
    let (subscription, now_ms) = (subscription.get(), desk.now_ms());
    let settled = sqlx::query!(
        "INSERT OR REPLACE INTO settled (id, event_id, subscription_id, status, reason, attempts, response_code, settled_at)
         SELECT p.id, p.event_id, p.subscription_id, 'failed', 'subscription_deleted', p.attempts,
                (SELECT a.response_code FROM attempt AS a WHERE a.delivery_id = p.id AND a.number = p.attempts), $2
         FROM pending AS p
         WHERE p.subscription_id = (SELECT s.id FROM subscription AS s WHERE s.id = $1 AND s.deleted_at IS NOT NULL)
         ORDER BY p.id LIMIT 500",
        subscription,
        now_ms
    )
    .execute(&mut desk.connection)
    .await?;
    // The same rows again: nothing else writes in between. Where the deletion itself was undone, nothing was settled and nothing goes.
    let ended = i64::try_from(settled.rows_affected()).unwrap_or(0);
    sqlx::query!(
        "DELETE FROM pending
         WHERE id IN (SELECT p.id FROM pending AS p WHERE p.subscription_id = $1 ORDER BY p.id LIMIT $2)",
        subscription,
        ended
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(settled.rows_affected())
}
