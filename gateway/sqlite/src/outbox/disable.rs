//! An attempt that switches its subscription off, such as one that was answered with 410: both in one transaction.

use super::fare;
use crate::catalog::subscription;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::finish::Ending;
use hookwright_core::audit::AuditDraft;
use hookwright_core::delivery::Finish;
use hookwright_core::id::SubscriptionId;
use hookwright_core::notice;
use hookwright_core::subscription::Subscription;
use hookwright_store::Finished;
use std::sync::Arc;

pub(super) async fn finish(desk: &mut Desk, finish: Finish) -> Result<Finished, Failure> {
    let (subscription_id, delivery_id) = (finish.attempt.subscription_id, finish.attempt.delivery_id);
    let reason = finish.disable_subscription.clone();
    if Ending::of_attempt(finish, &desk.sealer).write(&desk.direct)? == Finished::Stale {
        return Ok(Finished::Stale);
    }
    if let Some(reason) = reason {
        let detail = format!("reason={reason} delivery={delivery_id}");
        if let Some(old) = switch_off(desk, subscription_id, &reason, detail).await? {
            let notice = notice::disabled(&old, &reason, None, desk.now_ms());
            fare::leave(desk, &notice).await?;
        }
    }
    Ok(Finished::Applied)
}

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
