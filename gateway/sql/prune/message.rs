//! Old messages: those that came to an end, and those that did not.

use super::{Looked, Range};
use crate::desk::Desk;
use crate::fault::Failure;
use crate::sweep::dedupe_looked_for_from;
use hookwright_core::audit::AuditDraft;
use hookwright_core::id::MessageId;
use hookwright_store::Pruned;

/// Removes messages that came to an end and did not change since. One that changed within the periods of de-duplication stays: a repeat of it is answered from it.
pub(super) async fn prune_finished(
    desk: &mut Desk,
    range: Range,
    before_ms: i64,
    limit: i64,
) -> Result<Pruned, Failure> {
    let before_ms = before_ms.min(dedupe_looked_for_from(desk.now_ms()));
    let rows = sqlx::query!(
        r#"SELECT id, status IN ('quarantined', 'waiting', 'held') AS "unfinished!: bool", updated_at
           FROM message WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3"#,
        range.after,
        range.end,
        limit
    )
    .fetch_all(&mut desk.connection)
    .await?;
    let mut looked = Looked::default();
    for row in rows {
        looked.at(row.id, !row.unfinished && row.updated_at < before_ms);
    }
    remove(desk, &looked).await?;
    Ok(looked.pruned(limit))
}

/// Removes messages that did not come to an end, each with a word in the audit.
pub(super) async fn prune_unfinished(
    desk: &mut Desk,
    range: Range,
    before_ms: i64,
    limit: i64,
) -> Result<Pruned, Failure> {
    let before_ms = before_ms.min(dedupe_looked_for_from(desk.now_ms()));
    let rows = sqlx::query!(
        r#"SELECT id, status, updated_at, status IN ('quarantined', 'waiting', 'held') AS "unfinished!: bool"
           FROM message WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3"#,
        range.after,
        range.end,
        limit
    )
    .fetch_all(&mut desk.connection)
    .await?;
    let mut looked = Looked::default();
    for row in rows {
        let goes = row.unfinished && row.updated_at < before_ms;
        looked.at(row.id, goes);
        if goes && let Ok(id) = MessageId::from_i64(row.id) {
            let at = desk.now_ms();
            desk.audit(expired(at, id, &row.status)).await?;
        }
    }
    remove(desk, &looked).await?;
    Ok(looked.pruned(limit))
}

fn expired(at: i64, id: MessageId, status: &str) -> AuditDraft {
    AuditDraft {
        at,
        actor: "system".to_owned(),
        action: "message.expired".to_owned(),
        target: id.to_string(),
        reason: None,
        request_id: None,
        detail: format!("status={status}"),
    }
}

async fn remove(desk: &mut Desk, looked: &Looked) -> Result<(), Failure> {
    let ids = looked.ids();
    sqlx::query!("DELETE FROM resumable WHERE message_id IN (SELECT value FROM json_each($1))", ids)
        .execute(&mut desk.connection)
        .await?;
    sqlx::query!("DELETE FROM message WHERE id IN (SELECT value FROM json_each($1))", ids)
        .execute(&mut desk.connection)
        .await?;
    Ok(())
}
