//! The plugins and which version of each serves.
//!
//! The store says which versions its pointers name; this registry holds the compiled code of those, swapped whole, and turns calls into the core's words. A call that is
//! under way finishes on the version it began with. Every change of a pointer goes through [`Plugins::make`], whoever wants it: an operator, the watched directory, or the
//! gateway itself after too many failures.

mod compare;
mod facts;
mod follow;
mod inbound;
mod load;
mod meters;
mod moves;
mod observe;
mod outbound;
mod pinned;
mod push;
mod record;
mod redact;
mod shelf;
mod tally;
mod trial;
mod trouble;
mod verdict;
mod watch;

pub use inbound::ParseResult;
pub use moves::{MoveError, Order};
pub use observe::serves;
pub use outbound::{SendRequest, TransformCall, TransformResult, Transformed};
pub use push::{PushError, Pushed};
pub use record::Recorder;
pub use redact::RedactionKey;
pub use tally::Sample;
pub use trial::{Side, Trial, Tried};
pub use trouble::Trouble;
pub use watch::Watching;

use crate::config::PluginsConfig;
use crate::problem::Problem;
use arc_swap::ArcSwap;
use hookwright_core::plugin::CanaryCounts;
use hookwright_core::plugin::moves::Moved;
use hookwright_plugin_host::{CallLimits, LogLevel, LogLine, PluginHost, World};
use hookwright_store::{Clock, Store, StoreError};
use http::StatusCode;
use meters::Meters;
use pinned::Pinned;
use shelf::{Loaded, Shelf};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use trouble::Troubles;

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
    me: Weak<Self>,
    host: Arc<PluginHost>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    config: PluginsConfig,
    strict_event_types: bool,
    shelf: ArcSwap<Shelf>,
    /// Code by plugin and digest, for as long as somebody holds it.
    library: Mutex<HashMap<(String, String), Weak<Loaded>>>,
    /// Versions that bindings name by digest.
    pinned: Pinned,
    troubles: Troubles,
    meters: Meters,
    /// By plugin, held while its pointers move, so that the store and memory change in the same order. A quarantine waits for no other plugin's compilation.
    moving: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    when_moved: OnceLock<WhenMoved>,
}

/// Told of every move once it is made, with the plugin's name.
type WhenMoved = Box<dyn Fn(&str, &Moved) + Send + Sync>;

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").field("shelf", &self.shelf.load().keys()).finish_non_exhaustive()
    }
}

/// Too many plugin calls are waiting: nothing was done, and the same may succeed in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many plugin calls are waiting")]
pub struct PluginsBusy;

impl From<PluginsBusy> for Problem {
    fn from(_: PluginsBusy) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", "too much is waiting; come again in a moment").retry_after(1)
    }
}

impl Plugins {
    /// Loads every version that the store's pointers name. A plugin that cannot be loaded is a trouble on show, not a reason to stay down: only a store that cannot be read is
    /// an error.
    pub async fn start(parts: PluginsParts) -> Result<Arc<Self>, StoreError> {
        let plugins = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            host: Arc::new(parts.host),
            store: parts.store,
            clock: parts.clock,
            config: parts.config,
            strict_event_types: parts.strict_event_types,
            shelf: ArcSwap::default(),
            library: Mutex::default(),
            pinned: Pinned::default(),
            troubles: Troubles::default(),
            meters: Meters::default(),
            moving: Mutex::default(),
            when_moved: OnceLock::new(),
        });
        plugins.load_all().await?;
        Ok(plugins)
    }

    /// Whom to tell of every move; once.
    pub fn tell_of_moves(&self, told: impl Fn(&str, &Moved) + Send + Sync + 'static) {
        // A second listener would be a mistake of the wiring; the first one stays.
        drop(self.when_moved.set(Box::new(told)));
    }

    /// The digest of the version of a plugin that serves now.
    pub fn active(&self, name: &str) -> Option<String> {
        self.shelf.load().get(name).and_then(|shelved| shelved.active.as_ref()).map(|active| active.digest())
    }

    /// Whether quarantined messages of a plugin's sources are read again by themselves.
    pub fn reprocesses(&self, name: &str) -> bool {
        self.shelf.load().get(name).is_some_and(|shelved| shelved.record.policy.reprocess)
    }

    /// Every plugin that serves, with the digest of its version.
    pub fn serving(&self) -> Vec<(String, String)> {
        let snapshot = self.shelf.load();
        snapshot.iter().filter_map(|(name, shelved)| Some((name.clone(), shelved.active.as_ref()?.digest()))).collect()
    }

    /// What could not be loaded or pushed, by name, and why.
    pub fn troubles(&self) -> BTreeMap<String, Trouble> {
        self.troubles.all()
    }

    /// What has been counted of a plugin's candidate, and comparisons that were not equal, if one runs.
    pub fn candidate_counts(&self, name: &str) -> Option<(CanaryCounts, Vec<Sample>)> {
        let snapshot = self.shelf.load();
        snapshot.get(name)?.candidate.as_ref().map(|candidate| candidate.tally.read())
    }

    /// The metrics of plugins, in the text format of `OpenMetrics`.
    pub fn metrics(&self) -> Result<String, std::fmt::Error> {
        self.meters.text(&self.host)
    }

    /// What one call may use.
    fn limits(&self, world: World, deadline_ms: Option<u32>, reuse: u32) -> CallLimits {
        let usual = match world {
            World::Inbound => self.config.inbound_deadline,
            World::Outbound => self.config.outbound_deadline,
        };
        CallLimits {
            deadline: deadline_ms.map_or(usual, |ms| Duration::from_millis(u64::from(ms))),
            memory_bytes: self.config.memory_bytes_max,
            reuse,
            ..CallLimits::default()
        }
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
            (StatusCode::TOO_MANY_REQUESTS, &b"1"[..])
        );
    }

    #[test]
    fn a_log_that_was_cut_off_says_so() {
        let line = LogLine { level: LogLevel::Info, message: "seen".to_owned() };
        assert_eq!(kept_log(vec![line.clone()], false), ["info: seen"]);
        assert_eq!(kept_log(vec![line], true).len(), 2);
    }
}
