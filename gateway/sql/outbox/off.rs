//! Switching a subscription off, whatever the reason.

use crate::catalog::subscription;
use crate::desk::Desk;
use crate::fault::Failure;
use hookwright_core::audit::AuditDraft;
use hookwright_core::id::SubscriptionId;
use hookwright_core::subscription::Subscription;
use std::sync::Arc;

/// Switches a subscription off, and tells what it was before; nothing if it is off already, or gone.
pub(super) async fn switch_off(
    desk: &mut Desk,
    id: SubscriptionId,
    reason: &str,
    detail: String,
) -> Result<Option<Arc<Subscription>>, Failure> {
    let Some(old) = desk.directory.subscription(id).filter(|old| old.active) else { return Ok(None) };
    let now_ms = desk.now_ms();
    let new = Subscription {
        active: false,
        disabled_reason: Some(reason.to_owned()),
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
        detail,
    })
    .await?;
    Ok(Some(old))
}
