//! Many at once: every piece of work is committed, and committed once.

use super::operator::{draft, publication, publish, putting};
use super::partner::{accepted, completed, receive, receiving};
use super::subscriber::subscribe;
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::{DeliveryFilter, EstablishmentFilter, MessageFilter};
use hookwright_core::intake::{Answer, Expire, Publish, Work};
use hookwright_core::message::MessageStatus;
use std::collections::BTreeSet;

/// A thousand publications at once: each is there once, with its own data and its own delivery.
pub async fn a_thousand_at_once_are_each_committed_once(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    subscribe(&trial, &["*"]).await;
    let data = |number: usize| format!(r#"{{"number":{number},"pad":"{}"}}"#, "x".repeat(number % 97));
    let works = (0..1_000).map(|number| super::operator::publishing("order.placed", &data(number))).collect();
    let answers = trial.submit_at_once(works).await;
    let mut ids = BTreeSet::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let published = answer::events(&answer::whole(answer).0).remove(0);
        assert!(ids.insert(published.id), "two publications were given one id");
        let event = trial.event(published.id).await;
        assert_eq!(*event.data, *data(number), "publication {number} was given another's event");
    }
    assert_eq!(trial.events(None).await.len(), 1_000);
    let deliveries = trial.deliveries(DeliveryFilter::default()).await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.event_id).collect::<BTreeSet<_>>(), ids);
    assert_eq!((deliveries.len(), trial.pending().await.len()), (1_000, 1_000));
}

/// Publications, lists, customers, consultations and the timer, all at once: each has its own effect and the answer of its kind.
pub async fn all_kinds_of_work_share_a_moment(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for number in 0..40 {
        trial.put_customer(&format!("cus_{number}"), Some("TX")).await;
    }
    let before = trial.events(None).await.len();
    let mut works = Vec::new();
    for number in 0..40 {
        let events = vec![publication("order.placed", "{}"), publication("order.paid", "{}")];
        works.push(Work::Publish(Box::new(Publish { events, as_list: true, ..publish("order.placed", "{}") })));
        let fact = completed(&format!("cus_{number}"), START_MS);
        works.push(receiving(receive(&trial, accepted(vec![fact]))));
        works.push(putting(draft(&format!("cus_new_{number}"), Some("NM"))));
        works.push(Work::Expire(Expire { limit: 10 }));
    }
    for (at, answer) in trial.submit_at_once(works).await.into_iter().enumerate() {
        match (at % 4, answer) {
            (0, answer @ Answer::Published(_)) => assert_eq!(answer::events(&answer::whole(answer).0).len(), 2),
            (1, Answer::Received(received)) => assert_eq!(received.status, MessageStatus::Processed),
            (2, Answer::Customer(customer, true)) => assert_eq!(customer.external_id, format!("cus_new_{}", at / 4)),
            (3, Answer::Expired(0)) => {}
            (_, other) => panic!("work {at} was answered {other:?}"),
        }
    }
    assert_eq!(trial.events(None).await.len() - before, 40 * (2 + 1 + 1));
    assert_eq!(trial.messages(MessageFilter::default()).await.len(), 40);
    assert_eq!(trial.establishments(EstablishmentFilter::default()).await.len(), 40);
    super::chain::assert_whole(&trial).await;
}
