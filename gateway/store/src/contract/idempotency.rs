//! Idempotency keys of publications: the request's own, and each event's.

use super::operator::{OPERATOR, claim, publication, publish};
use super::subscriber::subscribe;
use super::trial::Trial;
use super::{Factory, answer};
use hookwright_core::idempotency::{Claimed, PERIOD_MS};
use hookwright_core::intake::{Publication, Publish, Published, Work};

fn with_key(key: &str, body: &str) -> Work {
    Work::Publish(Box::new(Publish { claim: Some(claim(key, body)), ..publish("order.placed", body) }))
}

fn list_with_keys(events: &[(&str, &str)]) -> Work {
    let events = events
        .iter()
        .map(|(key, data)| Publication { claim: Some(claim(key, data)), ..publication("order.placed", data) })
        .collect();
    Work::Publish(Box::new(Publish { events, as_list: true, ..publish("order.placed", "{}") }))
}

/// The same key with the same body is answered as the first time, and nothing is published again.
pub async fn a_replay_gets_the_first_answer_and_publishes_nothing(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let (first, replayed) = answer::whole(trial.submit(with_key("k", "{}")).await);
    assert!(!replayed);
    trial.clock.advance(1_000);
    let (second, replayed) = answer::whole(trial.submit(with_key("k", "{}")).await);
    assert!(replayed);
    assert_eq!(second, first);
    assert_eq!(trial.events(None).await.len(), 1);
    assert_eq!(trial.pending().await.len(), 1);
    assert_eq!(trial.store.claimed(claim("k", "{}")).await.unwrap(), Some(Claimed::Replayed(first)));
    assert_eq!(trial.store.claimed(claim("k", "[]")).await.unwrap(), Some(Claimed::Mismatch));
    assert_eq!(trial.store.claimed(claim("other", "{}")).await.unwrap(), None);
}

/// The same key with another body is refused, and nothing is published.
pub async fn another_body_under_a_used_key_is_refused(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let (first, _) = answer::whole(trial.submit(with_key("k", "{}")).await);
    let refused = answer::published(trial.submit(with_key("k", "[]")).await);
    assert!(matches!(refused, Published::Whole(Claimed::Mismatch)), "{refused:?}");
    assert_eq!(trial.events(None).await.len(), 1);
    let (again, replayed) = answer::whole(trial.submit(with_key("k", "{}")).await);
    assert_eq!((again, replayed), (first, true), "the refusal changed nothing of the key");
}

/// Of requests with one key that come in the same moment, one publishes, and all with its body get its answer.
pub async fn one_of_many_at_once_publishes(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut works = vec![with_key("k", "{}"); 40];
    works.extend(vec![with_key("k", "[]"); 10]);
    let mut fresh = Vec::new();
    let mut replays = Vec::new();
    let mut mismatches = 0;
    for answer in trial.submit_at_once(works).await {
        match answer::published(answer) {
            Published::Whole(Claimed::Fresh(answer)) => fresh.push(answer),
            Published::Whole(Claimed::Replayed(answer)) => replays.push(answer),
            Published::Whole(Claimed::Mismatch) => mismatches += 1,
            other @ Published::KeyOfEvent(_) => panic!("no event had a key of its own: {other:?}"),
        }
    }
    assert_eq!(fresh.len(), 1);
    assert!(replays.iter().all(|replay| *replay == fresh[0]));
    assert!(mismatches == 10 || mismatches == 40, "one body won and the other lost, found {mismatches} refused");
    assert_eq!(1 + replays.len() + mismatches, 50);
    assert_eq!(trial.events(None).await.len(), 1);
}

/// An event's own key makes it once: in a later request, in the same moment, and within one list.
pub async fn an_events_own_key_makes_it_once(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let (first, _) = answer::whole(trial.submit(list_with_keys(&[("a", "{}"), ("b", "[]"), ("a", "{}")])).await);
    let first = answer::events(&first);
    assert_eq!(first.iter().map(|event| event.duplicate).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(first[0].id, first[2].id);

    let (second, _) = answer::whole(trial.submit(list_with_keys(&[("c", "{}"), ("b", "[]")])).await);
    let second = answer::events(&second);
    assert_eq!(second.iter().map(|event| event.duplicate).collect::<Vec<_>>(), [false, true]);
    assert_eq!(second[1].id, first[1].id);
    assert_eq!(trial.events(None).await.len(), 3);

    let answers = trial.submit_at_once(vec![list_with_keys(&[("d", "{}")]); 20]).await;
    let made = answers.into_iter().map(|answer| answer::events(&answer::whole(answer).0)[0].duplicate);
    assert_eq!(made.filter(|duplicate| !duplicate).count(), 1);
    assert_eq!(trial.events(None).await.len(), 4);
}

/// One event whose key was used for other data stops its list: the answer names it, and nothing of the list is published.
pub async fn a_clash_of_one_event_stops_the_whole_list(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.submit(list_with_keys(&[("a", "{}")])).await;
    let clash = answer::published(trial.submit(list_with_keys(&[("b", "{}"), ("a", "[]"), ("c", "{}")])).await);
    assert!(matches!(clash, Published::KeyOfEvent(1)), "{clash:?}");
    assert_eq!(trial.events(None).await.len(), 1);
    let (retried, _) = answer::whole(trial.submit(list_with_keys(&[("b", "{}")])).await);
    assert!(!answer::events(&retried)[0].duplicate, "a key of a list that was stopped stays free");
    let rows = trial.events(None).await;
    assert!(rows.iter().all(|row| row.origin == OPERATOR), "the publisher is on record");
}

/// A key is known for a day at least, is forgotten some days later, and forgetting takes no more than it was asked to at once.
pub async fn a_key_is_kept_a_day_and_forgotten_in_time(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for number in 0..5 {
        trial.submit(with_key(&format!("k{number}"), "{}")).await;
    }
    trial.clock.advance(PERIOD_MS - 1);
    assert_eq!(trial.store.forget_keys(1_000).await.unwrap(), 0, "no period is over");
    assert!(answer::whole(trial.submit(with_key("k0", "{}")).await).1, "known for a day");

    trial.clock.advance(3 * PERIOD_MS);
    assert_eq!(trial.store.forget_keys(2).await.unwrap(), 2);
    assert_eq!(trial.store.forget_keys(1_000).await.unwrap(), 3);
    assert_eq!(trial.store.forget_keys(1_000).await.unwrap(), 0);
    assert!(!answer::whole(trial.submit(with_key("k0", "[]")).await).1, "the key is free again");
    assert_eq!(trial.events(None).await.len(), 6);
}
