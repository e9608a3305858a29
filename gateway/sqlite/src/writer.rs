//! The writer's loop: take what is queued, commit it as one group, answer, and again.
//!
//! It has a thread of its own: it waits for the disk where it runs, and whoever it waits for is not behind other tasks when the disk is done.
//!
//! Nothing lingers to let a group grow: while one group syncs, the next one gathers by itself.

use crate::batch::Batch;
use crate::command::Command;
use crate::desk::Desk;
use crate::orphan;
use crate::queue::Inbox;
use hookwright_store::StoreError;
use sqlx::Connection;
use std::thread;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Starts the writer, on behalf of the runtime of the caller. The receiver hears when it has ended.
pub(crate) fn start(desk: Desk, inbox: Inbox<Command>) -> Result<oneshot::Receiver<()>, StoreError> {
    let runtime = Handle::current();
    let (ended, end) = oneshot::channel();
    let work = move || {
        run(desk, inbox, &runtime);
        // Whoever opened the store may be gone.
        let _ = ended.send(());
    };
    let started = thread::Builder::new().name("hookwright-write".to_owned()).spawn(work);
    started.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
    Ok(end)
}

/// Works until it is told to close, or until nobody can send any more.
fn run(mut desk: Desk, mut inbox: Inbox<Command>, runtime: &Handle) {
    let mut held = None;
    loop {
        let next = match held.take() {
            Some(command) => Some(command),
            None if desk.orphaned.is_empty() => match next(&mut inbox) {
                None => break,
                command => command,
            },
            // There is something to tidy, which waits for nobody and keeps nobody waiting.
            None => inbox.next_now(),
        };
        match next {
            Some(Command::Close) => break,
            Some(Command::Alone(job)) => runtime.block_on(job(&mut desk)),
            Some(command) => {
                let batch;
                (batch, held) = gather(command, &mut inbox);
                batch.commit(&mut desk);
            }
            None => {}
        }
        if !desk.orphaned.is_empty() {
            runtime.block_on(orphan::orphans(&mut desk));
        }
    }
    runtime.block_on(close(desk));
}

/// Waits for the next command; `None` when nobody can send any more.
fn next(inbox: &mut Inbox<Command>) -> Option<Command> {
    let command = inbox.receiver.blocking_recv()?;
    Some(inbox.taken(command))
}

/// A group of what is queued already, and the command that ended it.
fn gather(first: Command, inbox: &mut Inbox<Command>) -> (Batch, Option<Command>) {
    let mut batch = Batch::default();
    let mut held = batch.take(first);
    while held.is_none() && batch.has_room() {
        let Some(command) = inbox.next_now() else { break };
        held = batch.take(command);
    }
    (batch, held)
}

/// Leaves one file behind: everything in the log is in the database.
async fn close(mut desk: Desk) {
    if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut desk.connection).await {
        tracing::warn!(%error, "the log was left beside the database");
    }
    // What it prepared goes before the connection does.
    drop(desk.direct);
    if let Err(error) = desk.connection.close().await {
        tracing::warn!(%error, "the database did not close cleanly");
    }
}
