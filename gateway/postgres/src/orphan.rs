//! Pending deliveries of deleted subscriptions.

use crate::desk::Desk;
use crate::fault::Failure;
use hookwright_core::id::SubscriptionId;

/// Ends up to [`crate::sweep::ROWS_MAX`] pending deliveries of a deleted subscription.
pub(crate) async fn end_pending(desk: &mut Desk, subscription: SubscriptionId) -> Result<u64, Failure> {
    let (subscription, now_ms) = (subscription.get(), desk.now_ms());
    let settled = sqlx::query!(
        "WITH ended AS (
             DELETE FROM pending
             WHERE id IN (SELECT p.id FROM pending AS p
                          WHERE p.subscription_id = (SELECT s.id FROM subscription AS s WHERE s.id = $1 AND s.deleted_at IS NOT NULL)
                          ORDER BY p.id LIMIT 500)
             RETURNING id, event_id, subscription_id, attempts)
         INSERT INTO settled (id, event_id, subscription_id, status, reason, attempts, response_code, settled_at)
         SELECT e.id, e.event_id, e.subscription_id, 'failed', 'subscription_deleted', e.attempts,
                (SELECT a.response_code FROM attempt AS a WHERE a.delivery_id = e.id AND a.number = e.attempts LIMIT 1), $2
         FROM ended AS e
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, reason = excluded.reason, settled_at = excluded.settled_at",
        subscription,
        now_ms
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(settled.rows_affected())
}
