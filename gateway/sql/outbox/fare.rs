//! How subscriptions fare, and what operators are still to be told of it.

use super::off::switch_off;
use crate::corrupt::Reading;
use crate::database::Pool;
use crate::desk::Desk;
use crate::fault::Failure;
use hookwright_core::id::{EventId, SubscriptionId};
use hookwright_core::notice::NoticeDraft;
use hookwright_store::{FailingSince, FareRecord, Notice, StoreError};

pub(super) async fn failing(reads: &Pool) -> Result<Vec<FailingSince>, StoreError> {
    let rows = sqlx::query!("SELECT subscription_id, since, warned FROM failing ORDER BY subscription_id")
        .fetch_all(reads)
        .await
        .map_err(Failure::from)?;
    let read = |id: i64, since, warned| {
        let subscription_id = Reading { table: "failing", row: id }.id("subscription_id", id)?;
        Ok(FailingSince { subscription_id, since, warned })
    };
    rows.into_iter().map(|row| read(row.subscription_id, row.since, row.warned == 1)).collect()
}

pub(super) async fn record(desk: &mut Desk, id: SubscriptionId, fare: FareRecord) -> Result<(), Failure> {
    if desk.directory.subscription(id).is_none_or(|subscription| !subscription.active) {
        return forget(desk, id).await;
    }
    match fare {
        FareRecord::Failing { since } => keep(desk, id, since, false).await,
        FareRecord::Recovered => forget(desk, id).await,
        FareRecord::Warned { since, notice } => {
            keep(desk, id, since, true).await?;
            leave(desk, &notice).await
        }
        FareRecord::Disabled { reason, notice } => {
            forget(desk, id).await?;
            if switch_off(desk, id, reason, format!("reason={reason}")).await?.is_some() {
                leave(desk, &notice).await?;
            }
            Ok(())
        }
    }
}

async fn keep(desk: &mut Desk, id: SubscriptionId, since: i64, warned: bool) -> Result<(), Failure> {
    let (id, warned) = (id.get(), i64::from(warned));
    sqlx::query!(
        "INSERT INTO failing (subscription_id, since, warned) VALUES ($1, $2, $3)
         ON CONFLICT (subscription_id) DO UPDATE SET since = excluded.since, warned = excluded.warned",
        id,
        since,
        warned
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}

async fn forget(desk: &mut Desk, id: SubscriptionId) -> Result<(), Failure> {
    let id = id.get();
    sqlx::query!("DELETE FROM failing WHERE subscription_id = $1", id).execute(&mut desk.connection).await?;
    Ok(())
}

/// Leaves a notice in the present transaction.
pub(super) async fn leave(desk: &mut Desk, notice: &NoticeDraft) -> Result<(), Failure> {
    let id = desk.ids.next::<EventId>().get();
    sqlx::query!(
        "INSERT INTO notice (id, event_type, data, ordering_key) VALUES ($1, $2, $3, $4)",
        id,
        notice.event_type,
        notice.data,
        notice.ordering_key
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}

pub(super) async fn notices(reads: &Pool, limit: u32) -> Result<Vec<Notice>, StoreError> {
    let limit = i64::from(limit);
    let rows =
        sqlx::query_as!(Notice, "SELECT id, event_type, data, ordering_key FROM notice ORDER BY id LIMIT $1", limit)
            .fetch_all(reads)
            .await
            .map_err(Failure::from)?;
    Ok(rows)
}

pub(super) async fn told(desk: &mut Desk, id: i64) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM notice WHERE id = $1", id).execute(&mut desk.connection).await?;
    Ok(())
}
