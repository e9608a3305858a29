//! The watched directory of components: one of the ways to push.
//!
//! Whatever wakes the watch (an event of the file system, the clock, another directory in the place of the one before), one task looks at the whole directory again and
//! compares it with what it saw before. Nothing is concluded from an event itself: events are lost, merged and reordered, and an editor, `cp` and Kubernetes each have their
//! own way of putting a file in place.

mod agenda;
mod bell;
mod case;
mod intake;
mod ledger;
mod look;

use super::Plugins;
use crate::problem::chain;
use agenda::{Agenda, PULSE};
use bell::Bell;
use hookwright_store::StoreError;
use intake::Intake;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A push that is under way at the end may take so long; after that it is left. It is written whole or not at all, and made again after the next start.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// The watch; it ends when it is stopped.
#[derive(Debug)]
pub struct Watching {
    ending: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Watching {
    /// Takes in what the directory holds that is new, and watches it from then on. Only a store that fails is an error: whatever is wrong with the directory or a file of it
    /// is a trouble on show.
    pub async fn start(plugins: &Arc<Plugins>, directory: Option<PathBuf>) -> Result<Self, StoreError> {
        let (ending, ended) = watch::channel(false);
        let Some(directory) = directory else { return Ok(Self { ending, task: None }) };
        let mut bell = Bell::new(directory.clone());
        // Before the first look, so that nothing happens unheard between the two.
        bell.tend(true).await;
        let mut intake = Intake::new(Arc::clone(plugins), directory, ended);
        intake.begin().await?;
        let watch = Watch { agenda: Agenda::new(Instant::now()), bell, intake };
        Ok(Self { ending, task: Some(tokio::spawn(watch.run())) })
    }

    /// Ends the watch; a push that is under way is finished first, unless it takes too long.
    pub async fn stop(self) {
        self.ending.send_replace(true);
        let Some(mut task) = self.task else { return };
        match tokio::time::timeout(STOP_WAIT, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the watch of the directory of plugins died"),
            Err(_) => {
                task.abort();
                // It ends at its next wait; the store is closed only after that.
                drop(task.await);
                tracing::warn!("a push from the directory of plugins was left; it is made again after the next start");
            }
        }
    }
}

struct Watch {
    agenda: Agenda,
    bell: Bell,
    intake: Intake,
}

impl Watch {
    async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.intake.ended() => return,
                () = self.bell.rings() => self.agenda.rung(Instant::now()),
                () = tokio::time::sleep_until(self.agenda.next()) => self.turn().await,
            }
        }
    }

    async fn turn(&mut self) {
        let due = self.agenda.due(Instant::now());
        let moved = due.pulse && self.bell.tend(due.retry).await;
        if due.retry {
            self.intake.retry();
        }
        if !due.look && !moved {
            return;
        }
        let soon = match self.intake.look().await {
            Ok(pending) => pending.then_some(agenda::QUIET),
            Err(error) => {
                tracing::error!(error = %chain(&error), "the directory of plugins is not taken in: the store fails");
                Some(PULSE)
            }
        };
        let is_heard = self.bell.hangs() && !self.intake.has_links();
        self.agenda.looked(Instant::now(), soon, is_heard);
    }
}
