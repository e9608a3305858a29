//! A new version of a plugin: compiled, checked, its fixtures run, kept, and then serving.

use super::Plugins;
use super::moves::{MoveError, Order};
use super::trouble::Trouble;
use crate::problem::{FieldFault, chain};
use hookwright_core::audit::AuditDraft;
use hookwright_core::plugin::moves::{Move, MoveRefused, Moved};
use hookwright_core::plugin::{Cause, PluginVersionRecord};
use hookwright_core::source::is_slug;
use hookwright_plugin_host::fixture::FixtureReport;
use hookwright_plugin_host::{Digest, LoadError, PluginVersion, World};
use hookwright_store::{Change, PluginFile, StoreError};
use std::sync::Arc;

/// Failed fixtures and differences that are told; more help nobody.
const FAULTS_MAX: usize = 20;

/// Why a version was not taken. The one before it goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The name cannot be a plugin's.
    #[error("a plugin's name is 1 to 63 of a-z, 0-9 and hyphens, and begins and ends with a letter or digit")]
    Name,
    /// The file is no plugin that this gateway can run.
    #[error("the component cannot be loaded")]
    Load(#[source] LoadError),
    /// Fixtures that the component carries fail.
    #[error("{} of the {of} fixtures that the component carries fail: correct the plugin, or the fixtures with `hookwright plugin test --update`", failed.len())]
    Fixtures {
        /// Those that failed.
        failed: Vec<FixtureReport>,
        /// How many there are.
        of: usize,
    },
    /// The name stands for a plugin of the other direction, which sources or subscriptions rely on.
    #[error("the plugin of this name is {was}, and the component is {is}: push it under another name")]
    OtherWorld {
        /// What the name stands for.
        was: String,
        /// What was pushed.
        is: World,
    },
    /// The pointers cannot be moved.
    #[error(transparent)]
    Refused(MoveRefused),
    /// The store did not take it.
    #[error("the version could not be stored")]
    Store(#[source] StoreError),
    /// Others moved the same plugin again and again.
    #[error("the plugin has changed meanwhile")]
    Stale,
    /// The gateway is stopping.
    #[error("the compilation was interrupted")]
    Interrupted,
}

impl PushError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Load(error) => error.kind(),
            Self::Fixtures { .. } => "fixtures_failed",
            Self::OtherWorld { .. } => "other_world",
            Self::Refused(_) => "refused",
            Self::Store(_) => "store",
            Self::Stale => "stale",
            Self::Interrupted => "interrupted",
        }
    }

    /// Which fixtures failed, and where what they expect and what came differ. Fixtures are the author's own data.
    pub fn faults(&self) -> Vec<FieldFault> {
        let Self::Fixtures { failed, .. } = self else { return Vec::new() };
        let of_one = |report: &FixtureReport| {
            let name = report.name.clone();
            let problem =
                report.problem.iter().map(|problem| FieldFault { pointer: name.clone(), detail: problem.clone() });
            let differences =
                report.diff.iter().map(|one| FieldFault { pointer: name.clone(), detail: one.to_string() });
            problem.chain(differences).collect::<Vec<_>>()
        };
        failed.iter().flat_map(of_one).take(FAULTS_MAX).collect()
    }

    /// As it is shown until it is mended.
    pub(super) fn trouble(&self, now_ms: i64) -> Trouble {
        Trouble { errors: self.faults(), ..Trouble::new(self.code(), chain(self), now_ms) }
    }
}

impl From<MoveError> for PushError {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::Refused(refused) => Self::Refused(refused),
            MoveError::Unfit(error) => error,
            MoveError::Store(error) => Self::Store(error),
            // There is a plugin once it is pushed, and the answer is made by whoever pushes.
            MoveError::NotFound | MoveError::Stale | MoveError::Answer(_) => Self::Stale,
        }
    }
}

/// What is pushed, and what for.
pub struct Pushed<'a> {
    /// The plugin's name.
    pub name: &'a str,
    /// The component.
    pub component: Vec<u8>,
    /// Whether it is to serve at once, or to be kept for later.
    pub activate: bool,
    /// Although it is in quarantine.
    pub force: bool,
    /// The plugin's revision must be one of these, if any are named.
    pub expected: Option<Vec<i64>>,
    /// The file of the watched directory that it comes from.
    pub file: Option<PluginFile>,
    /// Who pushes it, and what the audit says of it.
    pub audit: AuditDraft,
}

