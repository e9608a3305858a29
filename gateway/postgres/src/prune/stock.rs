//! How much of a kind there is, and how much of it is old.

use super::Range;
use crate::database::Pool;
use crate::fault::Failure;
use hookwright_core::id::created_at_ms;
use hookwright_store::{RecordKind, Stock, StoreError};

/// The oldest of a kind, and how many of the range there are, up to a limit.
pub(super) async fn of(reads: &Pool, kind: RecordKind, range: Range, limit: u32) -> Result<Stock, StoreError> {
    let limit = i64::from(limit);
    let (oldest, expired) = match kind {
        RecordKind::Events => return Ok(stock(events(reads, range, limit).await?)),
        RecordKind::Attempts => attempts(reads, range, limit).await?,
        RecordKind::Messages => messages(reads, range, limit, &["processed", "ignored", "rejected"]).await?,
        RecordKind::UnfinishedMessages => {
            messages(reads, range, limit, &["quarantined", "waiting", "held", "fetching"]).await?
        }
        RecordKind::Audit => audit(reads, range, limit).await?,
    };
    Ok(stock((oldest.map(created_at_ms), expired)))
}

fn stock((oldest_ms, expired): (Option<i64>, i64)) -> Stock {
    Stock { oldest_ms, expired: u32::try_from(expired).unwrap_or(u32::MAX) }
}

/// Their ids are the cluster's own, which may run ahead of the clock: an event says itself when it was made.
async fn events(reads: &Pool, range: Range, limit: i64) -> Result<(Option<i64>, i64), Failure> {
    let row = sqlx::query!(
        r#"SELECT (SELECT created_at FROM event ORDER BY id LIMIT 1) AS "oldest?",
                  (SELECT count(*) FROM (SELECT 1 FROM event WHERE id > $1 AND id < $2 LIMIT $3) AS old) AS "expired!""#,
        range.after,
        range.end,
        limit
    )
    .fetch_one(reads)
    .await?;
    Ok((row.oldest, row.expired))
}

/// They stand in the order of their deliveries, each of which is older than its attempts.
async fn attempts(reads: &Pool, range: Range, limit: i64) -> Result<(Option<i64>, i64), Failure> {
    let row = sqlx::query!(
        r#"SELECT (SELECT id FROM attempt ORDER BY delivery_id, number, node_id LIMIT 1) AS "oldest?",
                  (SELECT count(*) FROM (SELECT 1 FROM attempt WHERE delivery_id > $1 AND delivery_id < $2 AND id < $2 LIMIT $3) AS old) AS "expired!""#,
        range.after,
        range.end,
        limit
    )
    .fetch_one(reads)
    .await?;
    Ok((row.oldest, row.expired))
}

/// The index over states has each state's oldest at its beginning.
async fn messages(reads: &Pool, range: Range, limit: i64, states: &[&str]) -> Result<(Option<i64>, i64), Failure> {
    let states: Vec<String> = states.iter().map(|state| (*state).to_owned()).collect();
    let row = sqlx::query!(
        r#"SELECT (SELECT min(o.id) FROM unnest($4::text[]) AS s (status)
                   CROSS JOIN LATERAL (SELECT m.id FROM message AS m WHERE m.status = s.status ORDER BY m.id LIMIT 1) AS o) AS "oldest?",
                  (SELECT count(*) FROM (SELECT 1 FROM unnest($4::text[]) AS s (status)
                                         CROSS JOIN LATERAL (SELECT 1 FROM message AS m WHERE m.status = s.status AND m.id > $1 AND m.id < $2 LIMIT $3) AS o
                                         LIMIT $3) AS old) AS "expired!""#,
        range.after,
        range.end,
        limit,
        &states
    )
    .fetch_one(reads)
    .await?;
    Ok((row.oldest, row.expired))
}

async fn audit(reads: &Pool, range: Range, limit: i64) -> Result<(Option<i64>, i64), Failure> {
    let row = sqlx::query!(
        r#"SELECT (SELECT min(id) FROM audit) AS "oldest?",
                  (SELECT count(*) FROM (SELECT 1 FROM audit WHERE id > $1 AND id < $2 LIMIT $3) AS old) AS "expired!""#,
        range.after,
        range.end,
        limit
    )
    .fetch_one(reads)
    .await?;
    Ok((row.oldest, row.expired))
}
