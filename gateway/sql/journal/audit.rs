//! The audit trail.

use super::page_of;
use crate::corrupt::Reading;
use crate::database::Pool;
use crate::fault::Failure;
use hookwright_core::audit::{AuditDraft, AuditEntry};
use hookwright_store::{Page, PageRequest, StoreError};

pub(super) async fn page(reads: &Pool, page: PageRequest) -> Result<Page<AuditEntry>, StoreError> {
    let (before, limit) = (page.before.unwrap_or(i64::MAX), i64::from(page.limit) + 1);
    let rows = sqlx::query!(
        "SELECT id, at, actor, action, target, reason, request_id, detail, previous, hash
         FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2",
        before,
        limit
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    let read = rows.into_iter().map(|row| {
        let reading = Reading { table: "audit", row: row.id };
        Ok(AuditEntry {
            id: reading.id("id", row.id)?,
            draft: AuditDraft {
                at: row.at,
                actor: row.actor,
                action: row.action,
                target: row.target,
                reason: row.reason,
                request_id: row.request_id,
                detail: row.detail,
            },
            previous: reading.hash("previous", &row.previous)?,
            hash: reading.hash("hash", &row.hash)?,
        })
    });
    Ok(page_of(read.collect::<Result<_, StoreError>>()?, page.limit, |entry: &AuditEntry| entry.id.get()))
}
