//! Moves of the pointers: read, decided by the core's rules, written on condition that nothing moved meanwhile, and then taken over into memory.

use super::Plugins;
use super::load::NoCode;
use super::push::PushError;
use crate::problem::Problem;
use hookwright_core::plugin::PluginRecord;
use hookwright_core::plugin::PluginVersionRecord;
use hookwright_core::plugin::moves::{self, Move, MoveRefused, Moved, Mover, Standing};
use hookwright_store::{Change, PluginFile, PluginWrite, Saved, StoreError};
use std::sync::{Arc, PoisonError};

/// How far back the history is read.
const HISTORY_MAX: u32 = 1_000;
/// Others may move the same plugin; each time, what follows is decided anew.
const TRIES_MAX: u32 = 20;

/// Why a move did not take place.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is no plugin of this name.
    #[error("there is no plugin of this name")]
    NotFound,
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(#[from] MoveRefused),
    /// The version cannot be loaded, or its fixtures fail.
    #[error("the version cannot serve")]
    Unfit(#[source] PushError),
    /// The plugin is not what the caller's condition says.
    #[error("the plugin has changed meanwhile")]
    Stale,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The answer could not be made.
    #[error("the answer could not be made")]
    Answer(Problem),
}

impl From<Problem> for MoveError {
    fn from(problem: Problem) -> Self {
        Self::Answer(problem)
    }
}

impl From<NoCode> for MoveError {
    fn from(error: NoCode) -> Self {
        match error {
            NoCode::Store(error) => Self::Store(error),
            NoCode::Push(error) => Self::Unfit(error),
            NoCode::Missing { .. } => Self::Refused(MoveRefused::UnknownVersion),
        }
    }
}

/// What is wanted of a plugin, by whom.
pub struct Order<'a> {
    /// The plugin's name.
    pub name: &'a str,
    /// What is wanted.
    pub wanted: Move,
    /// An operator, or `system`.
    pub by: &'a str,
    /// A new version and its component, to be kept with the move.
    pub pushed: Option<(PluginVersionRecord, Vec<u8>)>,
    /// The file of the watched directory that it comes from.
    pub file: Option<PluginFile>,
}

impl<'a> Order<'a> {
    /// A move alone.
    pub fn new(name: &'a str, wanted: Move, by: &'a str) -> Self {
        Self { name, wanted, by, pushed: None, file: None }
    }
}

impl Plugins {
    /// Makes a move. `change` is told what it comes to, and makes the audit entry and the answer to remember. When this returns, the version that is to serve does.
    pub async fn make(
        &self,
        order: Order<'_>,
        change: impl Fn(&Moved) -> Result<Change, MoveError>,
    ) -> Result<Saved<Moved>, MoveError> {
        let turn = self.turn(order.name);
        let _turn = turn.lock().await;
        for _ in 0..TRIES_MAX {
            let moved = self.decide(&order).await?;
            // Held until it is on the shelf, so that it is not compiled a second time.
            let _ready = self.prepare(&order, &moved).await?;
            let write = PluginWrite {
                expected: moved.plugin.revision,
                plugin: moved.plugin.clone(),
                version: order.pushed.clone(),
                activation: moved.activation.clone(),
                quarantine: moved.quarantine.clone(),
                file: order.file.clone(),
            };
            let change = change(&moved)?;
            let saved = match self.store.write_plugin(write, change).await {
                Err(StoreError::Stale) => continue,
                saved => saved?,
            };
            let saved = match saved {
                Saved::Fresh(plugin) => Saved::Fresh(Moved { plugin, ..moved }),
                Saved::Replayed(answer) => Saved::Replayed(answer),
                Saved::Mismatch => Saved::Mismatch,
            };
            self.reconcile(order.name).await?;
            if let Saved::Fresh(moved) = &saved {
                self.after(order.name, moved);
            }
            return Ok(saved);
        }
        Err(MoveError::Stale)
    }

