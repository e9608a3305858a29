//! Answers, taken apart: each function panics on any other answer than the one it is for.

use crate::Saved;
use hookwright_core::customer::Customer;
use hookwright_core::idempotency::{Claimed, StoredAnswer};
use hookwright_core::intake::{Answer, Published, PublishedEvent, Received};
use serde_json::Value;

pub(super) fn received(answer: Answer) -> Received {
    match answer {
        Answer::Received(received) => received,
        other => panic!("expected the answer of a reception, got {other:?}"),
    }
}

pub(super) fn resumed(answer: Answer) -> Option<Received> {
    match answer {
        Answer::Resumed(resumed) => resumed,
        other => panic!("expected the answer of a resumption, got {other:?}"),
    }
}

pub(super) fn customer(answer: Answer) -> (Customer, bool) {
    match answer {
        Answer::Customer(customer, fresh) => (*customer, fresh),
        other => panic!("expected the answer of a customer, got {other:?}"),
    }
}

pub(super) fn expired(answer: &Answer) -> u32 {
    match answer {
        Answer::Expired(count) => *count,
        other => panic!("expected the answer of an expiry, got {other:?}"),
    }
}

pub(super) fn published(answer: Answer) -> Published {
    match answer {
        Answer::Published(published) => published,
        other => panic!("expected the answer of a publication, got {other:?}"),
    }
}

/// The stored answer of a publication, and whether it was a replay.
pub(super) fn whole(answer: Answer) -> (StoredAnswer, bool) {
    match published(answer) {
        Published::Whole(Claimed::Fresh(answer)) => (answer, false),
        Published::Whole(Claimed::Replayed(answer)) => (answer, true),
        other => panic!("expected a publication that was taken, got {other:?}"),
    }
}

/// The events of a publication's answer, one or a list.
pub(super) fn events(answer: &StoredAnswer) -> Vec<PublishedEvent> {
    let body: Value = serde_json::from_slice(&answer.body).expect("the answer is JSON");
    match body.get("data") {
        Some(list) => serde_json::from_value(list.clone()).expect("a list of published events"),
        None => vec![serde_json::from_value(body).expect("a published event")],
    }
}

pub(super) fn saved<T: std::fmt::Debug>(saved: Saved<T>) -> T {
    match saved {
        Claimed::Fresh(record) => record,
        other => panic!("expected the effect to take place, got {other:?}"),
    }
}
