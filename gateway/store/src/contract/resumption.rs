//! Messages that were kept, taken up again.

use super::operator::{draft, putting};
use super::partner::{accepted, completed, failed, receive, receiving, refused, resume, resuming, source_id};
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::EstablishmentFilter;
use hookwright_core::catalogue;
use hookwright_core::id::MessageId;
use hookwright_core::intake::{Receive, Resume};
use hookwright_core::message::{MessageStatus, Parsed, RawMessage};

fn consultation(customer: &str) -> Parsed {
    accepted(vec![completed(customer, START_MS)])
}

async fn take_up(trial: &Trial<'_>, id: MessageId) -> Option<hookwright_core::intake::Received> {
    let message = trial.message(id).await;
    answer::resumed(trial.submit(resuming(resume(&message, None, None))).await)
}

/// When the customer appears, exactly the messages that wait for them can be resumed, oldest first; resumed, they have their effects and are not listed any more.
pub async fn the_customers_appearance_makes_messages_resumable(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let first = trial.receive(consultation("cus_a")).await.message_id;
    let second = trial.receive(accepted(vec![completed("cus_a", START_MS + 60_000)])).await.message_id;
    let other = trial.receive(consultation("cus_b")).await.message_id;
    trial.put_customer("cus_c", Some("TX")).await;
    assert!(trial.store.resumable(10).await.unwrap().is_empty());

    trial.put_customer("cus_a", Some("TX")).await;
    assert_eq!(trial.store.resumable(10).await.unwrap(), [first, second]);
    assert_eq!(trial.store.resumable(1).await.unwrap(), [first]);

    for (at, id) in [first, second].into_iter().enumerate() {
        let resumed = take_up(&trial, id).await.expect("a waiting message is taken up");
        assert_eq!((resumed.message_id, resumed.status, resumed.events.len()), (id, MessageStatus::Processed, 1));
        let message = trial.message(id).await;
        assert_eq!((message.status, message.waiting_for), (MessageStatus::Processed, None));
        assert_eq!(message.events, resumed.events);
        assert_eq!(message.logs, ["taken up again"]);
        assert_eq!(trial.store.resumable(10).await.unwrap().len(), 1 - at);
    }
    assert_eq!(trial.establishments(EstablishmentFilter::default()).await.len(), 1);
    assert_eq!(trial.message(other).await.status, MessageStatus::Waiting);
}

/// A message and the customer it waits for, submitted in the same moment in either order: it is processed or can be resumed, never left behind.
pub async fn none_is_forgotten_when_message_and_customer_come_together(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut ids = Vec::new();
    for round in 0..40 {
        let customer = format!("cus_{round}");
        let message = receive(&trial, consultation(&customer));
        ids.push(message.message_id);
        let mut works = vec![receiving(message), putting(draft(&customer, Some("TX")))];
        if round % 2 == 1 {
            works.reverse();
        }
        trial.submit_at_once(works).await;
    }
    for id in trial.store.resumable(100).await.unwrap() {
        take_up(&trial, id).await.expect("a resumable message is taken up");
    }
    for id in ids {
        assert_eq!(trial.message(id).await.status, MessageStatus::Processed);
    }
    assert_eq!(trial.establishments(EstablishmentFilter::default()).await.len(), 40);
    assert!(trial.store.resumable(100).await.unwrap().is_empty());
}

/// An operator names the region that the address could not tell; it counts for this message.
pub async fn an_operators_region_releases_a_held_message(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", None).await;
    let held = trial.receive(consultation("cus_xyz")).await;
    assert_eq!(held.status, MessageStatus::Held);
    assert_eq!(
        take_up(&trial, held.message_id).await.expect("taken up").status,
        MessageStatus::Held,
        "nothing has changed"
    );

    let message = trial.message(held.message_id).await;
    let region = "US-GU".parse().ok();
    let asked = Resume {
        actor: "key:key_1".to_owned(),
        reason: Some("she told us".to_owned()),
        ..resume(&message, None, region)
    };
    let resumed = answer::resumed(trial.submit(resuming(asked)).await).expect("taken up");
    assert_eq!(resumed.status, MessageStatus::Processed);
    let records = trial.establishments(EstablishmentFilter { region, ..EstablishmentFilter::default() }).await;
    assert_eq!(records.len(), 1);
    assert_eq!(trial.store.customer("cus_xyz".to_owned()).await.unwrap().expect("the customer").region, None);
    let audit = trial.audit().await;
    let entry = audit.iter().find(|entry| entry.draft.action == "message.processed").expect("the release is audited");
    assert_eq!((entry.draft.actor.as_str(), entry.draft.reason.as_deref()), ("key:key_1", Some("she told us")));
}

