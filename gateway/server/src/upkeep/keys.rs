//! Forgetting keys of de-duplication and idempotency whose time is over.

use super::{ChoreError, Parts};
use std::time::Duration;

/// Keys in one transaction.
const BATCH: u32 = 2_000;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// Between two batches, so that intake goes first.
const BREATH: Duration = Duration::from_millis(200);

pub(super) async fn round(parts: &Parts) -> Result<Duration, ChoreError> {
    let dropped = parts.store.forget_keys(BATCH).await?;
    Ok(if dropped < BATCH { LOOK_EVERY } else { BREATH })
}
