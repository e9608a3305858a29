//! Notices of the gateway's own, published as events: the notice is the order to publish it, so that no end of the process loses one, and the event's own key keeps it
//! from being published twice.

use super::own_event::own_event;
use super::{ChoreError, Parts};
use hookwright_core::idempotency::hash;
use std::time::Duration;

/// Notices that are read together.
const BATCH: u32 = 32;
/// Between two looks without a nudge.
const LOOK_EVERY: Duration = Duration::from_secs(30);

pub(super) async fn round(parts: &Parts) -> Result<Duration, ChoreError> {
    loop {
        let notices = parts.store.notices(BATCH).await?;
        if notices.is_empty() {
            return Ok(LOOK_EVERY);
        }
        for notice in notices {
            let id = notice.id;
            let key = hash(&[b"notice", &id.to_be_bytes()]);
            let work = own_event(&notice.event_type, notice.data, notice.ordering_key, key)?;
            parts.store.submit(work).await?;
            parts.store.notice_told(id).await?;
        }
    }
}
