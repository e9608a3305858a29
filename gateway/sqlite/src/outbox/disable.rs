//! An attempt that switches its subscription off, such as one that was answered with 410: both in one transaction.

use crate::catalog::subscription;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::finish::FinishRows;
use crate::statement;
use hookwright_core::audit::AuditDraft;
use hookwright_core::delivery::Finish;
use hookwright_core::subscription::Subscription;
use hookwright_store::Finished;
use std::iter;

pub(super) async fn finish(desk: &mut Desk, finish: Finish) -> Result<Finished, Failure> {
    let rows = FinishRows::of(iter::once(&finish), iter::empty(), &desk.sealer);
    let nothing: Option<String> = None;
    let moved = sqlx::query(statement::FINISH_WITHIN)
        .bind(nothing.clone())
        .bind(nothing.clone())
        .bind(nothing)
        .bind(rows.finished)
        .bind(rows.exchanges)
        .fetch_all(&mut desk.connection)
        .await?;
    if moved.is_empty() {
        return Ok(Finished::Stale);
    }
    if let Some(reason) = finish.disable_subscription.clone()
        && let Some(old) = desk.directory.subscription(finish.attempt.subscription_id)
        && old.active
    {
        let now_ms = desk.now_ms();
        let new = Subscription {
            active: false,
            disabled_reason: Some(reason.clone()),
            updated_at: now_ms,
            version: old.version + 1,
            ..Subscription::clone(&old)
        };
        subscription::write(desk, new).await?;
        desk.audit(AuditDraft {
            at: now_ms,
            actor: "system".to_owned(),
            action: "subscription.disabled".to_owned(),
            target: old.id.to_string(),
            reason: None,
            request_id: None,
            detail: format!("reason={reason} delivery={}", finish.attempt.delivery_id),
        })
        .await?;
    }
    Ok(Finished::Applied)
}
