//! Retention: a day that is old goes at once, with its partitions, and whatever else is old goes a bounded number of rows at a time.
//!
//! Ids ascend by creation, so an age is a range of ids and needs no index. A record of the kinds that are kept by days goes when all of its day is old: up to a day
//! later than its own age says. Nothing of this waits for long, or has others wait: a day whose tables are in use is left to the next time.
//!
//! All of it runs at the desk, of which one runs at a time on all nodes together: an operator's retry, which makes a settled delivery pending again, never meets it.

#[path = "../../sql/prune/audit.rs"]
mod audit;
mod day;
mod event;
#[path = "../../sql/prune/looked.rs"]
mod looked;
#[path = "../../sql/prune/message.rs"]
mod message;
mod stock;

use crate::desk::{Counter, Desk, Job};
use crate::fault::Failure;
use crate::partition::first_id;
use crate::store::PostgresStore;
use crate::sweep::dedupe_looked_for_from;
use day::{Days, Outcome};
use hookwright_core::id::first_at_ms;
use hookwright_store::{Answering, AuditAnchor, Prune, Pruned, RecordKind, Retention, Stock, StoreError};
use looked::{Looked, Range};
use sqlx::Executor;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

/// A batch of rows keeps others from nothing but the desk, while it has one of the connections at work: by so much less than its time is it told to have been in the way.
const IN_THE_WAY: u32 = 4;
/// How often a day is tried whose tables are in use …
const TRIES: u32 = 4;
/// … and how long others are left in peace before it is tried again.
const PEACE: Duration = Duration::from_millis(150);

impl Retention for PostgresStore {
    fn prune(&self, prune: Prune) -> Answering<'_, Pruned> {
        Box::pin(async move {
            for _ in 1..TRIES {
                if let Step::Rows(pruned) | Step::Day(pruned) = self.step(prune).await? {
                    return Ok(pruned);
                }
                sleep(PEACE).await;
            }
            Ok(match self.step(prune).await? {
                Step::Rows(pruned) | Step::Day(pruned) => pruned,
                Step::InUse { after } => Pruned { next: Some(after), ..Pruned::default() },
            })
        })
    }

    fn stock(&self, kind: RecordKind, before_ms: i64, after: i64, limit: u32) -> Answering<'_, Stock> {
        Box::pin(stock::of(&self.shared.reads, kind, Range::new(after, before_ms), limit))
    }

    fn audit_anchor(&self) -> Answering<'_, Option<AuditAnchor>> {
        Box::pin(audit::anchor(&self.shared.reads))
    }
}

/// What came of one transaction.
enum Step {
    /// So much went, which may be nothing, a row at a time.
    Rows(Pruned),
    /// A day went.
    Day(Pruned),
    /// Somebody uses the tables of the day that would go; everything else goes on after this id.
    InUse { after: i64 },
}

impl PostgresStore {
    /// One transaction at the desk, and the time that it takes there.
    async fn step(&self, prune: Prune) -> Result<Step, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |counter: &mut Counter| {
            Box::pin(async move {
                let began = Instant::now();
                let step = counter.transaction(move |desk| Box::pin(one_step(desk, prune))).await;
                let took = began.elapsed();
                // Whoever asked may have gone; what went is gone.
                drop(reply.send(step.map(|step| match step {
                    Step::Rows(pruned) => Step::Rows(Pruned { took: took / IN_THE_WAY, ..pruned }),
                    Step::Day(pruned) => Step::Day(Pruned { took, ..pruned }),
                    in_use @ Step::InUse { .. } => in_use,
                })));
            })
        });
        self.shared.desk.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

async fn one_step(desk: &mut Desk, prune: Prune) -> Result<Step, Failure> {
    let Prune { kind, before_ms, after, limit } = prune;
    let (range, limit) = (Range::new(after, before_ms), i64::from(limit.max(1)));
    // Whatever the tables' statistics say at the moment, an index is the way to few of many rows.
    let by_keys = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
    desk.connection.execute(by_keys).await?;
    Ok(Step::Rows(match kind {
        RecordKind::UnfinishedMessages => message::prune_unfinished(desk, range, before_ms, limit).await?,
        RecordKind::Audit => audit::prune(desk, range, limit).await?,
        RecordKind::Events | RecordKind::Attempts => return by_days(desk, prune, before_ms).await,
        RecordKind::Messages => {
            let before_ms = before_ms.min(dedupe_looked_for_from(desk.now_ms()));
            return by_days(desk, prune, before_ms).await;
        }
    }))
}

/// The day that is next, if it is next and old; otherwise rows, up to the day after.
async fn by_days(desk: &mut Desk, prune: Prune, before_ms: i64) -> Result<Step, Failure> {
    let Prune { kind, after, .. } = prune;
    let end = first_at_ms(before_ms);
    let days = Days::of(&mut desk.connection, kind).await?;
    let mut next = days.first_after(after);
    if let Some(day) = next.filter(|day| first_id(*day) == after + 1) {
        let day_end = first_id(day + 1);
        if day_end > end {
            // Some of it is old: it goes with the rest.
            return Ok(Step::Rows(Pruned::default()));
        }
        match days.remove(&mut desk.connection, kind, day, before_ms).await? {
            Outcome::Removed { removed, rows } => {
                return Ok(Step::Day(Pruned { removed, rows, next: Some(day_end - 1), ..Pruned::default() }));
            }
            Outcome::InUse => return Ok(Step::InUse { after: day_end - 1 }),
            Outcome::Needed => next = days.first_after(day_end - 2),
        }
    }
    let stop = next.map_or(end, first_id);
    let rows = by_rows(desk, prune, Range { after, end: end.min(stop) }, before_ms).await?;
    // Having come to the end of what lies before a day, it goes on with that day.
    let next = rows.next.or((stop < end).then_some(stop - 1));
    Ok(Step::Rows(Pruned { next, ..rows }))
}

async fn by_rows(desk: &mut Desk, prune: Prune, range: Range, before_ms: i64) -> Result<Pruned, Failure> {
    let limit = i64::from(prune.limit.max(1));
    match prune.kind {
        RecordKind::Attempts => event::prune_attempts(desk, range, first_at_ms(before_ms), limit).await,
        RecordKind::Messages => message::prune_finished(desk, range, before_ms, limit).await,
        _ => event::prune(desk, range, limit).await,
    }
}
