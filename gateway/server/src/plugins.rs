//! The plugins and which version of each serves.
//!
//! The store says which version of a plugin is active; this registry holds the compiled code, swapped whole, and turns calls into the core's words. A call that is under way
//! finishes on the version it began with.

mod directory;
mod facts;
mod inbound;
mod outbound;
mod push;
mod verdict;

pub use inbound::ParseResult;
pub use outbound::{SendRequest, TransformCall, TransformResult, Transformed};
pub use push::PushError;

use crate::config::PluginsConfig;
use crate::problem::Problem;
use arc_swap::ArcSwap;
use hookwright_plugin_host::{
    CacheConfig, CallLimits, HostConfig, HostError, LogLevel, LogLine, PluginHost, PluginVersion,
};
use hookwright_store::{Clock, Store, StoreError};
use http::StatusCode;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Versions that deliveries name by digest are kept compiled, this many at most.
const PINNED_MAX: usize = 32;

/// What the registry works with.
pub struct PluginsParts {
    /// Runs the calls.
    pub host: PluginHost,
    /// Knows the versions.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the operator asked for.
    pub config: PluginsConfig,
    /// Whether a partner's event must be of a type of the catalogue.
    pub strict_event_types: bool,
}

/// The registry of plugins.
pub struct Plugins {
    host: Arc<PluginHost>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    inbound_limits: CallLimits,
    outbound_limits: CallLimits,
    strict_event_types: bool,
    active: ArcSwap<Active>,
    /// Versions named by digest, the one used last at the end.
    pinned: Mutex<Vec<(String, Arc<PluginVersion>)>>,
    /// What could not be loaded, by name, and why.
    troubles: Mutex<BTreeMap<String, String>>,
    /// Held while a version is pushed, so that the store and memory change in the same order.
    pushing: tokio::sync::Mutex<()>,
}

type Active = BTreeMap<String, Arc<PluginVersion>>;

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").field("active", &self.active.load().keys()).finish_non_exhaustive()
    }
}

/// Too many plugin calls are waiting: nothing was done, and the same may succeed in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many plugin calls are waiting")]
pub struct PluginsBusy;

impl From<PluginsBusy> for Problem {
    fn from(_: PluginsBusy) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too much is waiting; come again in a moment").retry_after(1)
    }
}

/// Starts the host that runs plugins. Blocks for some milliseconds.
pub fn host(config: &PluginsConfig) -> Result<PluginHost, HostError> {
    // Without a key, the directory's permissions are what protects the compiled code; the host makes it private.
    let cache = config.cache.clone().map(|dir| CacheConfig { dir, mac_key: None });
    PluginHost::start(HostConfig { cache, ..HostConfig::default() })
}

impl Plugins {
    /// Loads every plugin's active version, then pushes what is new in the configured directory. A plugin that cannot be loaded is a trouble on show, not a reason to stay
    /// down: only a store that cannot be read is an error.
    pub async fn start(parts: PluginsParts) -> Result<Arc<Self>, StoreError> {
        let limits =
            |deadline| CallLimits { deadline, memory_bytes: parts.config.memory_bytes_max, ..CallLimits::default() };
        let plugins = Arc::new(Self {
            host: Arc::new(parts.host),
            store: parts.store,
            clock: parts.clock,
            inbound_limits: limits(parts.config.inbound_deadline),
            outbound_limits: limits(parts.config.outbound_deadline),
            strict_event_types: parts.strict_event_types,
            active: ArcSwap::default(),
            pinned: Mutex::default(),
            troubles: Mutex::default(),
            pushing: tokio::sync::Mutex::default(),
        });
        plugins.load_active().await?;
        if let Some(directory) = &parts.config.directory {
            plugins.push_directory(directory).await?;
        }
        Ok(plugins)
    }

    /// The version of a plugin that serves now.
    pub fn active(&self, name: &str) -> Option<Arc<PluginVersion>> {
        self.active.load().get(name).cloned()
    }

    /// Every plugin that serves, with the digest of its version.
    pub fn serving(&self) -> Vec<(String, String)> {
        self.active.load().iter().map(|(name, version)| (name.clone(), version.digest().to_string())).collect()
    }

    /// What could not be loaded or pushed, by name, and why.
    pub fn troubles(&self) -> BTreeMap<String, String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn load_active(&self) -> Result<(), StoreError> {
        for record in self.store.plugins().await? {
            match self.load(&record.active).await? {
                Ok(version) => self.serve(&record.name, &version),
                Err(why) => self.trouble(&record.name, why),
            }
        }
        Ok(())
    }

    /// The compiled version of a digest, from the store. The inner error says why there is none.
    async fn load(&self, digest: &str) -> Result<Result<Arc<PluginVersion>, String>, StoreError> {
        let Some(bytes) = self.store.plugin_component(digest.to_owned()).await? else {
            return Ok(Err(format!("the store has no component {digest}")));
        };
        Ok(self.compile(bytes).await.map(|(version, _)| version).map_err(|error| crate::problem::chain(&error)))
    }

    /// Compiles off the server's own threads, and gives the bytes back.
    async fn compile(&self, bytes: Vec<u8>) -> Result<(Arc<PluginVersion>, Vec<u8>), PushError> {
        let host = Arc::clone(&self.host);
        let compiled = tokio::task::spawn_blocking(move || host.compile(&bytes).map(|version| (version, bytes)));
        compiled.await.map_err(|_| PushError::Interrupted)?.map_err(PushError::Load)
    }

    /// Makes a version the one that serves; calls under way keep theirs.
    fn serve(&self, name: &str, version: &Arc<PluginVersion>) {
        tracing::info!(plugin = name, digest = %version.digest(), world = %version.world(), "plugin serves");
        self.active.rcu(|active| {
            let mut next = Active::clone(active);
            next.insert(name.to_owned(), Arc::clone(version));
            next
        });
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn trouble(&self, name: &str, why: String) {
        tracing::error!(plugin = name, %why, "plugin cannot be loaded");
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), why);
    }
}

/// A call's log as it is kept with the message or attempt.
fn kept_log(lines: Vec<LogLine>, truncated: bool) -> Vec<String> {
    let mut kept: Vec<_> = lines.into_iter().map(|line| format!("{}: {}", line.level.as_str(), line.message)).collect();
    if truncated {
        kept.push(format!("{}: the log was longer; the rest was cut off", LogLevel::Warn.as_str()));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_plugin_host::LogLine;

    #[test]
    fn a_busy_host_asks_to_come_again() {
        let answer = Problem::from(PluginsBusy).answer("r");
        assert_eq!(
            (answer.status(), answer.headers()["retry-after"].as_bytes()),
            (StatusCode::SERVICE_UNAVAILABLE, &b"1"[..])
        );
    }

    #[test]
    fn a_log_that_was_cut_off_says_so() {
        let line = LogLine { level: LogLevel::Info, message: "seen".to_owned() };
        assert_eq!(kept_log(vec![line.clone()], false), ["info: seen"]);
        assert_eq!(kept_log(vec![line], true).len(), 2);
    }
}
