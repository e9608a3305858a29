//! Establishments: one record per customer and region, carried on by consultations.

use super::operator::putting;
use super::partner::{accepted, completed, receive, receiving};
use super::trial::{START_MS, Trial};
use super::{Factory, answer, operator};
use crate::EstablishmentFilter;
use hookwright_core::catalogue;
use hookwright_core::establishment::{DAY_MS, Establishment, Validity};
use hookwright_core::intake::{Policy, Received};
use hookwright_core::message::MessageStatus;
use std::collections::BTreeMap;

async fn consult(trial: &Trial<'_>, completed_at: i64) -> Received {
    trial.receive(accepted(vec![completed("cus_xyz", completed_at)])).await
}

async fn only_record(trial: &Trial<'_>) -> Establishment {
    let mut records = trial.establishments(EstablishmentFilter::default()).await;
    assert_eq!(records.len(), 1, "one record per customer and region");
    records.remove(0)
}

/// Fifty consultations of one customer in the same moment: one record, which reaches as far as the latest carries it.
pub async fn fifty_consultations_at_once_make_one_record(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    // An order of its own, so that later ones come before earlier ones.
    let times: Vec<i64> = (0..50).map(|number| START_MS - 60_000 * ((number * 17) % 50)).collect();
    let works = times.iter().map(|at| receiving(receive(&trial, accepted(vec![completed("cus_xyz", *at)])))).collect();
    let answers: Vec<_> = trial.submit_at_once(works).await.into_iter().map(answer::received).collect();
    assert!(answers.iter().all(|received| received.status == MessageStatus::Processed));

    let record = only_record(&trial).await;
    assert_eq!(record.until, START_MS + 365 * DAY_MS);
    assert_eq!(record.appointment_id, Some(format!("appt_{START_MS}")));
    let told: usize = answers.iter().map(|received| received.events.len()).sum();
    assert_eq!(trial.events(Some(catalogue::ESTABLISHMENT_FULFILLED)).await.len(), told);
    assert!((1..=50).contains(&told));
}

/// A later consultation carries the record further; its beginning and its id stay.
pub async fn a_later_consultation_extends(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    consult(&trial, START_MS).await;
    let first = only_record(&trial).await;
    trial.clock.advance(100 * DAY_MS);
    let extended = consult(&trial, START_MS + 100 * DAY_MS).await;
    assert_eq!(extended.events.len(), 1);
    let second = only_record(&trial).await;
    assert_eq!((second.id, second.since), (first.id, first.since));
    assert_eq!(second.until, START_MS + 465 * DAY_MS);
    assert_eq!(second.message_id, Some(extended.message_id));
    assert_eq!(trial.store.next_lapse().await.unwrap(), Some(second.until));
}

/// The same consultation told again is processed and changes nothing; another one that is older counts, and moves the beginning.
pub async fn an_older_consultation_counts_and_the_same_one_does_not(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    consult(&trial, START_MS).await;
    let before = only_record(&trial).await;
    trial.clock.advance(1_000);
    let again = consult(&trial, START_MS).await;
    assert_eq!((again.status, again.events.len()), (MessageStatus::Processed, 0));
    assert_eq!(again.reason.map(|reason| reason.code).as_deref(), Some("unchanged"));
    assert_eq!(only_record(&trial).await, before);
    let older = consult(&trial, START_MS - DAY_MS).await;
    assert_eq!((older.status, older.events.len()), (MessageStatus::Processed, 1));
    let after = only_record(&trial).await;
    assert_eq!((after.id, after.since, after.until), (before.id, START_MS - DAY_MS, before.until));
    assert_eq!(after.appointment_id, before.appointment_id);
}

/// A customer who moves is established in each region by a consultation of its own, for as long as that region says.
pub async fn each_region_has_its_own_record_and_validity(factory: &dyn Factory) {
    let region = |code: &str| code.parse().expect("a region");
    let by_region = BTreeMap::from([(region("US-NM"), 30)]);
    let policy = Policy { validity: Validity { default_days: 10, by_region } };
    let trial = Trial::begin_with(factory, policy).await;
    for state in ["TX", "NM"] {
        trial.submit(putting(operator::draft("cus_xyz", Some(state)))).await;
        consult(&trial, START_MS).await;
    }
    let of = |code: &str| EstablishmentFilter { customer_id: Some("cus_xyz".to_owned()), region: Some(region(code)) };
    let texas = trial.establishments(of("US-TX")).await;
    let new_mexico = trial.establishments(of("US-NM")).await;
    assert_eq!((texas.len(), new_mexico.len()), (1, 1));
    assert_eq!(texas[0].until, START_MS + 10 * DAY_MS);
    assert_eq!(new_mexico[0].until, START_MS + 30 * DAY_MS);
    assert_eq!(trial.store.next_lapse().await.unwrap(), Some(texas[0].until), "the soonest is next");
}
