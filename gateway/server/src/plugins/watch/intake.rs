//! Takes in what the looks at the directory show.

use super::agenda::QUIET;
use super::case::{Case, DIRECTORY, Wrong, judge, plugin_name};
use super::ledger::{Ended, Ledger, Shown};
use super::look::{self, Look, Stamp, look};
use crate::plugins::{Order, Plugins, PushError, Pushed, Trouble};
use crate::problem::chain;
use hookwright_core::audit::AuditDraft;
use hookwright_core::plugin::moves::Move;
use hookwright_plugin_host::LoadError;
use hookwright_store::{Change, PluginFile, StoreError};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Looks at start before it goes on with what is not settled by then: a file that grows on and on holds up nobody.
const LOOKS_AT_START: usize = 10;
/// Who pushes.
const SYSTEM: &str = "system";

/// The directory as far as it was taken in.
pub(super) struct Intake {
    plugins: Arc<Plugins>,
    directory: PathBuf,
    ended: watch::Receiver<bool>,
    ledger: Ledger,
    has_links: bool,
}

/// A file that can be read.
struct Readable<'a> {
    file: &'a str,
    name: &'a str,
    stamp: &'a Stamp,
}

/// Where it stands after something was done; `None` if it changed meanwhile.
type Done = Option<(Ended, Shown)>;

impl Intake {
    pub(super) fn new(plugins: Arc<Plugins>, directory: PathBuf, ended: watch::Receiver<bool>) -> Self {
        Self { plugins, directory, ended, ledger: Ledger::default(), has_links: false }
    }

    /// Waits for the end of the watch.
    pub(super) async fn ended(&mut self) {
        // Whoever could end it is gone: that is an end, too.
        drop(self.ended.wait_for(|ended| *ended).await);
    }

    /// Whether a file changes without an event.
    pub(super) fn has_links(&self) -> bool {
        self.has_links
    }

    /// What failed for a reason outside of the file is tried again with the next look.
    pub(super) fn retry(&mut self) {
        self.ledger.retry();
    }

