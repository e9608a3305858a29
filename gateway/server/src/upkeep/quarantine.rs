//! Messages whose plugin failed or was missing, read again when another version serves.

use super::waiting::submit;
use super::{ChoreError, Parts};
use crate::ingress::{Reopening, reopen};
use hookwright_core::id::{MessageId, SourceId};
use hookwright_core::message::{Message, MessageStatus};
use hookwright_core::source::Source;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Messages of one source that are read and submitted together, in their order.
const BATCH: u32 = 32;
/// The pause that each message earns the others: at most 500 a second are taken up.
const PAUSE_EACH: Duration = Duration::from_millis(2);
/// Nothing changes by itself here; this only bounds the wait.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// Whose messages are to be read again.
#[derive(Clone, Debug)]
pub(super) struct Todo {
    /// Of every source: at start.
    everything: bool,
    plugins: BTreeSet<String>,
    /// Plugins whose messages an operator wants read again.
    ordered: BTreeSet<String>,
    sources: BTreeSet<SourceId>,
}

impl Default for Todo {
    fn default() -> Self {
        Self { everything: true, plugins: BTreeSet::new(), ordered: BTreeSet::new(), sources: BTreeSet::new() }
    }
}

impl Todo {
    const fn nothing() -> Self {
        Self { everything: false, plugins: BTreeSet::new(), ordered: BTreeSet::new(), sources: BTreeSet::new() }
    }

    pub(super) fn plugin(&mut self, name: &str) {
        self.plugins.insert(name.to_owned());
    }

    pub(super) fn ordered(&mut self, name: &str) {
        self.ordered.insert(name.to_owned());
    }

    pub(super) fn source(&mut self, id: SourceId) {
        self.sources.insert(id);
    }

    fn concerns(&self, source: &Source) -> bool {
        let by_plugin = self.plugins.contains(&source.plugin) || self.ordered.contains(&source.plugin);
        self.everything || by_plugin || self.sources.contains(&source.id)
    }

    fn urgency(&self, source: &Source) -> Urgency {
        if self.ordered.contains(&source.plugin) {
            Urgency::Ordered
        } else if self.sources.contains(&source.id) {
            Urgency::SettingsChanged
        } else {
            Urgency::ByItself
        }
    }

    /// Gives back what was not done.
    fn give_back(&mut self, undone: Self) {
        self.everything |= undone.everything;
        self.plugins.extend(undone.plugins);
        self.ordered.extend(undone.ordered);
        self.sources.extend(undone.sources);
    }
}

/// Why a source's messages are read again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    /// Another version serves.
    ByItself,
    /// The source's settings or plugin changed.
    SettingsChanged,
    /// An operator wants it.
    Ordered,
}

pub(super) async fn round(parts: &Parts, todo: &Mutex<Todo>) -> Result<Duration, ChoreError> {
    let taken = std::mem::replace(&mut *todo.lock().unwrap_or_else(PoisonError::into_inner), Todo::nothing());
    let sources = parts.store.sources();
    for source in sources.iter().filter(|source| taken.concerns(source)) {
        if let Err(error) = of_source(parts, source, taken.urgency(source)).await {
            todo.lock().unwrap_or_else(PoisonError::into_inner).give_back(taken);
            return Err(error);
        }
    }
    Ok(LOOK_EVERY)
}

/// Reads a source's quarantined messages again, oldest first; each once.
async fn of_source(parts: &Parts, source: &Source, urgency: Urgency) -> Result<(), ChoreError> {
    let Some(digest) = parts.plugins.active(&source.plugin) else {
        return Ok(());
    };
    if urgency != Urgency::Ordered && !parts.plugins.reprocesses(&source.plugin) {
        return Ok(());
    }
    let mut after: Option<MessageId> = None;
    loop {
        let ids = parts.store.quarantined(source.id, after, BATCH).await?;
        let Some(last) = ids.last() else {
            return Ok(());
        };
        after = Some(*last);
        let mut works = Vec::new();
        for id in &ids {
            let message = parts.store.message(*id).await?;
            if let Some(message) = message.filter(|message| is_worth_a_try(message, &digest, urgency)) {
                works.push(reopen(&parts.plugins, source, message, Reopening::by_itself()).await?);
            }
        }
        let taken_up = works.len();
        submit(parts, works).await?;
        // What comes in meanwhile shares the plugin's threads and the disk with this.
        tokio::time::sleep(PAUSE_EACH * u32::try_from(taken_up).unwrap_or(BATCH)).await;
    }
}

/// A version that failed on a message fails again: the same bytes give the same answer. Only what the host could not do may go better.
fn is_worth_a_try(message: &Message, active: &str, urgency: Urgency) -> bool {
    let tried = message.plugin_digest.as_deref() == Some(active);
    let hosts_fault = message.reason.as_ref().is_some_and(|reason| reason.code == "plugin_unavailable");
    let is_new = !tried || hosts_fault || urgency != Urgency::ByItself;
    message.status == MessageStatus::Quarantined && is_new
}
