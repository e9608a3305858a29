//! Quarantine: versions that may not serve, and who has been told.

use super::Factory;
use super::operator::change;
use super::plugin::{digest, find, history, keeping, kept, push, pushing, versions, write};
use super::trial::Trial;
use crate::StoreError;
use hookwright_core::plugin::Quarantine;
use std::collections::BTreeSet;

/// Begins or ends the quarantine of a version.
async fn mark(trial: &Trial<'_>, name: &str, letters: &str, quarantine: Option<&Quarantine>) {
    let read = find(trial, name).await.expect("the plugin is there");
    let mut marking = keeping(trial, &read);
    marking.quarantine = Some((digest(letters), quarantine.cloned()));
    write(trial, marking).await;
}

fn quarantine(trial: &Trial<'_>, reason: &str) -> Quarantine {
    Quarantine { at: trial.now(), reason: reason.to_owned(), by: "system".to_owned() }
}

/// The digests of a plugin that are in quarantine.
async fn digests(trial: &Trial<'_>, name: &str) -> BTreeSet<String> {
    trial.store.plugin_quarantine(name.to_owned()).await.expect("the quarantine is read")
}

/// Plugin and digest of what is still to be told.
async fn untold(trial: &Trial<'_>, limit: u32) -> Vec<(String, String)> {
    let versions = trial.store.plugin_quarantines_untold(limit).await.expect("the untold are read");
    versions.into_iter().map(|version| (version.plugin, version.digest)).collect()
}

/// Tells of the quarantine that a version is in now.
async fn tell(trial: &Trial<'_>, name: &str, letters: &str) {
    let quarantine = kept(trial, name, letters).await.and_then(|version| version.quarantine);
    tell_of(trial, name, letters, quarantine.map_or_else(|| trial.now(), |quarantine| quarantine.at)).await;
}

/// Tells of the quarantine that began at a time.
async fn tell_of(trial: &Trial<'_>, name: &str, letters: &str, at: i64) {
    trial.store.plugin_quarantine_told(name.to_owned(), digest(letters), at).await.expect("it is noted");
}

/// A version is in quarantine under one name from when it is put there until it is taken out; to push it again does not take it out.
pub async fn it_begins_and_ends(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    push(&trial, "other", "a1", b"one").await;
    push(&trial, "emr", "a1", b"one").await;
    push(&trial, "emr", "b2", b"two").await;
    push(&trial, "emr", "c3", b"three").await;
    assert_eq!(digests(&trial, "emr").await, BTreeSet::new());
    let why = quarantine(&trial, "5 traps, \"müde\" \\ the last in parse");
    mark(&trial, "emr", "a1", Some(&why)).await;
    mark(&trial, "emr", "c3", Some(&why)).await;

    trial.reopen().await;
    assert_eq!(digests(&trial, "emr").await, BTreeSet::from([digest("a1"), digest("c3")]));
    assert_eq!(digests(&trial, "other").await, BTreeSet::new(), "the same component under another name");
    assert_eq!(kept(&trial, "emr", "a1").await.and_then(|version| version.quarantine).as_ref(), Some(&why));
    let listed: Vec<_> = versions(&trial, "emr").await.into_iter().map(|version| version.quarantine).collect();
    assert_eq!(listed, [Some(why.clone()), None, Some(why.clone())]);

    let read = find(&trial, "emr").await.expect("it is there");
    write(&trial, pushing(&trial, &read, "a1", b"one")).await;
    assert_eq!(kept(&trial, "emr", "a1").await.and_then(|version| version.quarantine), Some(why));
    mark(&trial, "emr", "a1", None).await;
    assert_eq!(kept(&trial, "emr", "a1").await.map(|version| version.quarantine), Some(None));
    assert_eq!(digests(&trial, "emr").await, BTreeSet::from([digest("c3")]));
}

/// A quarantine is to be told until somebody says it was; one that was lifted is not, and one that begins anew is again.
pub async fn each_is_told_once(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    for letters in ["a1", "b2"] {
        push(&trial, "emr", letters, letters.as_bytes()).await;
        push(&trial, "other", letters, letters.as_bytes()).await;
    }
    let of = |name: &str, letters: &str| (name.to_owned(), digest(letters));
    assert_eq!(untold(&trial, 10).await, []);
    // Told before there is anything to tell: the quarantine that comes then is told nevertheless.
    tell(&trial, "emr", "a1").await;
    let why = quarantine(&trial, "first");
    mark(&trial, "emr", "a1", Some(&why)).await;
    mark(&trial, "other", "a1", Some(&why)).await;
    mark(&trial, "emr", "b2", Some(&why)).await;

    trial.reopen().await;
    let all = [of("emr", "a1"), of("other", "a1"), of("emr", "b2")];
    assert_eq!(untold(&trial, 10).await, all, "those of the oldest versions first");
    assert_eq!(untold(&trial, 2).await, all[..2]);
    let first = trial.store.plugin_quarantines_untold(1).await.unwrap().remove(0);
    assert_eq!(Some(first), kept(&trial, "emr", "a1").await, "whole records");

    tell(&trial, "emr", "a1").await;
    assert_eq!(untold(&trial, 10).await, all[1..], "the same digest under another name is told by itself");
    tell(&trial, "emr", "a1").await;
    tell(&trial, "nobody", "a1").await;
    mark(&trial, "other", "a1", None).await;
    assert_eq!(untold(&trial, 10).await, all[2..], "what was lifted need not be told");
    assert_eq!(digests(&trial, "emr").await.len(), 2, "told or not, they may not serve");

    mark(&trial, "emr", "a1", None).await;
    assert_eq!(untold(&trial, 10).await, all[2..]);
    mark(&trial, "emr", "a1", Some(&quarantine(&trial, "second"))).await;
    trial.reopen().await;
    assert_eq!(untold(&trial, 10).await, [of("emr", "a1"), of("emr", "b2")], "a new one is told anew");
    tell_of(&trial, "emr", "a1", trial.now() - 1).await;
    assert_eq!(untold(&trial, 10).await, [of("emr", "a1"), of("emr", "b2")], "the one before it is not it");
    tell(&trial, "emr", "a1").await;
    tell(&trial, "emr", "b2").await;
    trial.reopen().await;
    assert_eq!(untold(&trial, 10).await, []);
    assert_eq!(digests(&trial, "emr").await.len(), 2);
}

/// A version that the plugin does not have cannot be put into quarantine, and the rest of the write does not take place; one that comes with the write can.
pub async fn a_version_that_is_not_there_has_none(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    push(&trial, "other", "c3", b"three").await;
    let read = push(&trial, "emr", "a1", b"one").await;
    let why = quarantine(&trial, "unseen");
    let mut marking = pushing(&trial, &read, "b2", b"two");
    marking.quarantine = Some((digest("c3"), Some(why.clone())));
    let refused = trial.store.write_plugin(marking.clone(), change(&trial, "plugin.refused", "emr")).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    assert_eq!(find(&trial, "emr").await, Some(read));
    assert_eq!((kept(&trial, "emr", "b2").await, history(&trial, "emr", 10).await.len()), (None, 1));
    assert_eq!(trial.audited("plugin.refused").await, 0);

    marking.quarantine = Some((digest("b2"), Some(why)));
    write(&trial, marking).await;
    assert_eq!(digests(&trial, "emr").await, BTreeSet::from([digest("b2")]));
}
