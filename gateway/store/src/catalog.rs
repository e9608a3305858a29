//! The port of administration: subscriptions, sources, plugins and keys.

use crate::change::Change;
use crate::future::Answering;
use crate::page::{Page, PageRequest};
use hookwright_core::id::{KeyId, PluginId, SourceId, SubscriptionId};
use hookwright_core::idempotency::{Claim, Claimed};
use hookwright_core::source::Source;
use hookwright_core::subscription::Subscription;
use std::sync::Arc;

/// How saving a record ended. [`Claimed::Fresh`] holds the record as it is now.
pub type Saved<T> = Claimed<T>;

/// A plugin's name and which of its versions serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginRecord {
    /// Its id.
    pub id: PluginId,
    /// Its name.
    pub name: String,
    /// The digest of the version that serves.
    pub active: String,
    /// Last change, unix milliseconds.
    pub updated_at: i64,
}

/// One content-addressed version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersionRecord {
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// The plugin it is a version of.
    pub plugin: String,
    /// `inbound` or `outbound`.
    pub world: String,
    /// The author's version, from the component's metadata.
    pub version: Option<String>,
    /// The author's description.
    pub description: Option<String>,
    /// Bytes of the component.
    pub size: u64,
    /// When it was pushed, unix milliseconds.
    pub created_at: i64,
    /// Who pushed it.
    pub created_by: String,
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

    /// A version's component bytes.
    fn plugin_component(&self, digest: String) -> Answering<'_, Option<Vec<u8>>>;

    /// Keeps a version, if it is new, and makes it the one that serves.
    fn push_plugin(
        &self,
        version: PluginVersionRecord,
        component: Vec<u8>,
        change: Change,
    ) -> Answering<'_, PluginRecord>;

    /// Every key, newest first, without revoked ones; from memory.
    fn keys(&self) -> Arc<Vec<KeyRecord>>;

    /// Creates a key.
    fn create_key(&self, key: KeyRecord, change: Change) -> Answering<'_, Saved<KeyRecord>>;

    /// Revokes a key. False if there is none.
    fn revoke_key(&self, id: KeyId, change: Change) -> Answering<'_, bool>;

    /// What was answered to a claim before, if it was made before: for requests whose effect is planned elsewhere.
    fn claimed(&self, claim: Claim) -> Answering<'_, Option<Claimed<()>>>;
}
