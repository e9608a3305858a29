//! From the store's pointers to compiled code: one way for a start, for a move of this node, and for a move of another.

use super::Plugins;
use super::push::PushError;
use super::shelf::{Candidate, Loaded, Shelf, Shelved};
use super::tally::Tally;
use super::trouble::Trouble;
use crate::problem::chain;
use futures_util::{StreamExt, stream};
use hookwright_core::plugin::{Canary, PluginRecord};
use hookwright_plugin_host::{PluginVersion, fixture::FixtureReport};
use hookwright_store::StoreError;
use std::sync::{Arc, PoisonError, Weak};

/// Plugins that are loaded at the same time at start.
const LOADS_MAX: usize = 8;

/// Why a version has no code.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoCode {
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    #[error("the store has no component {digest}")]
    Missing { digest: String },
    #[error(transparent)]
    Push(#[from] PushError),
}

impl Plugins {
    /// Loads whatever the pointers name. What cannot be loaded is a trouble, and the rest goes on.
    pub(super) async fn load_all(&self) -> Result<(), StoreError> {
        let records = self.store.plugins().await?;
        let mut loads = stream::iter(records).map(|record| self.shelve(record)).buffer_unordered(LOADS_MAX);
        while let Some(shelved) = loads.next().await {
            self.put(shelved?);
        }
        Ok(())
    }

    /// Brings one plugin to what the store says of it.
    pub(super) async fn reconcile(&self, name: &str) -> Result<(), StoreError> {
        if let Some(record) = self.record(name).await? {
            let shelved = self.shelve(record).await?;
            self.put(shelved);
        }
        Ok(())
    }

    /// A plugin's record.
    pub async fn record(&self, name: &str) -> Result<Option<PluginRecord>, StoreError> {
        Ok(self.store.plugins().await?.into_iter().find(|record| record.name == name))
    }

    async fn shelve(&self, record: PluginRecord) -> Result<Shelved, StoreError> {
        let quarantined = self.store.plugin_quarantine(record.name.clone()).await?;
        let before = self.shelf.load().get(&record.name).cloned();
        let mut shelved = Shelved { active: None, candidate: None, quarantined, record };
        let name = shelved.record.name.clone();
        if let Some(digest) = shelved.record.active.clone() {
            shelved.active = match self.loaded(&name, &digest).await {
                Ok(loaded) => Some(loaded),
                Err(error) => {
                    self.trouble(&name, Some(digest), &error);
                    // Better the version before than none, unless it was put out of service: it is on show that it is not the one.
                    let before = before.as_ref().and_then(|before| before.active.clone());
                    before.filter(|before| !shelved.quarantined.contains(&before.digest()))
                }
            };
        }
        if let Some(canary) = shelved.record.running_canary().cloned() {
            shelved.candidate = self.candidate(&name, canary, before.as_deref()).await;
        }
        Ok(shelved)
    }

    async fn candidate(&self, name: &str, canary: Canary, before: Option<&Shelved>) -> Option<Arc<Candidate>> {
        // The same candidate goes on counting.
        let running = before.and_then(|before| before.candidate.clone());
        if let Some(running) = running.filter(|running| running.canary == canary) {
            return Some(running);
        }
        match self.loaded(name, &canary.digest).await {
            Ok(loaded) => Some(Arc::new(Candidate { loaded, canary, tally: Tally::default() })),
            Err(error) => {
                self.trouble(&format!("{name}@candidate"), Some(canary.digest.clone()), &error);
                None
            }
        }
    }

    /// Puts a plugin on the shelf; calls under way keep what they have.
    fn put(&self, shelved: Shelved) {
        let name = shelved.record.name.clone();
        let digest = shelved.active.as_ref().map(|active| active.digest());
        if digest == shelved.record.active {
            self.troubles.remove(&name);
        }
        let shelved = Arc::new(shelved);
        let mut changed = false;
        self.shelf.rcu(|shelf| {
            let before = shelf.get(&name).and_then(|before| before.active.as_ref()).map(|active| active.digest());
            changed = before != digest;
            let mut next = Shelf::clone(shelf);
            next.insert(name.clone(), Arc::clone(&shelved));
            next
        });
        if changed {
            self.meters.swapped(&name);
            tracing::info!(plugin = name, digest = digest.as_deref().unwrap_or("none"), "plugin version serves");
        }
    }

    /// The code of a version, from memory if any call or pointer holds it.
    pub(super) async fn loaded(&self, plugin: &str, digest: &str) -> Result<Arc<Loaded>, NoCode> {
        if let Some(loaded) = self.known(plugin, digest) {
            return Ok(loaded);
        }
        let bytes = self.store.plugin_component(digest.to_owned()).await?;
        let bytes = bytes.ok_or_else(|| NoCode::Missing { digest: digest.to_owned() })?;
        let (version, _) = self.compile(bytes).await?;
        Ok(self.keep(plugin, version))
    }

    fn known(&self, plugin: &str, digest: &str) -> Option<Arc<Loaded>> {
        let library = self.library.lock().unwrap_or_else(PoisonError::into_inner);
        library.get(&(plugin.to_owned(), digest.to_owned())).and_then(Weak::upgrade)
    }

    /// Keeps code for whoever asks while somebody holds it; of two that compiled the same, one is kept.
    pub(super) fn keep(&self, plugin: &str, version: Arc<PluginVersion>) -> Arc<Loaded> {
        let key = (plugin.to_owned(), version.digest().to_string());
        let mut library = self.library.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = library.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        library.retain(|_, loaded| loaded.strong_count() > 0);
        let loaded = Arc::new(Loaded::new(plugin, version));
        library.insert(key, Arc::downgrade(&loaded));
        loaded
    }

    /// Compiles off the server's own threads, and gives the bytes back.
    pub(super) async fn compile(&self, bytes: Vec<u8>) -> Result<(Arc<PluginVersion>, Vec<u8>), PushError> {
        let host = Arc::clone(&self.host);
        let compiled = tokio::task::spawn_blocking(move || host.compile(&bytes).map(|version| (version, bytes)));
        compiled.await.map_err(|_| PushError::Interrupted)?.map_err(PushError::Load)
    }

    /// Runs the fixtures that a version carries; the failed ones are an error.
    pub(super) async fn check_fixtures(&self, version: &Arc<PluginVersion>) -> Result<u32, PushError> {
        let fixtures = version.fixtures();
        let limits = self.limits(version.world(), None, 1);
        let reports = self.host.run_fixtures(version, fixtures, limits).await;
        let failed: Vec<FixtureReport> = reports.into_iter().filter(|report| !report.passed).collect();
        if failed.is_empty() {
            return Ok(u32::try_from(fixtures.len()).unwrap_or(u32::MAX));
        }
        Err(PushError::Fixtures { failed, of: fixtures.len() })
    }

    pub(super) fn trouble(&self, name: &str, digest: Option<String>, error: &NoCode) {
        let trouble = match error {
            NoCode::Push(error) => error.trouble(self.clock.now_ms()),
            NoCode::Missing { .. } => Trouble::new("component_missing", error.to_string(), self.clock.now_ms()),
            NoCode::Store(_) => Trouble::new("store", chain(error), self.clock.now_ms()),
        };
        self.troubles.add(name, Trouble { digest, ..trouble });
    }
}
