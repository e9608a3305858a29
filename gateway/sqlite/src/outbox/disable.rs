//! An attempt that switches its subscription off, such as one that was answered with 410: both in one transaction.

use super::fare;
use super::off::switch_off;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::finish::Ending;
use hookwright_core::delivery::Finish;
use hookwright_core::notice;
use hookwright_store::Finished;

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
