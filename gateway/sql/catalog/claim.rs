//! Claims on idempotency keys that go with administrative changes.

use crate::corrupt::Reading;
use crate::database::Database;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::sealer::{Sealer, column};
use crate::store::Shared;
use hookwright_core::idempotency::{Claim, Claimed, StoredAnswer, period};
use hookwright_store::{Change, StoreError};
use sqlx::Executor;

/// What was answered to a change's claim before, if it was made before.
pub(crate) async fn prior<T>(desk: &mut Desk, change: &Change) -> Result<Option<Claimed<T>>, Failure> {
    let Some((claim, _)) = &change.claim else { return Ok(None) };
    let now_ms = desk.now_ms();
    find(&mut desk.connection, &desk.sealer, claim, now_ms).await
}

/// Keeps a change's claim with the answer that goes with it. A key of an older period that is kept still is taken for the same.
pub(crate) async fn keep(desk: &mut Desk, change: &Change) -> Result<(), Failure> {
    let Some((claim, answer)) = &change.claim else { return Ok(()) };
    let body = desk.sealer.seal(column::idempotency_body(&claim.key), &answer.body);
    let (period, key, body_hash) = (period(desk.now_ms()), &claim.key[..], &claim.body_hash[..]);
    let status = i64::from(answer.status);
    sqlx::query!(
        "INSERT INTO idempotency (period, key, body_hash, status, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        period,
        key,
        body_hash,
        status,
        body
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}

/// What was answered to a claim before, for whoever only asks.
pub(super) async fn look_up(shared: &Shared, claim: Claim) -> Result<Option<Claimed<()>>, StoreError> {
    let now_ms = shared.ids.clock().now_ms();
    Ok(find(&shared.reads, &shared.sealer, &claim, now_ms).await?)
}

async fn find<T>(
    database: impl Executor<'_, Database = Database>,
    sealer: &Sealer,
    claim: &Claim,
    now_ms: i64,
) -> Result<Option<Claimed<T>>, Failure> {
    let (present, previous, key) = (period(now_ms), period(now_ms) - 1, &claim.key[..]);
    let row = sqlx::query!(
        "SELECT body_hash, status, body FROM idempotency WHERE period IN ($1, $2) AND key = $3 LIMIT 1",
        present,
        previous,
        key
    )
    .fetch_optional(database)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.body_hash != claim.body_hash {
        return Ok(Some(Claimed::Mismatch));
    }
    let status = Reading { table: "idempotency", row: "(a hash)" }.number("status", row.status)?;
    let body = sealer.open(column::idempotency_body(&claim.key), &row.body)?;
    Ok(Some(Claimed::Replayed(StoredAnswer { status, body })))
}
