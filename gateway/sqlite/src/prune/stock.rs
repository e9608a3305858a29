//! How much of a kind there is, and how much of it is old.

use super::Range;
use crate::fault::Failure;
use hookwright_core::id::created_at_ms;
use hookwright_store::{RecordKind, Stock, StoreError};
use sqlx::SqlitePool;

/// The oldest of a kind, and how many of the range there are, up to a limit.
pub(super) async fn of(reads: &SqlitePool, kind: RecordKind, range: Range, limit: u32) -> Result<Stock, StoreError> {
    let (Range { after, end }, limit) = (range, i64::from(limit));
    let (oldest, expired) = match kind {
        RecordKind::Events => {
            let row = sqlx::query!(
                r#"SELECT (SELECT min(id) FROM event) AS "oldest: i64",
                          (SELECT count(*) FROM (SELECT 1 FROM event WHERE id > $1 AND id < $2 LIMIT $3)) AS "expired!: i64""#,
                after,
                end,
                limit
            );
            let row = row.fetch_one(reads).await.map_err(Failure::from)?;
            (row.oldest, row.expired)
        }
        RecordKind::Attempts => {
            let row = sqlx::query!(
                r#"SELECT (SELECT min(id) FROM attempt) AS "oldest: i64",
                          (SELECT count(*) FROM (SELECT 1 FROM attempt WHERE id > $1 AND id < $2 LIMIT $3)) AS "expired!: i64""#,
                after,
                end,
                limit
            );
            let row = row.fetch_one(reads).await.map_err(Failure::from)?;
            (row.oldest, row.expired)
        }
        RecordKind::Messages => finished(reads, range, limit).await?,
        RecordKind::UnfinishedMessages => unfinished(reads, range, limit).await?,
        RecordKind::Audit => {
            let row = sqlx::query!(
                r#"SELECT (SELECT min(id) FROM audit) AS "oldest: i64",
                          (SELECT count(*) FROM (SELECT 1 FROM audit WHERE id > $1 AND id < $2 LIMIT $3)) AS "expired!: i64""#,
                after,
                end,
                limit
            );
            let row = row.fetch_one(reads).await.map_err(Failure::from)?;
            (row.oldest, row.expired)
        }
    };
    Ok(Stock { oldest_ms: oldest.map(created_at_ms), expired: u32::try_from(expired).unwrap_or(u32::MAX) })
}

/// The index over states has each state's oldest at its beginning.
async fn finished(reads: &SqlitePool, range: Range, limit: i64) -> Result<(Option<i64>, i64), Failure> {
    let row = sqlx::query!(
        r#"SELECT (SELECT min(m.id) FROM (SELECT (SELECT min(id) FROM message WHERE status = value) AS id
                                          FROM json_each('["processed", "ignored", "rejected"]')) AS m) AS "oldest: i64",
                  (SELECT count(*) FROM (SELECT 1 FROM json_each('["processed", "ignored", "rejected"]') CROSS JOIN message AS m
                                         ON m.status = value AND m.id > $1 AND m.id < $2 LIMIT $3)) AS "expired!: i64""#,
        range.after,
        range.end,
        limit
    )
    .fetch_one(reads)
    .await?;
    Ok((row.oldest, row.expired))
}

async fn unfinished(reads: &SqlitePool, range: Range, limit: i64) -> Result<(Option<i64>, i64), Failure> {
    let row = sqlx::query!(
        r#"SELECT (SELECT min(m.id) FROM (SELECT (SELECT min(id) FROM message WHERE status = value) AS id
                                          FROM json_each('["quarantined", "waiting", "held", "fetching"]')) AS m) AS "oldest: i64",
                  (SELECT count(*) FROM (SELECT 1 FROM json_each('["quarantined", "waiting", "held", "fetching"]') CROSS JOIN message AS m
                                         ON m.status = value AND m.id > $1 AND m.id < $2 LIMIT $3)) AS "expired!: i64""#,
        range.after,
        range.end,
        limit
    )
    .fetch_one(reads)
    .await?;
    Ok((row.oldest, row.expired))
}
