//! An operator's retry: the delivery is due at once, with a fresh budget, its history kept.

use super::pending::PendingRow;
use crate::catalog::claim;
use crate::corrupt::Reading;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::sealer::column;
use hookwright_core::event::order_of;
use hookwright_core::id::DeliveryId;
use hookwright_core::idempotency::Claimed;
use hookwright_store::{Change, RetryAsked};

pub(super) async fn retry(desk: &mut Desk, id: DeliveryId, change: Change) -> Result<Claimed<RetryAsked>, Failure> {
    if let Some(prior) = claim::prior(desk, &change).await? {
        return Ok(prior);
    }
    let Some(row) = find(desk, id.get()).await? else {
        return Ok(Claimed::Fresh(RetryAsked::NotFound));
    };
    if !has_subscription(desk, row.subscription_id).await? {
        return Ok(Claimed::Fresh(RetryAsked::NoSubscription));
    }
    let order_key = order_of_event(desk, row.event_id).await?;
    let row = PendingRow { budget_from: row.attempts, due_at: desk.now_ms(), order_key, ..row };
    sqlx::query!("DELETE FROM settled WHERE id = $1", row.id).execute(&mut desk.connection).await?;
    sqlx::query!(
        "INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at, order_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET budget_from = excluded.budget_from, due_at = excluded.due_at",
        row.id,
        row.event_id,
        row.subscription_id,
        row.attempts,
        row.budget_from,
        row.due_at,
        row.order_key
    )
    .execute(&mut desk.connection)
    .await?;
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(Claimed::Fresh(RetryAsked::Pending(row.read()?)))
}

/// The delivery, settled or not. An attempt that ended after its delivery had been settled counts as well: its number is used up.
async fn find(desk: &mut Desk, id: i64) -> Result<Option<PendingRow>, Failure> {
    let pending = sqlx::query_as!(
        PendingRow,
        "SELECT id, event_id, subscription_id, attempts, budget_from, due_at, order_key FROM pending WHERE id = $1",
        id
    )
    .fetch_optional(&mut desk.connection)
    .await?;
    if pending.is_some() {
        return Ok(pending);
    }
    let settled = sqlx::query_as!(
        PendingRow,
        r#"SELECT s.id, s.event_id, s.subscription_id,
                  (SELECT max(n.number) FROM (SELECT s.attempts AS number UNION ALL SELECT a.number FROM attempt AS a WHERE a.delivery_id = s.id) AS n) AS "attempts!: i64",
                  0 AS "budget_from!: i64", s.settled_at AS due_at, NULL AS "order_key?: i64"
           FROM settled AS s WHERE s.id = $1"#,
        id
    )
    .fetch_optional(&mut desk.connection)
    .await?;
    Ok(settled)
}

/// What the event keeps its order with: a settled delivery no longer says so itself.
async fn order_of_event(desk: &mut Desk, id: i64) -> Result<Option<i64>, Failure> {
    let row =
        sqlx::query!("SELECT ordering_key FROM event WHERE id = $1", id).fetch_optional(&mut desk.connection).await?;
    let Some(sealed) = row.and_then(|row| row.ordering_key) else { return Ok(None) };
    let key = desk.sealer.open(column::event_ordering_key(id), &sealed)?;
    let key = String::from_utf8(key).map_err(|_| Reading { table: "event", row: id }.corrupt("ordering_key"))?;
    Ok(Some(order_of(&key)))
}

async fn has_subscription(desk: &mut Desk, id: i64) -> Result<bool, Failure> {
    let row = sqlx::query!("SELECT id FROM subscription WHERE id = $1 AND deleted_at IS NULL", id)
        .fetch_optional(&mut desk.connection)
        .await?;
    Ok(row.is_some())
}
