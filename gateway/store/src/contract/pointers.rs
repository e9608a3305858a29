//! Pointers of plugins: written on condition of the revision that was read, whole or not at all.

use super::operator::{OPERATOR, change, claim, claiming};
use super::plugin::{activating, digest, file, find, history, keeping, kept, push, pushing, unborn, versions, write};
use super::trial::Trial;
use super::{Factory, answer};
use crate::{PluginWrite, StoreError};
use hookwright_core::idempotency::Claimed;
use hookwright_core::plugin::{
    Activation, Canary, CanaryCounts, CanaryEnd, CanaryMode, Cause, Ended, PluginPolicy, PluginRecord, Quarantine, Stop,
};
use std::sync::Arc;

/// The revision begins at one and grows by one with each write, whatever the write changes; what the caller gives as the new one does not matter.
pub async fn each_write_raises_the_revision(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let mut plugin = write(&trial, keeping(&trial, &PluginRecord { revision: 0, ..unborn(&trial, "emr") })).await;
    assert_eq!(plugin.revision, 1);
    let id = plugin.id;
    for revision in 2..6 {
        trial.clock.advance(1);
        let mut next = keeping(&trial, &plugin);
        next.plugin.revision = 77;
        plugin = write(&trial, next).await;
        assert_eq!((plugin.id, plugin.revision, plugin.updated_at), (id, revision, trial.now()));
    }
    assert_eq!(find(&trial, "emr").await.as_ref(), Some(&plugin));
    trial.reopen().await;
    assert_eq!(find(&trial, "emr").await, Some(plugin));
}

/// A plugin whose last version was taken out of service serves none, and has its history still.
pub async fn a_plugin_may_serve_nothing(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let pushed = push(&trial, "emr", "a1", b"one").await;
    let mut withdrawal = keeping(&trial, &pushed);
    withdrawal.plugin.active = None;
    assert_eq!(write(&trial, withdrawal).await.active, None);
    trial.reopen().await;
    let read = find(&trial, "emr").await.expect("it is there");
    assert_eq!((read.active.as_deref(), read.revision), (None, 2));
    assert_eq!(history(&trial, "emr", 10).await.len(), 1);
    let back = write(&trial, activating(&trial, &read, "a1", Cause::Activate)).await;
    assert_eq!(back.active, Some(digest("a1")));
}

/// Every time a version began to serve is kept, with what served before it, how and by whom; the newest come first, as many as are asked for.
pub async fn what_served_is_told_newest_first(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let mut expected: Vec<Activation> = Vec::new();
    let mut plugin = push(&trial, "emr", "a1", b"one").await;
    let told = |trial: &Trial<'_>, letters: &str, previous: Option<&str>, cause| Activation {
        digest: digest(letters),
        previous: previous.map(digest),
        cause,
        at: trial.now(),
        by: OPERATOR.to_owned(),
    };
    expected.insert(0, told(&trial, "a1", None, Cause::Push));
    push(&trial, "other", "f6", b"not told here").await;
    plugin = write(&trial, pushing(&trial, &plugin, "b2", b"two")).await;
    expected.insert(0, told(&trial, "b2", Some("a1"), Cause::Push));
    for (letters, previous, cause) in
        [("a1", "b2", Cause::Activate), ("b2", "a1", Cause::Rollback), ("a1", "b2", Cause::Quarantine)]
    {
        trial.clock.advance(5);
        plugin = write(&trial, activating(&trial, &plugin, letters, cause)).await;
        expected.insert(0, told(&trial, letters, Some(previous), cause));
    }
    write(&trial, keeping(&trial, &plugin)).await;

    trial.reopen().await;
    assert_eq!(history(&trial, "emr", 1_000).await, expected);
    assert_eq!(history(&trial, "emr", 2).await, expected[..2]);
    assert_eq!(history(&trial, "nobody", 10).await, []);
}

