//! The writer's loop: take what is queued, commit it as one group, answer, and again.
//!
//! Nothing lingers to let a group grow: while one group syncs, the next one gathers by itself.

use crate::batch::Batch;
use crate::desk::Desk;
use crate::queue::{Command, Inbox};
use crate::sweep;
use sqlx::Connection;

/// Works until it is told to close, or until nobody can send any more.
pub(crate) async fn run(mut desk: Desk, mut inbox: Inbox) {
    let mut held = None;
    loop {
        let next = match held.take() {
            Some(command) => Some(command),
            None if desk.orphaned.is_empty() => match inbox.next().await {
                None => break,
                command => command,
            },
            // There is something to tidy, which waits for nobody and keeps nobody waiting.
            None => inbox.next_now(),
        };
        match next {
            Some(Command::Close) => break,
            Some(Command::Alone(job)) => job(&mut desk).await,
            Some(command) => {
                let batch;
                (batch, held) = gather(command, &mut inbox);
                batch.commit(&mut desk).await;
            }
            None => {}
        }
        sweep::orphans(&mut desk).await;
    }
    close(desk).await;
}

/// A group of what is queued already, and the command that ended it.
fn gather(first: Command, inbox: &mut Inbox) -> (Batch, Option<Command>) {
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
    if let Err(error) = desk.connection.close().await {
        tracing::warn!(%error, "the database did not close cleanly");
    }
}
