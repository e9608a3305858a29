//! The port of administration: subscriptions, sources, plugins and keys.

use crate::change::Change;
use crate::future::Answering;
use crate::page::{Page, PageRequest};
use hookwright_core::id::{KeyId, SourceId, SubscriptionId};
use hookwright_core::idempotency::{Claim, Claimed};
use hookwright_core::plugin::{Activation, PluginRecord, PluginVersionRecord, Quarantine};
use hookwright_core::source::Source;
use hookwright_core::subscription::Subscription;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How saving a record ended. [`Claimed::Fresh`] holds the record as it is now.
pub type Saved<T> = Claimed<T>;

/// A change of a plugin, written as a whole: what [`decide`](hookwright_core::plugin::moves::decide) says follows from a move, and what was pushed along with it.
#[derive(Clone, Debug)]
pub struct PluginWrite {
    /// The plugin as it is to be. Its `id` is ignored where there is none of its name yet, and its `revision` always.
    pub plugin: PluginRecord,
    /// The revision that was read; `0` where there was no plugin of this name. [`crate::StoreError::Stale`] if it is another by now, and nothing is written.
    pub expected: i64,
    /// A version and its component, kept unless they are there already.
    pub version: Option<(PluginVersionRecord, Vec<u8>)>,
    /// Added to the history of what served.
    pub activation: Option<Activation>,
    /// A version whose quarantine begins or ends. [`crate::StoreError::Stale`] if the plugin has no such version, and nothing is written.
    pub quarantine: Option<(String, Option<Quarantine>)>,
    /// The file of the watched directory that this was read from.
    pub file: Option<PluginFile>,
}

/// What a file of the watched directory held when it was last taken in, so that it is taken in again only if it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFile {
    /// Its name, without the directory.
    pub file: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub digest: String,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyScope {
    /// Publish events.
    Publish,
    /// Read records, without bodies.
    Read,
    /// Retry, reprocess, pause.
    Operate,
    /// Read bodies.
    Phi,
    /// Everything.
    Admin,
}

impl KeyScope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Publish, Self::Read, Self::Operate, Self::Phi, Self::Admin];

    /// The word used in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Phi => "phi",
            Self::Admin => "admin",
        }
    }

    /// The scope of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// An API key as stored: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id, which the key's text carries.
    pub id: KeyId,
    /// A name for people.
    pub name: String,
    /// SHA-256 of the key's text.
    pub hash: [u8; 32],
    /// What it may do.
    pub scopes: Vec<KeyScope>,
    /// When it ends, unix milliseconds.
    pub expires_at: Option<i64>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Creation, unix milliseconds.
    pub created_at: i64,
}

/// Administration and look-ups. A change takes effect for every transaction that commits after it.
pub trait Catalog: Send + Sync + 'static {
    /// Every subscription that is not deleted, as of the last commit; from memory.
    fn subscriptions(&self) -> Arc<Vec<Arc<Subscription>>>;

    /// Creates a subscription.
    fn create_subscription(
        &self,
        subscription: Subscription,
        change: Change,
    ) -> Answering<'_, Saved<Arc<Subscription>>>;

    /// Replaces a subscription whose version is still `expected`; its version grows by one. [`crate::StoreError::Stale`] if it is not; `Fresh(None)` if there is none.
    fn update_subscription(
        &self,
        subscription: Subscription,
        expected: i64,
        change: Change,
    ) -> Answering<'_, Saved<Option<Arc<Subscription>>>>;

    /// Deletes a subscription; its pending deliveries end as failed with the reason `subscription_deleted`. False if there is none.
    fn delete_subscription(&self, id: SubscriptionId, change: Change) -> Answering<'_, bool>;

    /// Every source, as of the last commit; from memory.
    fn sources(&self) -> Arc<Vec<Arc<Source>>>;

    /// Creates a source. [`crate::StoreError::Taken`] if its slug is another's.
    fn create_source(&self, source: Source, change: Change) -> Answering<'_, Saved<Arc<Source>>>;

    /// Replaces a source whose version is still `expected`, as for subscriptions.
    fn update_source(&self, source: Source, expected: i64, change: Change)
    -> Answering<'_, Saved<Option<Arc<Source>>>>;

    /// Deletes a source; its messages stay. False if there is none.
    fn delete_source(&self, id: SourceId, change: Change) -> Answering<'_, bool>;

    /// Every plugin, by name.
    fn plugins(&self) -> Answering<'_, Vec<PluginRecord>>;

    /// The versions of a plugin, newest first.
    fn plugin_versions(&self, plugin: String, page: PageRequest) -> Answering<'_, Page<PluginVersionRecord>>;

    /// One version of a plugin.
    fn plugin_version(&self, plugin: String, digest: String) -> Answering<'_, Option<PluginVersionRecord>>;

    /// The digests of a plugin's versions that are in quarantine.
    fn plugin_quarantine(&self, plugin: String) -> Answering<'_, BTreeSet<String>>;

    /// What served under a plugin's name, the newest first, at most `limit`.
    fn plugin_history(&self, plugin: String, limit: u32) -> Answering<'_, Vec<Activation>>;

    /// A version's component bytes.
    fn plugin_component(&self, digest: String) -> Answering<'_, Option<Vec<u8>>>;

    /// Writes a change of a plugin, whole or not at all; its revision grows by one.
    fn write_plugin(&self, write: PluginWrite, change: Change) -> Answering<'_, Saved<PluginRecord>>;

    /// What the files of the watched directory held when they were last taken in.
    fn plugin_files(&self) -> Answering<'_, Vec<PluginFile>>;

    /// Quarantines of which no event was published yet, those of the oldest versions first, at most `limit`.
    fn plugin_quarantines_untold(&self, limit: u32) -> Answering<'_, Vec<PluginVersionRecord>>;

    /// The event of the quarantine that began at `at` was published. One that ended meanwhile, or began again, is not touched.
    fn plugin_quarantine_told(&self, plugin: String, digest: String, at: i64) -> Answering<'_, ()>;

    /// Every key, newest first, without revoked ones; from memory.
    fn keys(&self) -> Arc<Vec<KeyRecord>>;

    /// Creates a key.
    fn create_key(&self, key: KeyRecord, change: Change) -> Answering<'_, Saved<KeyRecord>>;

    /// Revokes a key. False if there is none.
    fn revoke_key(&self, id: KeyId, change: Change) -> Answering<'_, bool>;

    /// What was answered to a claim before, if it was made before: for requests whose effect is planned elsewhere.
    fn claimed(&self, claim: Claim) -> Answering<'_, Option<Claimed<()>>>;
}
