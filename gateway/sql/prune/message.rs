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
    Ok(remove(desk, range, before_ms, limit, false).await?.0.pruned(limit))
}

/// Removes messages that did not come to an end, each with a word in the audit.
pub(super) async fn prune_unfinished(
    desk: &mut Desk,
    range: Range,
    before_ms: i64,
    limit: i64,
) -> Result<Pruned, Failure> {
    let (looked, gone) = remove(desk, range, before_ms, limit, true).await?;
    for (id, status) in gone {
        if let Ok(id) = MessageId::from_i64(id) {
            let at = desk.now_ms();
            desk.audit(expired(at, id, &status)).await?;
        }
    }
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

/// Removes those that came to an end, or those that did not; tells what was looked at, and what went with its status.
async fn remove(
    desk: &mut Desk,
    range: Range,
    before_ms: i64,
    limit: i64,
    unfinished: bool,
) -> Result<(Looked, Vec<(i64, String)>), Failure> {
    let before_ms = before_ms.min(dedupe_looked_for_from(desk.now_ms()));
    let rows = sqlx::query!(
        r#"SELECT id, status IN ('quarantined', 'waiting', 'held', 'fetching') AS "unfinished!: bool", updated_at
           FROM message WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3"#,
        range.after,
        range.end,
        limit
    )
    .fetch_all(&mut desk.connection)
    .await?;
    let mut looked = Looked::default();
    for row in rows {
        looked.at(row.id, row.unfinished == unfinished && row.updated_at < before_ms);
    }
    // Where others write meanwhile, one may have changed since it was looked at.
    let chosen = looked.ids();
    let gone = sqlx::query!(
        r#"DELETE FROM message
           WHERE id IN (SELECT value FROM json_each($1)) AND updated_at < $2 AND (status IN ('quarantined', 'waiting', 'held', 'fetching')) = $3
           RETURNING id AS "id!: i64", status AS "status!: String""#,
        chosen,
        before_ms,
        unfinished
    )
    .fetch_all(&mut desk.connection)
    .await?;
    let mut gone: Vec<(i64, String)> = gone.into_iter().map(|row| (row.id, row.status)).collect();
    gone.sort_unstable();
    looked.going = gone.iter().map(|(id, _)| *id).collect();
    let ids = looked.ids();
    sqlx::query!("DELETE FROM resumable WHERE message_id IN (SELECT value FROM json_each($1))", ids)
        .execute(&mut desk.connection)
        .await?;
    Ok((looked, gone))
}
