//! Plugins: versions named by their content, one of which serves.

use super::Factory;
use super::operator::change;
use super::trial::{Pages, Trial};
use crate::{PluginRecord, PluginVersionRecord};

fn version(trial: &Trial<'_>, plugin: &str, digest: &str, component: &[u8]) -> PluginVersionRecord {
    PluginVersionRecord {
        digest: digest.repeat(32),
        plugin: plugin.to_owned(),
        world: "inbound".to_owned(),
        version: Some("1.2.3".to_owned()),
        description: None,
        size: component.len() as u64,
        created_at: trial.now(),
        created_by: "local".to_owned(),
    }
}

async fn push(trial: &Trial<'_>, plugin: &str, digest: &str, component: &[u8]) -> PluginRecord {
    let version = version(trial, plugin, digest, component);
    trial.store.push_plugin(version, component.to_vec(), change(trial, "plugin.pushed", plugin)).await.unwrap()
}

/// What is pushed is kept by its digest and serves; pushed again, it serves again without a second record.
pub async fn a_push_keeps_the_version_and_makes_it_serve(factory: &dyn Factory) {
    let mut trial = Trial::begin(factory).await;
    let large: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let first = push(&trial, "emr", "a1", &large).await;
    assert_eq!((first.name.as_str(), first.active), ("emr", "a1".repeat(32)));
    trial.clock.advance(10);
    let second = push(&trial, "emr", "b2", b"\0asm").await;
    assert_eq!((second.id, second.updated_at), (first.id, trial.now()), "one plugin, whatever serves");
    let other = push(&trial, "another", "b2", b"\0asm").await;
    assert_ne!(other.id, first.id);

    trial.reopen().await;
    let plugins = trial.store.plugins().await.unwrap();
    assert_eq!(plugins, [other, second.clone()], "by name");
    let component = |digest: &str| trial.store.plugin_component(digest.repeat(32));
    assert!(component("a1").await.unwrap().is_some_and(|bytes| bytes == large));
    assert_eq!(component("b2").await.unwrap().as_deref(), Some(b"\0asm".as_slice()));
    assert_eq!(component("c3").await.unwrap(), None);

    let back = push(&trial, "emr", "a1", &large).await;
    assert_eq!((back.id, back.active), (second.id, "a1".repeat(32)));
    let page = crate::PageRequest { before: None, limit: 10 };
    let versions = trial.store.plugin_versions("emr".to_owned(), page).await.unwrap().rows;
    assert_eq!(versions.len(), 2);
    assert_eq!(versions.iter().find(|one| one.digest == "a1".repeat(32)).map(|one| one.size), Some(2_000_000));
    assert_eq!(trial.audited("plugin.pushed").await, 4);
}

/// The versions of one plugin, newest first, in pages.
pub async fn versions_page_newest_first(factory: &dyn Factory) {
    let trial = Trial::begin(factory).await;
    let digests = ["a1", "b2", "c3", "d4", "e5"];
    for digest in digests {
        push(&trial, "emr", digest, digest.as_bytes()).await;
        push(&trial, "other", digest, digest.as_bytes()).await;
    }
    let mut pages = Pages::new(2);
    while let Some(request) = pages.request() {
        pages.take(trial.store.plugin_versions("emr".to_owned(), request).await);
    }
    let expected: Vec<_> =
        digests.iter().rev().map(|digest| version(&trial, "emr", digest, digest.as_bytes())).collect();
    assert_eq!(pages.rows, expected);
    let page = crate::PageRequest { before: None, limit: 10 };
    assert!(trial.store.plugin_versions("nobody".to_owned(), page).await.unwrap().rows.is_empty());
}
