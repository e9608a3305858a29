//! A plugin as the cases write it.

use super::answer;
use super::operator::{OPERATOR, change};
use super::trial::{Pages, Trial};
use crate::{PluginFile, PluginWrite};
use hookwright_core::id::PluginId;
use hookwright_core::plugin::{Activation, Cause, PluginPolicy, PluginRecord, PluginVersionRecord};

/// A whole digest of two letters.
pub(super) fn digest(letters: &str) -> String {
    letters.repeat(32)
}

/// A version with every field filled in.
pub(super) fn version(trial: &Trial<'_>, plugin: &str, letters: &str, component: &[u8]) -> PluginVersionRecord {
    PluginVersionRecord {
        digest: digest(letters),
        plugin: plugin.to_owned(),
        world: "outbound".to_owned(),
        contract: "0.2.0".to_owned(),
        version: Some("1.2.3".to_owned()),
        description: Some("müde 'quoted' \\ \u{1f9ea}".to_owned()),
        size: component.len() as u64,
        fixtures: u32::MAX,
        created_at: trial.now(),
        created_by: OPERATOR.to_owned(),
        quarantine: None,
    }
}

/// What a plugin is before its first version.
pub(super) fn unborn(trial: &Trial<'_>, name: &str) -> PluginRecord {
    PluginRecord {
        id: PluginId::from_i64(1).expect("an id"),
        name: name.to_owned(),
        world: "outbound".to_owned(),
        active: None,
        canary: None,
        policy: PluginPolicy::default(),
        updated_at: trial.now(),
        revision: 0,
    }
}

/// A write that changes nothing of a plugin as it was read.
pub(super) fn keeping(trial: &Trial<'_>, read: &PluginRecord) -> PluginWrite {
    PluginWrite {
        plugin: PluginRecord { updated_at: trial.now(), ..read.clone() },
        expected: read.revision,
        version: None,
        activation: None,
        quarantine: None,
        file: None,
    }
}

/// A write that lets a version serve which is kept already.
pub(super) fn activating(trial: &Trial<'_>, read: &PluginRecord, letters: &str, cause: Cause) -> PluginWrite {
    let mut write = keeping(trial, read);
    write.plugin.active = Some(digest(letters));
    write.activation = Some(Activation {
        digest: digest(letters),
        previous: read.active.clone(),
        cause,
        at: trial.now(),
        by: OPERATOR.to_owned(),
    });
    write
}

/// A write that keeps a version and lets it serve.
pub(super) fn pushing(trial: &Trial<'_>, read: &PluginRecord, letters: &str, component: &[u8]) -> PluginWrite {
    let kept = (version(trial, &read.name, letters, component), component.to_vec());
    PluginWrite { version: Some(kept), ..activating(trial, read, letters, Cause::Push) }
}

/// A file of the watched directory.
pub(super) fn file(name: &str, letters: &str) -> PluginFile {
    PluginFile { file: name.to_owned(), digest: digest(letters) }
}

/// Makes a write, without a claim.
pub(super) async fn write(trial: &Trial<'_>, write: PluginWrite) -> PluginRecord {
    let change = change(trial, "plugin.written", &write.plugin.name);
    answer::saved(trial.store.write_plugin(write, change).await.expect("it is written"))
}

/// Keeps a version of the plugin of this name, which may be new, and lets it serve.
pub(super) async fn push(trial: &Trial<'_>, name: &str, letters: &str, component: &[u8]) -> PluginRecord {
    let read = find(trial, name).await.unwrap_or_else(|| unborn(trial, name));
    write(trial, pushing(trial, &read, letters, component)).await
}

/// The plugin of this name.
pub(super) async fn find(trial: &Trial<'_>, name: &str) -> Option<PluginRecord> {
    let plugins = trial.store.plugins().await.expect("the plugins are read");
    plugins.into_iter().find(|plugin| plugin.name == name)
}

/// One version of a plugin.
pub(super) async fn kept(trial: &Trial<'_>, name: &str, letters: &str) -> Option<PluginVersionRecord> {
    trial.store.plugin_version(name.to_owned(), digest(letters)).await.expect("the version is read")
}

/// All versions of a plugin, read a few at a time.
pub(super) async fn versions(trial: &Trial<'_>, name: &str) -> Vec<PluginVersionRecord> {
    let mut pages = Pages::new(2);
    while let Some(request) = pages.request() {
        pages.take(trial.store.plugin_versions(name.to_owned(), request).await);
    }
    pages.rows
}

/// What served under a plugin's name, newest first.
pub(super) async fn history(trial: &Trial<'_>, name: &str, limit: u32) -> Vec<Activation> {
    trial.store.plugin_history(name.to_owned(), limit).await.expect("the history is read")
}
