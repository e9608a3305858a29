//! Notices of the gateway's own, published as events: the notice is the order to publish it, so that no end of the process loses one, and the event's own key keeps it
//! from being published twice.

use super::{ChoreError, Parts};
use hookwright_core::event::EventDraft;
use hookwright_core::idempotency::{Claim, hash};
use hookwright_core::intake::{Publication, Publish, Work};
use hookwright_store::Notice;
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
            parts.store.submit(Work::Publish(Box::new(publication(notice)?))).await?;
            parts.store.notice_told(id).await?;
        }
    }
}

fn publication(notice: Notice) -> Result<Publish, ChoreError> {
    let Ok(event_type) = notice.event_type.parse() else { return Err(ChoreError::Stuck) };
    let key = hash(&[b"notice", &notice.id.to_be_bytes()]);
    let event = Publication {
        draft: EventDraft {
            event_type,
            data: notice.data.into_boxed_str(),
            ordering_key: notice.ordering_key.map(String::into_boxed_str),
        },
        customer: None,
        claim: Some(Claim { key, body_hash: key }),
        only: None,
    };
    Ok(Publish { events: vec![event], as_list: false, claim: None, origin: "system".to_owned(), request_id: None })
}