impl Plugins {
    /// Keeps a component as a version of a plugin, and makes it the one that serves, if that is wanted. Whatever is wrong with it is recorded, and the version before it goes
    /// on serving.
    pub async fn push(&self, mut pushed: Pushed<'_>) -> Result<Moved, PushError> {
        let digest = Digest::of(&pushed.component).to_string();
        pushed.audit.detail = format!("digest={digest} {}", pushed.audit.detail);
        let (name, audit) = (pushed.name.to_owned(), pushed.audit.clone());
        match self.try_push(pushed, &digest).await {
            Ok(moved) => {
                self.meters.pushed("ok");
                self.troubles.remove(&name);
                Ok(moved)
            }
            Err(error) => {
                self.refused(&name, &digest, &error, audit).await;
                Err(error)
            }
        }
    }

    async fn try_push(&self, pushed: Pushed<'_>, digest: &str) -> Result<Moved, PushError> {
        let Pushed { name, component, activate, force, expected, file, audit } = pushed;
        if !is_slug(name) {
            return Err(PushError::Name);
        }
        // Asked first: whatever is known to misbehave is not run again without a word.
        let kept = self.store.plugin_version(name.to_owned(), digest.to_owned()).await.map_err(PushError::Store)?;
        if !force && kept.is_some_and(|version| version.quarantine.is_some()) {
            return Err(PushError::Refused(MoveRefused::Quarantined));
        }
        let (version, component) = self.compile(component).await?;
        let record = self.record(name).await.map_err(PushError::Store)?;
        if let Some(record) = &record
            && record.world != version.world().as_str()
        {
            return Err(PushError::OtherWorld { was: record.world.clone(), is: version.world() });
        }
        let fixtures = self.check_fixtures(&version).await?;
        let _held = self.keep(name, Arc::clone(&version));
        let by = audit.actor.clone();
        let wanted =
            if activate { Move::Activate { digest: digest.to_owned(), force, cause: Cause::Push } } else { Move::Keep };
        let order = Order {
            pushed: Some((self.described(name, &version, fixtures, &by), component)),
            file,
            ..Order::new(name, wanted, &by)
        };
        let change = |moved: &Moved| match &expected {
            Some(expected) if !expected.contains(&moved.plugin.revision) => Err(MoveError::Stale),
            _ => Ok(Change { audit: audit.clone(), claim: None }),
        };
        let saved = self.make(order, change).await?;
        match saved {
            hookwright_store::Saved::Fresh(moved) => Ok(moved),
            // Only a claim can be replayed, and there is none.
            _ => Err(PushError::Stale),
        }
    }

    fn described(&self, name: &str, version: &PluginVersion, fixtures: u32, by: &str) -> PluginVersionRecord {
        let metadata = version.metadata();
        PluginVersionRecord {
            digest: version.digest().to_string(),
            plugin: name.to_owned(),
            world: version.world().as_str().to_owned(),
            contract: version.contract().to_owned(),
            version: metadata.version.clone(),
            description: metadata.description.clone(),
            size: version.size_bytes() as u64,
            fixtures,
            created_at: self.clock.now_ms(),
            created_by: by.to_owned(),
            quarantine: None,
        }
    }

    /// A push that was not taken is on record, on show and counted.
    async fn refused(&self, name: &str, digest: &str, error: &PushError, audit: AuditDraft) {
        self.meters.pushed(error.code());
        let trouble = Trouble { digest: Some(digest.to_owned()), ..error.trouble(self.clock.now_ms()) };
        let detail = format!("{} code={} why={}", audit.detail, trouble.code, trouble.detail);
        // A name that none can have, and a condition that was not met, are the caller's matter and nothing to be mended here.
        if !matches!(error, PushError::Name | PushError::Stale) {
            self.troubles.add(name, trouble);
        }
        let draft = AuditDraft { action: "plugin.push_failed".to_owned(), detail, ..audit };
        if let Err(error) = self.store.record(draft).await {
            tracing::error!(plugin = name, error = %chain(&error), "a failed push could not be put into the audit");
        }
    }
}
