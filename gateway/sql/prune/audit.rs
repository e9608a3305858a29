//! The audit's beginning: what goes leaves the hash that the next entry names.

use super::{Looked, Range};
use crate::corrupt::Reading;
use crate::database::Pool;
use crate::desk::Desk;
use crate::fault::Failure;
use hookwright_store::{AuditAnchor, Pruned, StoreError};

/// Removes entries from the oldest on, and never the newest, on which the chain goes on.
pub(super) async fn prune(desk: &mut Desk, range: Range, limit: i64) -> Result<Pruned, Failure> {
    let rows = sqlx::query!(
        "SELECT id, hash FROM audit WHERE id < $1 AND id < (SELECT max(id) FROM audit) ORDER BY id LIMIT $2",
        range.end,
        limit
    )
    .fetch_all(&mut desk.connection)
    .await?;
    let Some(last) = rows.last() else { return Ok(Pruned::default()) };
    let anchor = [&last.id.to_be_bytes(), &last.hash[..]].concat();
    let mut looked = Looked::default();
    for row in &rows {
        looked.at(row.id, true);
    }
    sqlx::query!("DELETE FROM audit WHERE id <= $1", looked.last).execute(&mut desk.connection).await?;
    sqlx::query!(
        "INSERT INTO meta (name, value) VALUES ('audit_anchor', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        anchor
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(looked.pruned(limit))
}

/// The last entry that went.
pub(super) async fn anchor(reads: &Pool) -> Result<Option<AuditAnchor>, StoreError> {
    let row = sqlx::query!("SELECT value FROM meta WHERE name = 'audit_anchor'").fetch_optional(reads).await;
    let Some(row) = row.map_err(Failure::from)? else { return Ok(None) };
    let reading = Reading { table: "meta", row: "audit_anchor" };
    let (id, hash) = row.value.split_first_chunk().ok_or_else(|| reading.corrupt("value"))?;
    Ok(Some(AuditAnchor { id: reading.id("value", i64::from_be_bytes(*id))?, hash: reading.hash("value", hash)? }))
}
