//! Plugins: their versions, the pointers that say which of them serves, and the rules by which pointers move.
//!
//! A store keeps records and history; whoever wants a pointer moved reads both, lets [`decide`](moves::decide) say what follows, and writes that on condition that the
//! plugin's revision is still the one that was read. So every node and every store follows the same rules, and a move is never half-applied.

mod canary;
pub mod moves;
#[cfg(test)]
mod tests;

pub use canary::{Canary, CanaryCounts, CanaryEnd, CanaryMode, CanaryVerdict, Ended, PERMYRIAD, Stop};

use crate::id::PluginId;
use serde::{Deserialize, Serialize};

/// A plugin as stored: its name, which of its versions serve, and how it is run.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginRecord {
    /// Its id.
    pub id: PluginId,
    /// Its name.
    pub name: String,
    /// `inbound` or `outbound`: of all its versions.
    pub world: String,
    /// The digest of the version that serves; `None` where none does, as after a quarantine without a version to go back to.
    pub active: Option<String>,
    /// The candidate that runs beside it, or the last one that did.
    pub canary: Option<Canary>,
    /// How it is run.
    pub policy: PluginPolicy,
    /// Last change, unix milliseconds.
    pub updated_at: i64,
    /// Grows with every change; the `ETag`.
    pub revision: i64,
}

impl PluginRecord {
    /// The candidate, if one runs.
    pub fn running_canary(&self) -> Option<&Canary> {
        self.canary.as_ref().filter(|canary| canary.ended.is_none())
    }
}

/// How a plugin is run, whichever version serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginPolicy {
    /// So many failures of a version one after the other (traps, timeouts, answers beyond its limits) put it into quarantine; 0 never does.
    pub failures_max: u32,
    /// How many calls one instance may serve; 1 is a fresh instance for every call.
    pub reuse: u32,
    /// Whether quarantined messages are read again by themselves when another version serves.
    pub reprocess: bool,
}

/// What is to be otherwise in how a plugin is run; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// See [`PluginPolicy::failures_max`].
    pub failures_max: Option<u32>,
    /// See [`PluginPolicy::reuse`].
    pub reuse: Option<u32>,
    /// See [`PluginPolicy::reprocess`].
    pub reprocess: Option<bool>,
}

impl PluginPolicy {
    /// The policy with a change.
    #[must_use]
    pub fn with(self, change: PolicyChange) -> Self {
        Self {
            failures_max: change.failures_max.unwrap_or(self.failures_max),
            reuse: change.reuse.unwrap_or(self.reuse),
            reprocess: change.reprocess.unwrap_or(self.reprocess),
        }
    }
}

impl Default for PluginPolicy {
    fn default() -> Self {
        Self { failures_max: 5, reuse: 1, reprocess: true }
    }
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
    /// The version of the contract it was built for.
    pub contract: String,
    /// The author's version, from the component's metadata.
    pub version: Option<String>,
    /// The author's description.
    pub description: Option<String>,
    /// Bytes of the component.
    pub size: u64,
    /// How many fixtures it carries; all of them passed before it was kept.
    pub fixtures: u32,
    /// When it was pushed, unix milliseconds.
    pub created_at: i64,
    /// Who pushed it.
    pub created_by: String,
    /// Why it may not serve, if it may not.
    pub quarantine: Option<Quarantine>,
}

/// Why a version may not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// Since when, unix milliseconds.
    pub at: i64,
    /// Why; nothing of the data.
    pub reason: String,
    /// Who decided: `system`, or an operator.
    pub by: String,
}

/// A version began to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Which.
    pub digest: String,
    /// What served before it.
    pub previous: Option<String>,
    /// How it came to it.
    pub cause: Cause,
    /// When, unix milliseconds.
    pub at: i64,
    /// Who: an operator, or `system`.
    pub by: String,
}

/// How a version came to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It was pushed.
    Push,
    /// It was chosen among the versions that are kept.
    Activate,
    /// It was gone back to by an operator.
    Rollback,
    /// It was gone back to because the version after it was put into quarantine.
    Quarantine,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::Push, Self::Activate, Self::Rollback, Self::Quarantine];

    /// The word used in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Activate => "activate",
            Self::Rollback => "rollback",
            Self::Quarantine => "quarantine",
        }
    }

    /// The cause of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }
}
