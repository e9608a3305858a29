//! Plugins: versions named by their content, one of which serves.

use super::Factory;
use super::operator::OPERATOR;
use super::plugin::{digest, file, find, history, keeping, kept, push, pushing, unborn, version, versions, write};
use super::trial::Trial;
use hookwright_core::plugin::{Activation, Cause, PluginRecord, PluginVersionRecord};

/// What is pushed is kept by its digest with all that is known of it, and serves; pushed again, it serves again without a second record.
pub async fn a_push_keeps_the_version_and_makes_it_serve(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let large: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let first = push(&trial, "emr", "a1", &large).await;
    let given = unborn(&trial, "emr");
    assert_ne!(first.id, given.id, "the store gives ids");
    assert_eq!(first, PluginRecord { id: first.id, active: Some(digest("a1")), revision: 1, ..given });
    let first_version = version(&trial, "emr", "a1", &large);
    trial.clock.advance(10);
    let second = push(&trial, "emr", "b2", b"\0asm").await;
    assert_eq!((second.id, second.updated_at), (first.id, trial.now()), "one plugin, whatever serves");
    assert_eq!((second.active.clone(), second.revision), (Some(digest("b2")), 2));
    let second_version = version(&trial, "emr", "b2", b"\0asm");
    let other = push(&trial, "another", "b2", b"\0asm").await;
    assert_ne!(other.id, first.id);

    trial.reopen().await;
    assert_eq!(trial.store.plugins().await.unwrap(), [other, second.clone()], "by name");
    let component = |letters: &str| trial.store.plugin_component(digest(letters));
    assert!(component("a1").await.unwrap().is_some_and(|bytes| bytes == large));
    assert_eq!(component("b2").await.unwrap().as_deref(), Some(b"\0asm".as_slice()));
    assert_eq!(component("c3").await.unwrap(), None);
    assert_eq!(kept(&trial, "emr", "a1").await.as_ref(), Some(&first_version));
    assert_eq!(kept(&trial, "emr", "b2").await.as_ref(), Some(&second_version));
    assert_eq!(kept(&trial, "another", "a1").await, None, "a version is of its plugin alone");

    let back = push(&trial, "emr", "a1", &large).await;
    assert_eq!((back.id, back.active, back.revision), (second.id, Some(digest("a1")), 3));
    assert_eq!(versions(&trial, "emr").await, [second_version, first_version]);
    assert_eq!(trial.audited("plugin.written").await, 4);
    super::chain::assert_whole(&trial).await;
}

/// Whoever pushes what is kept already does not write over what is known of it, nor over its bytes.
pub async fn a_known_version_is_kept_as_it_was(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    push(&trial, "emr", "a1", b"one").await;
    let plugin = push(&trial, "emr", "b2", b"two").await;
    let before = versions(&trial, "emr").await;
    trial.clock.advance(10);
    let other = PluginVersionRecord {
        contract: "9.9.9".to_owned(),
        version: None,
        description: None,
        size: 1,
        fixtures: 0,
        created_by: "somebody else".to_owned(),
        ..version(&trial, "emr", "a1", b"one")
    };
    let mut again = pushing(&trial, &plugin, "a1", b"one");
    again.version = Some((other, b"another".to_vec()));
    let served = write(&trial, again).await;
    assert_eq!(served.active, Some(digest("a1")), "it serves nevertheless");
    assert_eq!(versions(&trial, "emr").await, before);
    assert_eq!(trial.store.plugin_component(digest("a1")).await.unwrap().as_deref(), Some(b"one".as_slice()));
}

/// The versions of one plugin, newest first, in pages.
pub async fn versions_page_newest_first(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let mut expected = Vec::new();
    for letters in ["a1", "b2", "c3", "d4", "e5"] {
        push(&trial, "emr", letters, letters.as_bytes()).await;
        push(&trial, "other", letters, letters.as_bytes()).await;
        expected.insert(0, version(&trial, "emr", letters, letters.as_bytes()));
        trial.clock.advance(1);
    }
    assert_eq!(versions(&trial, "emr").await, expected);
    assert_eq!(versions(&trial, "nobody").await, []);
}

/// One component under two names: each has its own version, its own pointer and its own history.
pub async fn two_plugins_share_a_component(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let one = push(&trial, "one", "a1", b"shared").await;
    trial.clock.advance(10);
    let two = push(&trial, "two", "a1", b"shared").await;
    assert_eq!(kept(&trial, "two", "a1").await, Some(version(&trial, "two", "a1", b"shared")));
    assert_eq!(kept(&trial, "one", "a1").await.map(|version| version.created_at), Some(one.updated_at));

    push(&trial, "two", "b2", b"its own").await;
    assert_eq!(find(&trial, "one").await, Some(one), "the other plugin moved, and not this one");
    let began =
        |at: i64| Activation { digest: digest("a1"), previous: None, cause: Cause::Push, at, by: OPERATOR.to_owned() };
    assert_eq!(history(&trial, "one", 10).await, [began(two.updated_at - 10)]);
    assert_eq!(history(&trial, "two", 10).await.last(), Some(&began(two.updated_at)));
    assert_eq!(trial.store.plugin_component(digest("a1")).await.unwrap().as_deref(), Some(b"shared".as_slice()));
}

/// A file of the watched directory is remembered with the digest that it had last, whichever plugin it went to.
pub async fn files_are_remembered_by_name(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    assert_eq!(trial.store.plugin_files().await.unwrap(), []);
    let mut plugin = unborn(&trial, "emr");
    for (name, letters) in [("emr.wasm", "a1"), ("another.wasm", "b2"), ("emr.wasm", "c3")] {
        let mut taken_in = keeping(&trial, &plugin);
        taken_in.file = Some(file(name, letters));
        plugin = write(&trial, taken_in).await;
    }
    write(&trial, keeping(&trial, &plugin)).await;
    let mut files = trial.store.plugin_files().await.unwrap();
    files.sort_by(|one, other| one.file.cmp(&other.file));
    assert_eq!(files, [file("another.wasm", "b2"), file("emr.wasm", "c3")]);
    trial.reopen().await;
    assert_eq!(trial.store.plugin_files().await.unwrap().len(), 2);
}
