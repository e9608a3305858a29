//! Repeats: by which ids a message is recognised, for how long, and that a repeat has no second effect.

use super::partner::{accepted, accepted_as, completed, receive, receiving, refused, source_id};
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::MessageFilter;
use hookwright_core::catalogue;
use hookwright_core::establishment::DAY_MS;
use hookwright_core::intake::{Receive, Received};
use hookwright_core::message::{MessageStatus, Parsed, RawMessage};

async fn send(trial: &Trial<'_>, transport_id: Option<&str>, parsed: Parsed) -> Received {
    let transport_id = transport_id.map(str::to_owned);
    let received = Receive { transport_id, ..receive(trial, parsed) };
    answer::received(trial.submit(receiving(received)).await)
}

fn consultation() -> Parsed {
    accepted(vec![completed("cus_xyz", START_MS)])
}

/// Answered like the first, marked as a repeat, and nothing is kept or fired again.
async fn assert_repeat_of(trial: &Trial<'_>, first: &Received, second: &Received) {
    assert!(second.duplicate);
    assert_eq!(*second, Received { duplicate: true, ..first.clone() });
    assert_eq!(trial.messages(MessageFilter::default()).await.len(), 1);
    assert_eq!(trial.events(Some(catalogue::ESTABLISHMENT_FULFILLED)).await.len(), 1);
    assert_eq!(trial.audited("message.duplicate").await, 1);
}

/// The id that verification found (`webhook-id` and the like) is a message's name, whatever the body says.
pub async fn a_repeat_by_the_transports_id_has_no_second_effect(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let first = send(&trial, Some("msg_1"), consultation()).await;
    trial.clock.advance(1_000);
    let later = accepted(vec![completed("cus_xyz", START_MS + 500)]);
    let second = send(&trial, Some("msg_1"), later).await;
    assert_repeat_of(&trial, &first, &second).await;
}

/// So is the partner's own id, under whatever transport id it comes again.
pub async fn a_repeat_by_the_partners_id_has_no_second_effect(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let parsed = || accepted_as("call_7", vec![completed("cus_xyz", START_MS)]);
    let first = send(&trial, Some("msg_1"), parsed()).await;
    let second = send(&trial, Some("msg_2"), parsed()).await;
    assert_repeat_of(&trial, &first, &second).await;
}

/// Without any id, the same content is a repeat; with one, it is not.
pub async fn a_repeat_by_content_counts_only_without_ids(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let one = receive(&trial, consultation());
    let first = answer::received(trial.submit(receiving(one.clone())).await);
    let again = Receive { message_id: trial.ids.next(), ..one.clone() };
    let second = answer::received(trial.submit(receiving(again)).await);
    assert_repeat_of(&trial, &first, &second).await;

    let other_hook = RawMessage { hook: "elsewhere".to_owned(), ..one.raw.clone() };
    let elsewhere = Receive { message_id: trial.ids.next(), raw: other_hook, ..one.clone() };
    assert!(!answer::received(trial.submit(receiving(elsewhere)).await).duplicate);
    let named = Receive { message_id: trial.ids.next(), transport_id: Some("msg_1".to_owned()), ..one };
    assert!(!answer::received(trial.submit(receiving(named)).await).duplicate);
}

/// Twenty copies at once: one is taken, the others hear what became of it.
pub async fn repeats_in_one_moment_have_one_effect(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let works = (0..20)
        .map(|_| receiving(Receive { transport_id: Some("msg_1".to_owned()), ..receive(&trial, consultation()) }))
        .collect();
    let answers: Vec<_> = trial.submit_at_once(works).await.into_iter().map(answer::received).collect();
    let taken: Vec<_> = answers.iter().filter(|received| !received.duplicate).collect();
    assert_eq!(taken.len(), 1);
    for answer in &answers {
        assert_eq!((answer.message_id, &answer.events), (taken[0].message_id, &taken[0].events));
    }
    assert_eq!(trial.messages(MessageFilter::default()).await.len(), 1);
    assert_eq!(trial.events(Some(catalogue::ESTABLISHMENT_FULFILLED)).await.len(), 1);
}

/// The partner may mend what was refused and send it again under the same ids.
pub async fn a_rejected_message_leaves_its_ids_free(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    assert_eq!(send(&trial, Some("msg_1"), refused()).await.status, MessageStatus::Rejected);
    assert_eq!(send(&trial, Some("msg_1"), refused()).await.status, MessageStatus::Rejected);
    let mended = send(&trial, Some("msg_1"), consultation()).await;
    assert_eq!((mended.status, mended.duplicate), (MessageStatus::Processed, false));
    assert!(send(&trial, Some("msg_1"), consultation()).await.duplicate);
    assert_eq!(trial.messages(MessageFilter::default()).await.len(), 3);
}

/// Two partners may happen upon the same id.
pub async fn sources_do_not_share_ids(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for source in [1, 2] {
        let one = receive(&trial, accepted_as("call_7", Vec::new()));
        let raw = RawMessage { source_id: source_id(source), ..one.raw.clone() };
        let received = Receive { raw, transport_id: Some("msg_1".to_owned()), ..one };
        assert!(!answer::received(trial.submit(receiving(received)).await).duplicate, "source {source}");
    }
}

/// A key is known for seven days at least, and forgotten within three weeks.
pub async fn a_key_is_kept_seven_days_and_forgotten_in_time(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let nothing = || accepted(Vec::new());
    let first = send(&trial, Some("msg_1"), nothing()).await;
    trial.clock.advance(7 * DAY_MS - 1);
    trial.store.forget_keys(1_000).await.unwrap();
    let repeat = send(&trial, Some("msg_1"), nothing()).await;
    assert_eq!((repeat.duplicate, repeat.message_id), (true, first.message_id));

    trial.clock.advance(14 * DAY_MS + 1);
    assert!(trial.store.forget_keys(1_000).await.unwrap() > 0);
    assert_eq!(trial.store.forget_keys(1_000).await.unwrap(), 0);
    let anew = send(&trial, Some("msg_1"), nothing()).await;
    assert!(!anew.duplicate, "the key is free again");
    let again = send(&trial, Some("msg_1"), nothing()).await;
    assert_eq!((again.duplicate, again.message_id), (true, anew.message_id));
}
