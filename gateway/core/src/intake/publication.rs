//! Publications: events of the platform, committed together, at most once per idempotency key.

use super::people::Cause;
use super::planner::Planner;
use super::{Publication, Publish, Published};
use crate::id::EventId;
use crate::idempotency::{Claimed, StoredAnswer};
use serde::{Deserialize, Serialize};

/// What a publisher hears of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedEvent {
    /// The event, or the first one's where its own key was used before.
    pub id: EventId,
    /// How many deliveries its commit created.
    pub deliveries: usize,
    /// Whether this event's own key was used before, so that nothing was published again.
    pub duplicate: bool,
}

/// The status of an accepted publication: on disk, not yet delivered.
const ACCEPTED: u16 = 202;

impl Planner<'_> {
    pub(super) fn publish(&mut self, publish: &Publish) -> Published {
        if let Some(claim) = &publish.claim
            && let Some((body_hash, answer)) = self.facts.idempotency.get(&claim.key)
        {
            let same = *body_hash == claim.body_hash;
            return Published::Whole(if same { Claimed::Replayed(answer.clone()) } else { Claimed::Mismatch });
        }
        if let Some(index) = self.first_clash(&publish.events) {
            return Published::KeyOfEvent(index);
        }
        let published: Vec<_> = publish.events.iter().map(|event| self.publish_one(event, &publish.origin)).collect();
        let answer = StoredAnswer { status: ACCEPTED, body: published_body(&published, publish.as_list) };
        if let Some(claim) = &publish.claim {
            self.facts.idempotency.insert(claim.key, (claim.body_hash, answer.clone()));
            self.writes.idempotency.push((claim.clone(), answer.clone()));
        }
        Published::Whole(Claimed::Fresh(answer))
    }

    /// The first event whose key was used with other content, before or within this very list.
    fn first_clash(&self, events: &[Publication]) -> Option<usize> {
        let mut within = std::collections::HashMap::new();
        events.iter().position(|event| {
            let Some(claim) = &event.claim else { return false };
            let known = self.facts.idempotency.get(&claim.key).map(|(body_hash, _)| *body_hash);
            let first = known.unwrap_or_else(|| *within.entry(claim.key).or_insert(claim.body_hash));
            first != claim.body_hash
        })
    }

    fn publish_one(&mut self, publication: &Publication, origin: &str) -> PublishedEvent {
        if let Some(first) = publication.claim.as_ref().and_then(|claim| self.first_of(&claim.key)) {
            return PublishedEvent { duplicate: true, ..first };
        }
        let draft = &publication.draft;
        let (id, deliveries) = self.emit(draft, publication.only, None, origin);
        if let Some(customer) = &publication.customer {
            let cause = Cause { name: draft.event_type.as_str(), message_id: None, origin, replace: false };
            self.change_customer(customer, &cause);
        }
        let published = PublishedEvent { id, deliveries, duplicate: false };
        if let Some(claim) = &publication.claim {
            let answer =
                StoredAnswer { status: ACCEPTED, body: published_body(std::slice::from_ref(&published), false) };
            self.facts.idempotency.insert(claim.key, (claim.body_hash, answer.clone()));
            self.writes.idempotency.push((claim.clone(), answer));
        }
        published
    }

    fn first_of(&self, key: &[u8; 32]) -> Option<PublishedEvent> {
        let (_, answer) = self.facts.idempotency.get(key)?;
        // The key's scope is that of single events, so the record is one that `publish_one` wrote.
        serde_json::from_slice(&answer.body).ok()
    }
}

/// The body a publisher is answered with: one object, or `{"data": […]}` for a list.
pub fn published_body(events: &[PublishedEvent], as_list: bool) -> Vec<u8> {
    let one = |event: &PublishedEvent| {
        format!(r#"{{"id":"{}","deliveries":{},"duplicate":{}}}"#, event.id, event.deliveries, event.duplicate)
    };
    let all: Vec<_> = events.iter().map(one).collect();
    let joined = all.join(",");
    if as_list { format!(r#"{{"data":[{joined}]}}"#).into_bytes() } else { joined.into_bytes() }
}
