//! Administration: subscriptions, sources, plugins and keys. Each change is a transaction of its own, and in memory as soon as it is committed.

#[path = "catalog/claim.rs"]
pub(crate) mod claim;
#[path = "catalog/key.rs"]
pub(crate) mod key;
#[path = "catalog/plugin.rs"]
mod plugin;
#[path = "catalog/source.rs"]
pub(crate) mod source;
#[path = "catalog/subscription.rs"]
pub(crate) mod subscription;

use crate::database::bounded;
use crate::store::Here;
use hookwright_core::id::{KeyId, SourceId, SubscriptionId};
use hookwright_core::idempotency::{Claim, Claimed};
use hookwright_core::plugin::{Activation, PluginRecord, PluginVersionRecord};
use hookwright_core::source::Source;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Answering, Catalog, Change, KeyRecord, Page, PageRequest, PluginFile, PluginWrite, Saved};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Catalog for Here {
    fn subscriptions(&self) -> Arc<Vec<Arc<Subscription>>> {
        self.shared.directory.subscriptions.load_full()
    }

    fn create_subscription(
        &self,
        subscription: Subscription,
        change: Change,
    ) -> Answering<'_, Saved<Arc<Subscription>>> {
        self.alone(move |desk| Box::pin(subscription::create(desk, subscription, change)))
    }

    fn update_subscription(
        &self,
        subscription: Subscription,
        expected: i64,
        change: Change,
    ) -> Answering<'_, Saved<Option<Arc<Subscription>>>> {
        self.alone(move |desk| Box::pin(subscription::update(desk, subscription, expected, change)))
    }

    fn delete_subscription(&self, id: SubscriptionId, change: Change) -> Answering<'_, bool> {
        self.alone(move |desk| Box::pin(subscription::delete(desk, id, change)))
    }

    fn sources(&self) -> Arc<Vec<Arc<Source>>> {
        self.shared.directory.sources.load_full()
    }

    fn create_source(&self, source: Source, change: Change) -> Answering<'_, Saved<Arc<Source>>> {
        self.alone(move |desk| Box::pin(source::create(desk, source, change)))
    }

    fn update_source(
        &self,
        source: Source,
        expected: i64,
        change: Change,
    ) -> Answering<'_, Saved<Option<Arc<Source>>>> {
        self.alone(move |desk| Box::pin(source::update(desk, source, expected, change)))
    }

    fn delete_source(&self, id: SourceId, change: Change) -> Answering<'_, bool> {
        self.alone(move |desk| Box::pin(source::delete(desk, id, change)))
    }

    fn plugins(&self) -> Answering<'_, Vec<PluginRecord>> {
        bounded(plugin::all(&self.shared.reads))
    }

    fn plugin_versions(&self, plugin: String, page: PageRequest) -> Answering<'_, Page<PluginVersionRecord>> {
        bounded(plugin::versions(&self.shared.reads, plugin, page))
    }

    fn plugin_component(&self, digest: String) -> Answering<'_, Option<Vec<u8>>> {
        bounded(plugin::component(&self.shared.reads, digest))
    }

    fn plugin_version(&self, plugin: String, digest: String) -> Answering<'_, Option<PluginVersionRecord>> {
        bounded(plugin::one(&self.shared.reads, plugin, digest))
    }

    fn plugin_quarantine(&self, plugin: String) -> Answering<'_, BTreeSet<String>> {
        bounded(plugin::quarantined(&self.shared.reads, plugin))
    }

    fn plugin_history(&self, plugin: String, limit: u32) -> Answering<'_, Vec<Activation>> {
        bounded(plugin::history(&self.shared.reads, plugin, limit))
    }

    fn write_plugin(&self, write: PluginWrite, change: Change) -> Answering<'_, Saved<PluginRecord>> {
        self.alone(move |desk| Box::pin(plugin::write(desk, write, change)))
    }

    fn plugin_files(&self) -> Answering<'_, Vec<PluginFile>> {
        bounded(plugin::files(&self.shared.reads))
    }

    fn plugin_quarantines_untold(&self, limit: u32) -> Answering<'_, Vec<PluginVersionRecord>> {
        bounded(plugin::untold(&self.shared.reads, limit))
    }

    fn plugin_quarantine_told(&self, plugin: String, digest: String, at: i64) -> Answering<'_, ()> {
        self.alone(move |desk| Box::pin(plugin::told(desk, plugin, digest, at)))
    }

    fn keys(&self) -> Arc<Vec<KeyRecord>> {
        self.shared.directory.keys.load_full()
    }

    fn create_key(&self, key: KeyRecord, change: Change) -> Answering<'_, Saved<KeyRecord>> {
        self.alone(move |desk| Box::pin(key::create(desk, key, change)))
    }

    fn revoke_key(&self, id: KeyId, change: Change) -> Answering<'_, bool> {
        self.alone(move |desk| Box::pin(key::revoke(desk, id, change)))
    }

    fn claimed(&self, claim: Claim) -> Answering<'_, Option<Claimed<()>>> {
        bounded(claim::look_up(&self.shared, claim))
    }
}
