//! The audit: every change is in it, and none can be taken out.

use super::Factory;
use super::operator::{OPERATOR, change};
use super::partner::{accepted, completed, failed as failed_parse};
use super::subscriber::{subscribe, switch};
use super::trial::{Pages, START_MS, Trial};
use hookwright_core::audit::{AuditDraft, is_intact};
use std::sync::Arc;

/// Each entry's hash is that of its content, and each names the one before it, back to the first.
pub(super) async fn assert_whole(trial: &Trial<'_>) {
    let entries = trial.audit().await;
    let oldest = entries.last().expect("something was done");
    assert_eq!(oldest.previous, [0; 32], "the first entry begins the chain");
    assert!(entries.iter().all(is_intact));
    for pair in entries.windows(2) {
        let [newer, older] = pair else { continue };
        assert!(newer.id > older.id);
        assert_eq!(newer.previous, older.hash, "an entry was lost between {} and {}", older.id, newer.id);
    }
}

/// Changes by operators, partners and the gateway itself, alone and at once, over a restart: one chain, with every draft as it was given.
pub async fn it_is_whole_and_names_every_change(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let subscription = subscribe(&trial, &["*"]).await;
    switch(&trial, subscription.id, false).await;
    trial.put_customer("cus_xyz", Some("TX")).await;
    trial.receive(accepted(vec![completed("cus_xyz", START_MS)])).await;
    trial.receive(failed_parse()).await;
    assert_whole(&trial).await;
    trial.reopen().await;
    let tasks: Vec<_> = (0..30)
        .map(|number| {
            let store = Arc::clone(&trial.store);
            let draft = change(&trial, "message.read", format!("msg_{number}")).audit;
            tokio::spawn(async move { store.record(draft).await.unwrap() })
        })
        .collect();
    trial.put_customer("cus_abc", Some("NM")).await;
    for task in tasks {
        task.await.expect("no panic");
    }
    let deletion = change(&trial, "subscription.deleted", subscription.id);
    trial.store.delete_subscription(subscription.id, deletion.clone()).await.unwrap();
    assert_whole(&trial).await;

    let entries = trial.audit().await;
    assert_eq!(entries[0].draft, deletion.audit, "a draft is kept as it was given");
    for (action, count) in [
        ("subscription.created", 1),
        ("subscription.paused", 1),
        ("customer.put", 2),
        ("message.processed", 1),
        ("message.quarantined", 1),
        ("establishment.fulfilled", 1),
        ("message.read", 30),
        ("subscription.deleted", 1),
    ] {
        assert_eq!(entries.iter().filter(|entry| entry.draft.action == action).count(), count, "{action}");
    }
    let mut targets: Vec<_> = entries
        .iter()
        .filter(|entry| entry.draft.action == "message.read")
        .map(|entry| entry.draft.target.as_str())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    assert_eq!(targets.len(), 30, "each reading is there once");
}

/// What changed nothing can be recorded too; entries page without gaps while more are written, and hold no word that was not given.
pub async fn reading_is_recorded_too(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let draft = |number: i64| AuditDraft {
        at: START_MS + number,
        actor: OPERATOR.to_owned(),
        action: "message.read".to_owned(),
        target: format!("msg_{number}"),
        reason: (number % 2 == 0).then(|| "a 'quoted' reason, ü".to_owned()),
        request_id: None,
        detail: String::new(),
    };
    for number in 0..25 {
        trial.store.record(draft(number)).await.unwrap();
    }
    let newest = trial.audit().await[0].id;
    for limit in [1, 10, 1_000] {
        let mut pages = Pages::new(limit);
        while let Some(request) = pages.request() {
            pages.take(trial.store.audit(request).await);
            trial.store.record(draft(99)).await.unwrap();
        }
        let seen: Vec<_> = pages.rows.into_iter().filter(|entry| entry.id <= newest).map(|entry| entry.draft).collect();
        assert_eq!(seen, (0..25).rev().map(draft).collect::<Vec<_>>(), "pages of {limit}");
    }
    assert_whole(&trial).await;
}
