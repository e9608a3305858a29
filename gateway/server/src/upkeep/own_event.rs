//! Events of the gateway's own, each published once: its key is made of what it tells of.

use super::ChoreError;
use hookwright_core::event::EventDraft;
use hookwright_core::idempotency::Claim;
use hookwright_core::intake::{Publication, Publish, Work};

/// The publication of an event under a key that keeps another node, or this one after a restart, from publishing it again. The key alone counts: what the data says may
/// have changed between two tries, and it is the same event all the same.
pub(super) fn own_event(
    event_type: &str,
    data: String,
    ordering_key: Option<String>,
    key: [u8; 32],
) -> Result<Work, ChoreError> {
    let Ok(event_type) = event_type.parse() else { return Err(ChoreError::Stuck) };
    let event = Publication {
        draft: EventDraft {
            event_type,
            data: data.into_boxed_str(),
            ordering_key: ordering_key.map(String::into_boxed_str),
        },
        customer: None,
        claim: Some(Claim { key, body_hash: key }),
        only: None,
    };
    let publish =
        Publish { events: vec![event], as_list: false, claim: None, origin: "system".to_owned(), request_id: None };
    Ok(Work::Publish(Box::new(publish)))
}
