//! What is ready to be called: the compiled versions that the pointers name, swapped whole.

use super::tally::Tally;
use hookwright_core::plugin::{Canary, CanaryMode, PluginPolicy, PluginRecord};
use hookwright_plugin_host::{Digest, PluginVersion};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

/// Every plugin by name, as of one moment.
pub(super) type Shelf = BTreeMap<String, Arc<Shelved>>;

/// One plugin, as of one moment: its pointers and the code that they point to.
pub(super) struct Shelved {
    /// The pointers.
    pub(super) record: PluginRecord,
    /// The version that serves, if one does and can be loaded.
    pub(super) active: Option<Arc<Loaded>>,
    /// The candidate beside it.
    pub(super) candidate: Option<Arc<Candidate>>,
    /// Digests that may not serve.
    pub(super) quarantined: BTreeSet<String>,
}

/// A version's code, and how its calls have been going.
pub(super) struct Loaded {
    /// The plugin that it is a version of.
    pub(super) plugin: String,
    /// The code.
    pub(super) version: Arc<PluginVersion>,
    /// Failures one after the other, up to now.
    pub(super) failures: AtomicU32,
    /// Its quarantine has been asked for.
    pub(super) withdrawn: AtomicBool,
}

impl Loaded {
    pub(super) fn new(plugin: &str, version: Arc<PluginVersion>) -> Self {
        let plugin = plugin.to_owned();
        Self { plugin, version, failures: AtomicU32::new(0), withdrawn: AtomicBool::new(false) }
    }

    pub(super) fn digest(&self) -> String {
        self.version.digest().to_string()
    }

    pub(super) fn is(&self, digest: &str) -> bool {
        Digest::to_string(&self.version.digest()) == digest
    }
}

/// A candidate's code, and what was counted of it.
pub(super) struct Candidate {
    pub(super) loaded: Arc<Loaded>,
    pub(super) canary: Canary,
    pub(super) tally: Tally,
}

/// Which version gets a call, and what goes on beside it.
pub(super) struct Choice {
    pub(super) loaded: Arc<Loaded>,
    pub(super) policy: PluginPolicy,
    pub(super) beside: Beside,
}

/// What a call has to do with a candidate.
pub(super) enum Beside {
    /// Nothing.
    Nothing,
    /// The candidate serves it.
    Serves(Arc<Candidate>),
    /// The candidate gets the same call, and the answers are compared.
    Compares(Arc<Candidate>),
    /// It is one of those that the candidate's calls are measured against.
    Measures(Arc<Candidate>),
}

/// There is no version to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoVersion {
    /// The plugin is not there, or none of its versions serves.
    Missing,
    /// The version that was named is in quarantine.
    Quarantined,
}

impl Shelved {
    /// Who gets a call of a binding that follows the active version.
    pub(super) fn choose(&self, binding_id: &str, subject_id: &str) -> Result<Choice, NoVersion> {
        let active = self.active.as_ref().ok_or(NoVersion::Missing)?;
        let policy = self.record.policy;
        let chosen = |loaded: &Arc<Loaded>, beside| Ok(Choice { loaded: Arc::clone(loaded), policy, beside });
        let Some(candidate) = &self.candidate else { return chosen(active, Beside::Nothing) };
        let takes = candidate.canary.takes(binding_id, subject_id);
        match candidate.canary.mode {
            CanaryMode::Canary if takes => chosen(&candidate.loaded, Beside::Serves(Arc::clone(candidate))),
            CanaryMode::Canary => chosen(active, Beside::Measures(Arc::clone(candidate))),
            CanaryMode::Shadow if takes => chosen(active, Beside::Compares(Arc::clone(candidate))),
            CanaryMode::Shadow => chosen(active, Beside::Nothing),
        }
    }
}