    /// Whoever moves the pointers of this plugin comes here first.
    pub(super) fn turn(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits for need not be remembered.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(name.to_owned()).or_default())
    }

    async fn decide(&self, order: &Order<'_>) -> Result<Moved, MoveError> {
        let plugin = match self.record(order.name).await? {
            Some(plugin) => plugin,
            None => self.unborn(order).ok_or(MoveError::NotFound)?,
        };
        let name = order.name.to_owned();
        let quarantined = self.store.plugin_quarantine(name.clone()).await?;
        let history = self.store.plugin_history(name.clone(), HISTORY_MAX).await?;
        let named = match (named(&order.wanted), &order.pushed) {
            (None, _) => None,
            (Some(digest), Some((pushed, _))) if pushed.digest == digest => Some(quarantined.contains(digest)),
            (Some(digest), _) => {
                let version = self.store.plugin_version(name, digest.to_owned()).await?;
                version.map(|version| version.quarantine.is_some())
            }
        };
        let standing = Standing { plugin: &plugin, named, quarantined: &quarantined, history: &history };
        let by_whom = Mover { by: order.by, now_ms: self.clock.now_ms() };
        let mut moved = moves::decide(order.wanted.clone(), standing, by_whom)?;
        self.fill_in_counts(&mut moved);
        Ok(moved)
    }

    /// The record of a plugin that begins with what is pushed.
    fn unborn(&self, order: &Order<'_>) -> Option<PluginRecord> {
        let (version, _) = order.pushed.as_ref()?;
        Some(PluginRecord {
            // The store gives it its own.
            id: hookwright_core::id::PluginId::from_i64(1).ok()?,
            name: order.name.to_owned(),
            world: version.world.clone(),
            active: None,
            canary: None,
            policy: hookwright_core::plugin::PluginPolicy::default(),
            updated_at: self.clock.now_ms(),
            revision: 0,
        })
    }

    /// Whatever is to serve after the move can be loaded; what is chosen anew passes its fixtures, too. What is gone back to has served before, and must not be held up.
    async fn prepare(&self, order: &Order<'_>, moved: &Moved) -> Result<Vec<Arc<super::shelf::Loaded>>, MoveError> {
        let mut ready = Vec::new();
        let candidate = moved.plugin.running_canary().map(|canary| canary.digest.clone());
        let to_load =
            moved.activation.as_ref().map(|activation| activation.digest.clone()).into_iter().chain(candidate);
        for digest in to_load {
            let is_pushed = order.pushed.as_ref().is_some_and(|(version, _)| version.digest == digest);
            // What is pushed was compiled a moment ago and is held by whoever pushes.
            let loaded = match self.loaded(order.name, &digest).await {
                Ok(loaded) => loaded,
                // To go back is the last resort; a version that cannot be loaded is then on show as a trouble.
                Err(error) if matches!(order.wanted, Move::Quarantine { .. }) => {
                    self.trouble(order.name, Some(digest), &error);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if !is_pushed && matches!(order.wanted, Move::Activate { .. } | Move::Canary(_)) {
                self.check_fixtures(&loaded.version).await.map_err(MoveError::Unfit)?;
            }
            ready.push(loaded);
        }
        Ok(ready)
    }

    /// What was counted of a candidate whose time ends with this move.
    fn fill_in_counts(&self, moved: &mut Moved) {
        let Some(canary) = moved.plugin.canary.as_mut() else { return };
        let Some(ended) = canary.ended.as_mut().filter(|ended| ended.counts.calls == 0) else { return };
        let snapshot = self.shelf.load();
        let running = snapshot.get(&moved.plugin.name).and_then(|shelved| shelved.candidate.as_ref());
        if let Some(running) = running
            .filter(|running| running.canary.digest == canary.digest && running.canary.started_at == canary.started_at)
        {
            ended.counts = running.tally.read().0;
        }
    }

    fn after(&self, name: &str, moved: &Moved) {
        if let Some((digest, quarantine)) = &moved.quarantine {
            self.forget_pinned(digest);
            if quarantine.is_some() {
                self.meters.quarantined(name);
            } else if let Some(shelved) = self.shelf.load().get(name)
                && let Some(active) = &shelved.active
            {
                // It begins anew.
                active.failures.store(0, std::sync::atomic::Ordering::Relaxed);
                active.withdrawn.store(false, std::sync::atomic::Ordering::Relaxed);
            }
        }
        if let Some(told) = self.when_moved.get() {
            told(name, moved);
        }
    }
}

fn named(wanted: &Move) -> Option<&str> {
    match wanted {
        Move::Activate { digest, .. } | Move::Quarantine { digest, .. } => Some(digest),
        Move::Canary(canary) => Some(&canary.digest),
        Move::Rollback | Move::EndCanary { .. } | Move::Policy(_) | Move::Keep => None,
    }
}