    /// Takes in what is new since the last run.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        self.recognise().await?;
        for _ in 0..LOOKS_AT_START {
            if !self.look().await? {
                break;
            }
            tokio::time::sleep(QUIET).await;
        }
        Ok(())
    }

    /// Settles at once what holds what it held before: a start with nothing new waits for no second look.
    async fn recognise(&mut self) -> Result<(), StoreError> {
        let known = self.plugins.store.plugin_files().await?;
        for (file, case) in judge(&self.see().await) {
            let Case::Ready { name, stamp } = &case else { continue };
            let readable = Readable { file: &file, name, stamp };
            // Whatever cannot be read now is read, and told, with the looks that follow.
            let Ok(Some((_, digest))) = self.read(&readable).await else { continue };
            if known.contains(&PluginFile { file: file.clone(), digest: digest.clone() }) {
                self.note_idle(&readable, &digest);
                self.ledger.done(&file, case, Ended::Settled, Shown::Nothing);
            }
        }
        Ok(())
    }

    /// Looks at the directory and takes in what two looks agree on; true if something must be looked at once more.
    pub(super) async fn look(&mut self) -> Result<bool, StoreError> {
        let look = self.see().await;
        self.has_links = look.has_links;
        let compared = self.ledger.compare(judge(&look), look.is_whole());
        let mut is_pending = compared.is_pending;
        for (file, case) in compared.acts {
            if *self.ended.borrow() {
                break;
            }
            match self.act(&file, &case).await? {
                Some((ended, shown)) => self.ledger.done(&file, case, ended, shown),
                None => is_pending = true,
            }
        }
        Ok(is_pending)
    }

    async fn see(&self) -> Look {
        let directory = self.directory.clone();
        let looked = tokio::task::spawn_blocking(move || look(&directory)).await;
        looked.unwrap_or_else(|error| Look {
            files: std::collections::BTreeMap::new(),
            directory: Some(Wrong::DirectoryUnreadable { why: error.to_string() }),
            has_links: false,
        })
    }

    async fn act(&self, file: &str, case: &Case) -> Result<Done, StoreError> {
        match case {
            Case::Ready { name, stamp } => self.take_in(&Readable { file, name, stamp }).await,
            Case::Wrong(wrong) => {
                self.mend(file);
                self.tell(file, wrong);
                Ok(Some((Ended::Settled, Shown::File)))
            }
            Case::Gone => {
                self.mend(file);
                if file == DIRECTORY {
                    tracing::info!("the directory of plugins is in order again");
                } else {
                    let plugin = plugin_name(file);
                    tracing::warn!(
                        plugin,
                        file,
                        "a file is gone from the directory of plugins: what it brought goes on serving"
                    );
                }
                Ok(Some((Ended::Settled, Shown::Nothing)))
            }
        }
    }

    /// Takes off what is on show of a file. What others put there under the plugin's name stays.
    fn mend(&self, file: &str) {
        match self.ledger.shown(file) {
            Shown::Nothing => {}
            Shown::File => self.plugins.troubles.remove(file),
            Shown::Refused { digest, .. } => self.plugins.troubles.remove_of(&plugin_name(file), &digest),
        }
    }

    fn tell(&self, file: &str, wrong: &Wrong) {
        let trouble = Trouble::new(wrong.code(), wrong.to_string(), self.plugins.clock.now_ms());
        self.plugins.troubles.add(file, trouble);
    }

    async fn read(&self, readable: &Readable<'_>) -> std::io::Result<Option<(Vec<u8>, String)>> {
        let (path, stamp) = (self.directory.join(readable.file), readable.stamp.clone());
        tokio::task::spawn_blocking(move || look::read(&path, &stamp)).await?
    }

    async fn take_in(&self, readable: &Readable<'_>) -> Result<Done, StoreError> {
        let (file, name) = (readable.file, readable.name);
        let (component, digest) = match self.read(readable).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(None),
            // It went away: the next look says what there is instead.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                self.mend(file);
                self.tell(file, &Wrong::Unreadable { why: error.to_string() });
                return Ok(Some((Ended::ToRetry, Shown::File)));
            }
        };
        let shown = self.ledger.shown(file);
        if shown == (Shown::Refused { digest: digest.clone(), is_final: true }) {
            // Touched or copied anew, and as wrong as before.
            return Ok(Some((Ended::Settled, shown)));
        }
        let settled = Some((Ended::Settled, Shown::Nothing));
        let held = PluginFile { file: file.to_owned(), digest: digest.clone() };
        if self.plugins.store.plugin_files().await?.contains(&held) {
            self.mend(file);
            self.note_idle(readable, &digest);
            return Ok(settled);
        }
        let serves = self.plugins.record(name).await?.and_then(|plugin| plugin.active);
        if serves.as_ref() == Some(&digest) {
            self.mend(file);
            return Ok(if self.note_held(name, held).await { settled } else { Some((Ended::ToRetry, Shown::Nothing)) });
        }
        self.mend(file);
        Ok(Some(self.push(name, component, held).await))
    }

    async fn push(&self, name: &str, component: Vec<u8>, held: PluginFile) -> (Ended, Shown) {
        let digest = held.digest.clone();
        let audit = self.audit("plugin.pushed", name, &held);
        let pushed = Pushed { name, component, activate: true, force: false, expected: None, file: Some(held), audit };
        match self.plugins.push(pushed).await {
            Ok(_) => (Ended::Settled, Shown::Nothing),
            Err(error) if is_outside(&error) => (Ended::ToRetry, Shown::Refused { digest, is_final: false }),
            Err(_) => (Ended::Settled, Shown::Refused { digest, is_final: true }),
        }
    }

    /// The file holds what was taken in before; if that does not serve, somebody wanted it so.
    fn note_idle(&self, readable: &Readable<'_>, digest: &str) {
        let serves = self.plugins.active(readable.name);
        if serves.as_deref() != Some(digest) {
            tracing::info!(
                plugin = readable.name,
                file = readable.file,
                "the file holds what was taken in before, and another version serves since: that stays until the file changes"
            );
        }
    }

    /// Remembers that a file holds what serves already, so that it does not come back after the next start if something else serves by then.
    async fn note_held(&self, name: &str, held: PluginFile) -> bool {
        let mut audit = self.audit("plugin.file_noted", name, &held);
        audit.detail = format!("digest={} {}", held.digest, audit.detail);
        let order = Order { file: Some(held), ..Order::new(name, Move::Keep, SYSTEM) };
        let noted = self.plugins.make(order, |_| Ok(Change { audit: audit.clone(), claim: None })).await;
        if let Err(error) = &noted {
            tracing::error!(plugin = name, error = %chain(error), "a file of the directory could not be noted");
        }
        noted.is_ok()
    }

    fn audit(&self, action: &str, name: &str, held: &PluginFile) -> AuditDraft {
        AuditDraft {
            at: self.plugins.clock.now_ms(),
            actor: SYSTEM.to_owned(),
            action: action.to_owned(),
            target: name.to_owned(),
            reason: None,
            request_id: None,
            detail: format!("from=directory file={}", held.file),
        }
    }
}

/// Whether a push failed for a reason that the file cannot help.
fn is_outside(error: &PushError) -> bool {
    matches!(
        error,
        PushError::Store(_)
            | PushError::Stale
            | PushError::Interrupted
            | PushError::Load(LoadError::CompilerUnavailable { .. })
    )
}
