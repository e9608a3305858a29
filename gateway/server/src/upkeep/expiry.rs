//! Establishments whose time is up.

use super::{ChoreError, Parts};
use hookwright_core::intake::{Answer, Expire, Work};
use std::time::Duration;

/// Establishments in one transaction.
const BATCH: u32 = 256;
/// The longest wait: a system's clock may jump, and sleep does not see it.
const LOOK_EVERY: Duration = Duration::from_mins(1);

pub(super) async fn round(parts: &Parts) -> Result<Duration, ChoreError> {
    loop {
        let Some(next) = parts.store.next_lapse().await? else {
            return Ok(LOOK_EVERY);
        };
        let left = next.saturating_sub(parts.clock.now_ms());
        if left > 0 {
            return Ok(Duration::from_millis(left.unsigned_abs()).min(LOOK_EVERY));
        }
        let answer = parts.store.submit(Work::Expire(Expire { limit: BATCH })).await?;
        if !matches!(answer, Answer::Expired(1..)) {
            // The store says that one lapsed, and none did: asking again at once would turn in a circle.
            return Err(ChoreError::Stuck);
        }
    }
}