/// A candidate, while it runs and after it ended, and how the plugin is run: every field comes back as it was given.
pub async fn a_candidate_and_a_policy_come_back_as_they_were(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let running = Canary {
        digest: digest("b2"),
        mode: CanaryMode::Shadow,
        share: 2_500,
        bindings: vec!["src_1".to_owned(), "sub_2".to_owned()],
        stop: Stop { calls_min: 7, errors: 11, differences: 13 },
        started_at: trial.now(),
        started_by: OPERATOR.to_owned(),
        ended: None,
    };
    let counts = CanaryCounts {
        calls: u64::MAX,
        equal: 2,
        differs: 3,
        errors: 4,
        left_out: 5,
        micros: 6,
        active_micros: 7,
        active_calls: 8,
    };
    let ended = |outcome, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        let ended = Ended { at: trial.now() + 9, outcome, reason, counts };
        Canary { mode: CanaryMode::Canary, bindings: Vec::new(), ended: Some(ended), ..running.clone() }
    };
    let canaries = [
        Some(running.clone()),
        Some(ended(CanaryEnd::Promoted, None)),
        Some(ended(CanaryEnd::Aborted, Some("\"müde\" \\"))),
        Some(ended(CanaryEnd::Stopped, Some(""))),
        Some(ended(CanaryEnd::Superseded, None)),
        None,
    ];
    let mut plugin = push(&trial, "emr", "a1", b"one").await;
    for (number, canary) in canaries.into_iter().enumerate() {
        let policy = PluginPolicy { failures_max: u32::MAX, reuse: 0, reprocess: number % 2 == 0 };
        let wanted = PluginRecord { canary, policy, ..plugin.clone() };
        write(&trial, keeping(&trial, &wanted)).await;
        trial.reopen().await;
        plugin = find(&trial, "emr").await.expect("it is there");
        assert_eq!(plugin, PluginRecord { revision: wanted.revision + 1, ..wanted });
    }
    // What a plugin begins with is kept as well.
    let policy = PluginPolicy { failures_max: 0, reuse: 3, reprocess: false };
    let begun = PluginRecord { canary: Some(running), policy, ..unborn(&trial, "born with it") };
    let written = write(&trial, keeping(&trial, &begun)).await;
    assert_eq!(written, PluginRecord { id: written.id, revision: 1, ..begun });
}

/// Whoever takes a plugin for new that is there, or for what it no longer is, is told so; nothing of the write takes place, and its claim is free.
pub async fn a_stale_revision_leaves_nothing_behind(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let first = push(&trial, "emr", "a1", b"one").await;
    let present = push(&trial, "emr", "b2", b"two").await;
    let reason = Quarantine { at: trial.now(), reason: "no".to_owned(), by: OPERATOR.to_owned() };
    let write_of = |expected: i64, read: &PluginRecord| PluginWrite {
        expected,
        quarantine: Some((digest("a1"), Some(reason.clone()))),
        file: Some(file("emr.wasm", "c3")),
        ..pushing(&trial, read, "c3", b"three")
    };
    let before = (versions(&trial, "emr").await, history(&trial, "emr", 10).await);
    let nobody = unborn(&trial, "nobody");
    let stale = [
        write_of(0, &present),
        write_of(first.revision, &first),
        write_of(present.revision + 1, &present),
        write_of(-1, &present),
        write_of(1, &nobody),
    ];
    for (number, write) in stale.into_iter().enumerate() {
        let change = claiming(change(&trial, "plugin.refused", "emr"), "k", "one");
        let refused = trial.store.write_plugin(write, change).await;
        assert!(matches!(refused, Err(StoreError::Stale)), "write {number}: {refused:?}");
        assert_eq!(kept(&trial, "emr", "c3").await, None);
        assert_eq!(trial.store.plugin_component(digest("c3")).await.unwrap(), None);
        assert_eq!((versions(&trial, "emr").await, history(&trial, "emr", 10).await), before);
        assert_eq!(trial.store.plugin_files().await.unwrap(), []);
        assert_eq!(trial.store.plugin_quarantines_untold(10).await.unwrap(), []);
        assert_eq!(trial.store.claimed(claim("k", "one")).await.unwrap(), None);
    }
    assert_eq!(trial.store.plugins().await.unwrap(), std::slice::from_ref(&present));
    assert_eq!((versions(&trial, "nobody").await, history(&trial, "nobody", 10).await), (Vec::new(), Vec::new()));
    assert_eq!(trial.audited("plugin.refused").await, 0);
    super::chain::assert_whole(&trial).await;

    let change = claiming(change(&trial, "plugin.pushed", "emr"), "k", "one");
    let taken = trial.store.write_plugin(write_of(present.revision, &present), change).await.unwrap();
    assert_eq!(answer::saved(taken).active, Some(digest("c3")), "the claim of the refused writes is free");
}

