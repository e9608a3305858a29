//! How subscriptions fare, and what operators are told of it.

use super::Factory;
use super::subscriber::subscribe;
use super::trial::Trial;
use crate::{FailingSince, FareRecord};
use hookwright_core::notice::{self, REASON_FAILING};

/// What is known of a failing subscription survives a restart, until it takes a delivery.
pub async fn failing_is_remembered_until_it_is_over(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let one = subscribe(&trial, &["*"]).await;
    let other = subscribe(&trial, &["*"]).await;
    trial.store.record_fare(one.id, FareRecord::Failing { since: 7 }).await.unwrap();
    trial.store.record_fare(other.id, FareRecord::Failing { since: 8 }).await.unwrap();
    let notice = notice::failing(&one, 7, 9);
    trial.store.record_fare(one.id, FareRecord::Warned { since: 7, notice }).await.unwrap();
    trial.reopen().await;
    let known = |id, since, warned| FailingSince { subscription_id: id, since, warned };
    assert_eq!(trial.store.failing().await.unwrap(), [known(one.id, 7, true), known(other.id, 8, false)]);
    trial.store.record_fare(one.id, FareRecord::Recovered).await.unwrap();
    assert_eq!(trial.store.failing().await.unwrap(), [known(other.id, 8, false)]);
}

/// A subscription that failed for too long is off, for that reason, and operators are told exactly once.
pub async fn what_failed_for_too_long_is_off_and_told_of_once(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let made = subscribe(&trial, &["*"]).await;
    trial.store.record_fare(made.id, FareRecord::Failing { since: 7 }).await.unwrap();
    for _ in 0..2 {
        let notice = notice::disabled(&made, REASON_FAILING, Some(7), 9);
        trial.store.record_fare(made.id, FareRecord::Disabled { reason: REASON_FAILING, notice }).await.unwrap();
    }
    let off = trial.subscription(made.id).expect("it is there");
    assert_eq!((off.active, off.disabled_reason.as_deref(), off.version), (false, Some(REASON_FAILING), 2));
    assert!(trial.store.failing().await.unwrap().is_empty());
    trial.reopen().await;
    let notices = trial.store.notices(10).await.unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].event_type, "subscription.disabled");
    assert!(notices[0].data.contains(&made.id.to_string()), "{}", notices[0].data);
    trial.store.notice_told(notices[0].id).await.unwrap();
    assert!(trial.store.notices(10).await.unwrap().is_empty());
}

/// Of a subscription that is off or gone nothing is kept.
pub async fn of_one_that_is_off_nothing_is_kept(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let made = subscribe(&trial, &["*"]).await;
    let notice = notice::disabled(&made, REASON_FAILING, None, 9);
    trial.store.record_fare(made.id, FareRecord::Disabled { reason: REASON_FAILING, notice }).await.unwrap();
    trial.store.record_fare(made.id, FareRecord::Failing { since: 7 }).await.unwrap();
    trial.store.record_fare(trial.ids.next(), FareRecord::Failing { since: 7 }).await.unwrap();
    assert!(trial.store.failing().await.unwrap().is_empty());
}