/// Two who take up one message at once: one has the effect, the other hears that it is done.
pub async fn resumed_twice_at_once_it_has_its_effect_once(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut works = Vec::new();
    for number in 0..10 {
        let customer = format!("cus_{number}");
        let id = trial.receive(consultation(&customer)).await.message_id;
        trial.put_customer(&customer, Some("TX")).await;
        let again = resuming(resume(&trial.message(id).await, None, None));
        works.extend([again.clone(), again]);
    }
    let answers = trial.submit_at_once(works).await.into_iter().map(answer::resumed);
    assert_eq!(answers.flatten().count(), 10);
    assert_eq!(trial.events(Some(catalogue::ESTABLISHMENT_FULFILLED)).await.len(), 10);
    assert_eq!(trial.audited("message.processed").await, 10);
}

/// What is processed has had its effect; what is not there has none.
pub async fn a_processed_message_is_not_taken_up_again(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let id = trial.receive(consultation("cus_xyz")).await.message_id;
    assert_eq!(take_up(&trial, id).await, None);
    let message = trial.message(id).await;
    let nowhere = Resume { message_id: trial.ids.next(), ..resume(&message, None, None) };
    assert_eq!(answer::resumed(trial.submit(resuming(nowhere)).await), None);
    assert_eq!(trial.events(Some(catalogue::ESTABLISHMENT_FULFILLED)).await.len(), 1);
}

/// A rejected message whose mended copy was taken meanwhile has nothing left to do.
pub async fn a_repeat_that_came_meanwhile_leaves_nothing_to_do(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    let named = |parsed| Receive { transport_id: Some("msg_1".to_owned()), ..receive(&trial, parsed) };
    let rejected = answer::received(trial.submit(receiving(named(refused()))).await);
    let mended = answer::received(trial.submit(receiving(named(consultation("cus_xyz")))).await);
    assert_eq!(mended.status, MessageStatus::Processed);

    let message = trial.message(rejected.message_id).await;
    let again = Resume { parsed: consultation("cus_xyz"), ..resume(&message, Some("msg_1"), None) };
    let resumed = answer::resumed(trial.submit(resuming(again)).await).expect("taken up");
    assert_eq!(resumed.status, MessageStatus::Ignored);
    assert_eq!(trial.message(rejected.message_id).await.reason.map(|reason| reason.code).as_deref(), Some("duplicate"));
    assert_eq!(trial.events(Some(catalogue::ESTABLISHMENT_FULFILLED)).await.len(), 1);
}

/// The quarantined messages of one source, oldest first, from where one left off.
pub async fn quarantined_messages_are_found_by_source(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let one = receive(&trial, failed());
        let raw = RawMessage { source_id: source_id(1 + number % 2), ..one.raw.clone() };
        ids.push(one.message_id);
        trial.submit(receiving(Receive { raw, ..one })).await;
    }
    trial.receive(refused()).await;
    let of_first = [ids[0], ids[2], ids[4]];
    assert_eq!(trial.store.quarantined(source_id(1), None, 10).await.unwrap(), of_first);
    assert_eq!(trial.store.quarantined(source_id(1), None, 2).await.unwrap(), of_first[..2]);
    assert_eq!(trial.store.quarantined(source_id(1), Some(ids[2]), 10).await.unwrap(), of_first[2..]);
    assert_eq!(trial.store.quarantined(source_id(9), None, 10).await.unwrap(), []);

    trial.put_customer("cus_xyz", Some("TX")).await;
    let message = trial.message(ids[0]).await;
    let parsed = Resume { parsed: consultation("cus_xyz"), ..resume(&message, None, None) };
    let resumed = answer::resumed(trial.submit(resuming(parsed)).await).expect("taken up");
    assert_eq!(resumed.status, MessageStatus::Processed);
    assert_eq!(trial.store.quarantined(source_id(1), None, 10).await.unwrap(), of_first[1..]);
}
