//! What the writer tidies between groups, a bounded number of rows at a time.

use crate::desk::Desk;
use crate::fault::Failure;
use hookwright_core::idempotency;

/// Deliveries a transaction ends at most: about a millisecond and a half.
pub(crate) const ROWS_MAX: u64 = 500;

/// De-duplication keys live in periods of seven days and are looked for in the present and the previous one: at least seven days, at most fourteen.
const DEDUPE_PERIOD_MS: i64 = 7 * 86_400_000;

/// The period that a moment's de-duplication keys belong to.
pub(crate) const fn dedupe_period(now_ms: i64) -> i64 {
    now_ms.div_euclid(DEDUPE_PERIOD_MS)
}

/// Keys that were written before this moment are looked for no more, unix milliseconds.
pub(crate) const fn dedupe_looked_for_from(now_ms: i64) -> i64 {
    (dedupe_period(now_ms) - 1).saturating_mul(DEDUPE_PERIOD_MS)
}

/// Removes keys nobody looks for any more, at most `limit`; tells how many went. In the order of their index: a last few among many would otherwise be looked for in the
/// whole table.
pub(crate) async fn forget_keys(desk: &mut Desk, limit: u32) -> Result<u32, Failure> {
    let now_ms = desk.now_ms();
    let (previous, limit) = (dedupe_period(now_ms) - 1, u64::from(limit));
    let room = i64::try_from(limit).unwrap_or(i64::MAX);
    let dedupe = sqlx::query!(
        "DELETE FROM dedupe
         WHERE (period, key) IN (SELECT period, key FROM dedupe WHERE period < $1 ORDER BY period, key LIMIT $2)",
        previous,
        room
    )
    .execute(&mut desk.connection)
    .await?
    .rows_affected();
    let previous = idempotency::period(now_ms) - 1;
    let room = i64::try_from(limit.saturating_sub(dedupe)).unwrap_or(i64::MAX);
    let idempotency = sqlx::query!(
        "DELETE FROM idempotency
         WHERE (period, key) IN (SELECT period, key FROM idempotency WHERE period < $1 ORDER BY period, key LIMIT $2)",
        previous,
        room
    )
    .execute(&mut desk.connection)
    .await?
    .rows_affected();
    Ok(u32::try_from(dedupe + idempotency).unwrap_or(u32::MAX))
}
