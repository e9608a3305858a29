//! The passing of time: establishments that lapse.

use super::partner::{accepted, completed, receive, receiving};
use super::subscriber::subscribe;
use super::trial::{START_MS, Trial};
use super::{Factory, answer};
use crate::EstablishmentFilter;
use hookwright_core::catalogue;
use hookwright_core::establishment::{DAY_MS, Establishment};
use hookwright_core::intake::{Answer, Expire, Work};

const YEAR_MS: i64 = 365 * DAY_MS;

async fn established(trial: &Trial<'_>, customer: &str, completed_at: i64) {
    trial.put_customer(customer, Some("TX")).await;
    trial.receive(accepted(vec![completed(customer, completed_at)])).await;
}

async fn expire(trial: &Trial<'_>, limit: u32) -> u32 {
    answer::expired(&trial.submit(Work::Expire(Expire { limit })).await)
}

async fn records(trial: &Trial<'_>) -> Vec<Establishment> {
    trial.establishments(EstablishmentFilter::default()).await
}

/// What reached its end is marked, told of by an event, and not told of again; what has not stays.
pub async fn what_lapses_is_marked_and_told_once(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let subscription = subscribe(&trial, &["compliance.establishment_expired"]).await;
    established(&trial, "cus_a", START_MS).await;
    established(&trial, "cus_b", START_MS + 1).await;
    assert_eq!(expire(&trial, 10).await, 0);
    assert_eq!(trial.store.next_lapse().await.unwrap(), Some(START_MS + YEAR_MS));

    trial.clock.advance(YEAR_MS);
    assert_eq!(expire(&trial, 10).await, 1);
    assert_eq!(expire(&trial, 10).await, 0);
    let lapsed: Vec<_> = records(&trial).await.into_iter().filter(|record| !record.established).collect();
    assert_eq!(lapsed.len(), 1);
    assert_eq!((lapsed[0].customer_id.as_str(), lapsed[0].until), ("cus_a", START_MS + YEAR_MS));
    let events = trial.events(Some(catalogue::ESTABLISHMENT_EXPIRED)).await;
    assert_eq!((events.len(), events[0].origin.as_str()), (1, "system"));
    let pending = trial.pending().await;
    assert_eq!((pending.len(), pending[0].subscription_id), (1, subscription.id));
    assert_eq!(trial.audited("establishment.expired").await, 1);
    assert_eq!(trial.store.next_lapse().await.unwrap(), Some(START_MS + 1 + YEAR_MS));
    trial.clock.advance(1);
    assert_eq!(expire(&trial, 10).await, 1);
    assert_eq!(trial.store.next_lapse().await.unwrap(), None);
}

/// A consultation that comes before the timer runs carries the record on: nothing lapses.
pub async fn an_extension_in_between_saves_it(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    established(&trial, "cus_a", START_MS).await;
    trial.clock.advance(YEAR_MS + 5);
    trial.receive(accepted(vec![completed("cus_a", START_MS + YEAR_MS - 5)])).await;
    assert_eq!(expire(&trial, 10).await, 0);
    let record = records(&trial).await.remove(0);
    assert!(record.established);
    assert_eq!((record.since, record.until), (START_MS, START_MS + 2 * YEAR_MS - 5));
    assert!(trial.events(Some(catalogue::ESTABLISHMENT_EXPIRED)).await.is_empty());
}

/// In the same moment as the timer, the consultation has the last word, whichever comes first; what is told agrees with what is on record.
pub async fn an_extension_in_the_same_moment_wins(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for number in 0..10 {
        established(&trial, &format!("cus_{number}"), START_MS).await;
    }
    trial.clock.advance(YEAR_MS + 5);
    let mut works = vec![Work::Expire(Expire { limit: 100 })];
    works.extend((0..10).map(|number| {
        let fact = completed(&format!("cus_{number}"), START_MS + YEAR_MS + 1);
        receiving(receive(&trial, accepted(vec![fact])))
    }));
    works.push(Work::Expire(Expire { limit: 100 }));
    let answers = trial.submit_at_once(works).await;
    let lapsed: u32 = answers.iter().filter(|answer| matches!(answer, Answer::Expired(_))).map(answer::expired).sum();
    for record in records(&trial).await {
        assert!(record.established, "{}", record.customer_id);
        assert_eq!(record.until, START_MS + 2 * YEAR_MS + 1);
    }
    let told = trial.events(Some(catalogue::ESTABLISHMENT_EXPIRED)).await.len();
    assert_eq!(told, lapsed as usize);
    assert_eq!(expire(&trial, 100).await, 0);
}

/// The soonest lapse first, and no more at once than were asked for.
pub async fn as_many_lapse_at_once_as_are_asked_for(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    for number in 0..7 {
        established(&trial, &format!("cus_{number}"), START_MS - 1_000 * number).await;
    }
    trial.clock.advance(YEAR_MS);
    assert_eq!(expire(&trial, 3).await, 3);
    let mut lapsed: Vec<_> = records(&trial).await;
    lapsed.retain(|record| !record.established);
    let mut customers: Vec<_> = lapsed.iter().map(|record| record.customer_id.as_str()).collect();
    customers.sort_unstable();
    assert_eq!(customers, ["cus_4", "cus_5", "cus_6"]);
    assert_eq!(expire(&trial, 3).await, 3);
    assert_eq!(expire(&trial, 3).await, 1);
    assert_eq!(expire(&trial, 3).await, 0);
}
