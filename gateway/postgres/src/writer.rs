//! What the writers' loops have in common: take what is queued, commit it as one group, answer, and again.
//!
//! Nothing lingers to let a group grow, unless nodes share the database and are busy: while one group commits, the next one gathers by itself. One writer for each kind of
//! work makes larger groups than two that share it, and larger groups cost less.

use crate::connection::Line;
use crate::fault::Gravity;
use crate::queue::{Inbox, Weighed};
use crate::store::Shared;
use hookwright_store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// A group of so many means that more come at once …
const BUSY: usize = 4;
/// … and one of fewer than this is worth a wait, where other nodes ask the same database for the same: a group costs it more than two more members.
const SMALL: usize = 32;
/// How long that wait is.
const LINGER: Duration = Duration::from_millis(1);
/// How often a group is tried that others were in the way of.
const TRIES: u32 = 4;

/// Commands that are committed together.
pub(crate) trait Group: Sized + Send + Sync {
    /// What it is made of.
    type Command: Weighed + Send;

    /// A group of nothing.
    fn empty() -> Self;

    /// Whether it takes one more.
    fn has_room(&self) -> bool;

    /// How many it has taken.
    fn size(&self) -> usize;

    /// Takes a command, or gives it back if it must not be in this group.
    fn take(&mut self, command: Self::Command) -> Option<Self::Command>;

    /// What a commit comes to.
    type Done: Send;

    /// Commits it, or says why not; the line is whole, or dropped.
    fn try_commit(
        &self,
        shared: &Shared,
        line: &mut Line,
    ) -> impl Future<Output = Result<Self::Done, (StoreError, Gravity)>> + Send;

    /// Answers everybody.
    fn answer(self, done: Self::Done);

    /// Tells everybody that it failed.
    fn fail(self, error: &StoreError);

    /// What it was made of.
    fn into_commands(self) -> Vec<Self::Command>;
}

/// Commits a group and answers everybody. A command that breaks the group is found by committing each by itself.
async fn commit<G: Group>(group: G, shared: &Shared, line: &mut Line) {
    let mut tries = 0;
    let (error, gravity) = loop {
        tries += 1;
        match group.try_commit(shared, line).await {
            Ok(done) => return group.answer(done),
            Err((error, Gravity::Clash)) if tries < TRIES => {
                tracing::debug!(%error, tries, "a group met another's and is tried again");
            }
            Err(failure) => break failure,
        }
    };
    if gravity != Gravity::Command || group.size() == 1 {
        return group.fail(&error);
    }
    tracing::warn!(%error, commands = group.size(), "a group failed: its commands are committed one by one");
    for command in group.into_commands() {
        let mut single = G::empty();
        drop(single.take(command));
        match single.try_commit(shared, line).await {
            Ok(done) => single.answer(done),
            Err((error, _)) => single.fail(&error),
        }
    }
}

/// Commits groups until there is nothing queued and nobody can queue any more.
pub(crate) async fn run<G: Group>(
    shared: Arc<Shared>,
    mut line: Line,
    mut inbox: Inbox<G::Command>,
    mut end: watch::Receiver<bool>,
) {
    let (mut held, mut last_size) = (None, 0);
    loop {
        let first = match held.take() {
            Some(command) => command,
            None => match next(&mut inbox, &mut end).await {
                Some(command) => command,
                None => break,
            },
        };
        let mut group = G::empty();
        held = group.take(first);
        fill(&mut group, &mut held, &mut inbox);
        if last_size >= BUSY && group.size() < SMALL && held.is_none() && !shared.notifier.is_alone() {
            sleep(LINGER).await;
            fill(&mut group, &mut held, &mut inbox);
        }
        last_size = group.size();
        commit(group, &shared, &mut line).await;
    }
}

/// Takes what is queued already, as far as there is room.
fn fill<G: Group>(group: &mut G, held: &mut Option<G::Command>, inbox: &mut Inbox<G::Command>) {
    while held.is_none() && group.has_room() {
        let Some(command) = inbox.next_now() else { break };
        *held = group.take(command);
    }
}

/// The next command; once the end was told, what is still queued, and then nothing.
async fn next<C: Weighed>(inbox: &mut Inbox<C>, end: &mut watch::Receiver<bool>) -> Option<C> {
    let command = tokio::select! {
        biased;
        command = inbox.receiver.recv() => command,
        () = told(end) => {
            inbox.receiver.close();
            inbox.receiver.recv().await
        }
    };
    command.map(|command| inbox.taken(command))
}

/// Waits until the end is told.
pub(crate) async fn told(end: &mut watch::Receiver<bool>) {
    // An error means that whoever would tell is gone.
    let _ = end.wait_for(|end| *end).await;
}