/// Of several who read the same revision and write at once, one is heard; the others are told to read again.
pub async fn of_writers_of_one_revision_one_wins(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut present = None;
    for round in [1, 2] {
        // First they all find nothing of that name, and then the same record.
        let read = present.clone().unwrap_or_else(|| unborn(&trial, "emr"));
        let mut tasks = Vec::new();
        for letters in ["a1", "b2", "c3", "d4", "e5", "f6"] {
            let store = Arc::clone(&trial.store);
            let (write, change) =
                (pushing(&trial, &read, letters, letters.as_bytes()), change(&trial, "plugin.pushed", letters));
            tasks.push(tokio::spawn(async move { store.write_plugin(write, change).await }));
        }
        let mut won = Vec::new();
        for task in tasks {
            match task.await.expect("no panic") {
                Ok(saved) => won.push(answer::saved(saved)),
                Err(StoreError::Stale) => {}
                Err(other) => panic!("expected to be told of the other writer, got {other:?}"),
            }
        }
        assert_eq!(won.len(), 1, "of six writers of one revision, one wins");
        assert_eq!(usize::try_from(won[0].revision), Ok(round));
        assert_eq!(trial.store.plugins().await.unwrap(), won);
        assert_eq!(history(&trial, "emr", 10).await[0].digest, won[0].active.clone().expect("it serves"));
        assert_eq!(history(&trial, "emr", 10).await.len(), round);
        present = won.pop();
    }
    assert_eq!(trial.audited("plugin.pushed").await, 2);
}

/// Under one claim a write takes place once: asked again, it gets the first answer though the revision is an old one by then, and another body is refused.
pub async fn a_claim_makes_a_write_once(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let read = push(&trial, "emr", "a1", b"one").await;
    let write = pushing(&trial, &read, "b2", b"two");
    let change = |trial: &Trial<'_>, body: &str| claiming(change(trial, "plugin.pushed", "emr"), "k", body);
    let written = answer::saved(trial.store.write_plugin(write.clone(), change(&trial, "one")).await.unwrap());
    trial.reopen().await;
    let replay = trial.store.write_plugin(write.clone(), change(&trial, "one")).await.unwrap();
    let Claimed::Replayed(answer) = &replay else { panic!("expected the first answer, got {replay:?}") };
    assert_eq!((answer.status, answer.body.as_slice()), (201, br#"{"of":"one"}"#.as_slice()));
    let other = pushing(&trial, &written, "c3", b"three");
    for write in [write, other] {
        let mismatch = trial.store.write_plugin(write, change(&trial, "two")).await.unwrap();
        assert!(matches!(mismatch, Claimed::Mismatch), "{mismatch:?}");
    }
    assert_eq!(find(&trial, "emr").await, Some(written));
    assert_eq!((versions(&trial, "emr").await.len(), history(&trial, "emr", 10).await.len()), (2, 2));
    assert_eq!(trial.store.plugin_component(digest("c3")).await.unwrap(), None);
    assert_eq!(trial.audited("plugin.pushed").await, 1);
}
