//! What the node that serves a subscription tells the others of its breaker.

use crate::database::Pool;
use crate::desk::Desk;
use crate::fault::Failure;
use hookwright_core::id::SubscriptionId;
use hookwright_store::{StoreError, Told};

/// Puts on record until when deliveries are parked, or that they are no more.
pub(crate) async fn tell(desk: &mut Desk, subscription: SubscriptionId, until: Option<i64>) -> Result<(), Failure> {
    let subscription = subscription.get();
    match until {
        Some(until) => {
            sqlx::query!(
                "INSERT INTO parked (subscription_id, until) VALUES ($1, $2) ON CONFLICT (subscription_id) DO UPDATE SET until = excluded.until",
                subscription,
                until
            )
            .execute(&mut desk.connection)
            .await?
        }
        None => {
            sqlx::query!("DELETE FROM parked WHERE subscription_id = $1", subscription)
                .execute(&mut desk.connection)
                .await?
        }
    };
    Ok(())
}

/// What was told.
pub(crate) async fn told(reads: &Pool, subscription: SubscriptionId) -> Result<Told, StoreError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT until FROM parked WHERE subscription_id = $1) AS "parked_until?",
                  (SELECT since FROM failing WHERE subscription_id = $1) AS "failing_since?""#,
        subscription.get()
    )
    .fetch_one(reads)
    .await
    .map_err(Failure::from)?;
    Ok(Told { parked_until: row.parked_until, failing_since: row.failing_since })
}
