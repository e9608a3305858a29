//! A new version of a plugin: compiled, checked, kept, and then serving.

use super::Plugins;
use hookwright_core::source::is_slug;
use hookwright_plugin_host::{Digest, LoadError, World};
use hookwright_store::{Change, PluginRecord, PluginVersionRecord, StoreError};

/// Why a version was not taken. The one before it goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The name cannot be a plugin's.
    #[error("a plugin's name is 1 to 63 of a-z, 0-9 and hyphens, and begins and ends with a letter or digit")]
    Name,
    /// The file is no plugin that this gateway can run.
    #[error("the component cannot be loaded")]
    Load(#[source] LoadError),
    /// The name stands for a plugin of the other direction, which sources or subscriptions rely on.
    #[error("the plugin of this name is {was}, and the component is {is}: push it under another name")]
    OtherWorld {
        /// What the name stands for.
        was: World,
        /// What was pushed.
        is: World,
    },
    /// The store did not take it.
    #[error("the version could not be stored")]
    Store(#[source] StoreError),
    /// The gateway is stopping.
    #[error("the compilation was interrupted")]
    Interrupted,
}

impl Plugins {
    /// Keeps a component as a version of the plugin `name`, and makes it the one that serves. Pushing the version that serves already changes nothing but the audit.
    pub async fn push(&self, name: &str, component: Vec<u8>, change: Change) -> Result<PluginRecord, PushError> {
        if !is_slug(name) {
            return Err(PushError::Name);
        }
        let _turn = self.pushing.lock().await;
        let (version, component) = self.compile(component).await?;
        if let Some(active) = self.active(name)
            && active.world() != version.world()
        {
            return Err(PushError::OtherWorld { was: active.world(), is: version.world() });
        }
        let metadata = version.metadata();
        let record = PluginVersionRecord {
            digest: version.digest().to_string(),
            plugin: name.to_owned(),
            world: version.world().as_str().to_owned(),
            version: metadata.version.clone(),
            description: metadata.description.clone(),
            size: version.size_bytes() as u64,
            created_at: self.clock.now_ms(),
            created_by: change.audit.actor.clone(),
        };
        let record = self.store.push_plugin(record, component, change).await.map_err(PushError::Store)?;
        self.serve(name, &version);
        Ok(record)
    }

    /// Whether the store has these bytes as a version of whatever plugin.
    pub(super) async fn is_known(&self, component: &[u8]) -> Result<bool, StoreError> {
        Ok(self.store.plugin_component(Digest::of(component).to_string()).await?.is_some())
    }
}
