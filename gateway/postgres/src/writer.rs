//! What the writers' loops have in common: take what is queued, commit it as one group, answer, and again.
//!
//! Nothing lingers to let a group grow: while one group commits, the next one gathers by itself, and another writer takes it.

use crate::connection::Line;
use crate::queue::{Inbox, Weighed};
use crate::store::Shared;
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// Commands that are committed together.
pub(crate) trait Group: Sized + Send {
    /// What it is made of.
    type Command: Weighed + Send;

    /// A group of nothing.
    fn empty() -> Self;

    /// Whether it takes one more.
    fn has_room(&self) -> bool;

    /// Takes a command, or gives it back if it must not be in this group.
    fn take(&mut self, command: Self::Command) -> Option<Self::Command>;

    /// Commits it and answers everybody.
    fn commit(self, shared: &Shared, line: &mut Line) -> impl Future<Output = ()> + Send;
}

/// The end of a queue that several writers take from, and a command that one of them took and could not use.
pub(crate) struct Shelf<C> {
    inbox: Inbox<C>,
    held: Option<C>,
}

impl<C> Shelf<C> {
    pub(crate) const fn new(inbox: Inbox<C>) -> Self {
        Self { inbox, held: None }
    }
}

/// Commits groups until there is nothing queued and nobody can queue any more.
pub(crate) async fn run<G: Group>(
    shared: Arc<Shared>,
    mut line: Line,
    shelf: Arc<Mutex<Shelf<G::Command>>>,
    mut end: watch::Receiver<bool>,
) {
    loop {
        let group = {
            let mut shelf = shelf.lock().await;
            gather::<G>(&mut shelf, &mut end).await
        };
        let Some(group) = group else { break };
        group.commit(&shared, &mut line).await;
    }
}

async fn gather<G: Group>(shelf: &mut Shelf<G::Command>, end: &mut watch::Receiver<bool>) -> Option<G> {
    let first = match shelf.held.take() {
        Some(command) => command,
        None => next(&mut shelf.inbox, end).await?,
    };
    let mut group = G::empty();
    shelf.held = group.take(first);
    while shelf.held.is_none() && group.has_room() {
        let Some(command) = shelf.inbox.next_now() else { break };
        shelf.held = group.take(command);
    }
    Some(group)
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
