//! Retention: what is old goes between two groups, a bounded number of rows in a transaction.
//!
//! Ids ascend by creation, so an age is a range of ids and needs no index. SQLite takes the space of what went for what comes: the file grows no more, and does not shrink.

#[path = "../../sql/prune/audit.rs"]
mod audit;
mod event;
#[path = "../../sql/prune/looked.rs"]
mod looked;
#[path = "../../sql/prune/message.rs"]
mod message;
mod stock;

use crate::command::Command;
use crate::desk::{Desk, Job};
use crate::fault::Failure;
use crate::queue::Reply;
use crate::store::SqliteStore;
use hookwright_store::{Answering, AuditAnchor, Prune, Pruned, RecordKind, Retention, Stock};
use looked::{Looked, Range};
use tokio::time::Instant;

impl Retention for SqliteStore {
    fn prune(&self, prune: Prune) -> Answering<'_, Pruned> {
        Box::pin(self.put(move |reply| Command::Alone(timed(reply, prune))))
    }

    fn stock(&self, kind: RecordKind, before_ms: i64, after: i64, limit: u32) -> Answering<'_, Stock> {
        Box::pin(stock::of(&self.shared.reads, kind, Range::new(after, before_ms), limit))
    }

    fn audit_anchor(&self) -> Answering<'_, Option<AuditAnchor>> {
        Box::pin(audit::anchor(&self.shared.reads))
    }
}

/// The batch as a job, with the time that its whole transaction takes.
fn timed(reply: Reply<Pruned>, prune: Prune) -> Job {
    Box::new(move |desk| {
        Box::pin(async move {
            let began = Instant::now();
            let pruned = desk.transaction(move |desk| Box::pin(one_batch(desk, prune))).await;
            // Whoever asked may have gone; what went is gone.
            drop(reply.send(pruned.map(|pruned| Pruned { took: began.elapsed(), ..pruned })));
        })
    })
}

async fn one_batch(desk: &mut Desk, prune: Prune) -> Result<Pruned, Failure> {
    let Prune { kind, before_ms, after, limit } = prune;
    let (range, limit) = (Range::new(after, before_ms), i64::from(limit.max(1)));
    match kind {
        RecordKind::Events => event::prune(desk, range, limit).await,
        RecordKind::Attempts => event::prune_attempts(desk, range, limit).await,
        RecordKind::Messages => message::prune_finished(desk, range, before_ms, limit).await,
        RecordKind::UnfinishedMessages => message::prune_unfinished(desk, range, before_ms, limit).await,
        RecordKind::Audit => audit::prune(desk, range, limit).await,
    }
}
