//! The desk: one connection on which changes by operators, and other rare ones, run each in a transaction of its own.
//!
//! Each holds the row of the catalogue's revision while it runs, on whichever node: what it reads of the catalogue in memory is what is on record.

use crate::audit;
use crate::collector;
use crate::connection::{Line, answered, changed};
use crate::database::Connection;
use crate::directory::{Directory, Update};
use crate::fault::{Failure, Gravity, gravity, judge};
use crate::orphan;
use crate::queue::Reply;
use crate::roster;
use crate::sealer::Sealer;
use crate::store::Shared;
use crate::sweep;
use crate::writer::told;
use hookwright_core::audit::AuditDraft;
use hookwright_core::id::SubscriptionId;
use hookwright_store::{Ids, StoreError};
use sqlx::Executor;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What something that runs at the desk returns.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A change with a transaction of its own, and its answer's way back.
pub(crate) type Job = Box<dyn for<'a> FnOnce(&'a mut Counter) -> Doing<'a, ()> + Send>;

/// What a change works with.
pub(crate) struct Desk {
    pub(crate) connection: Connection,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) ids: Ids,
    pub(crate) node: i64,
    pub(crate) directory: Arc<Directory>,
    /// Changes to the directory that wait for their transaction's commit.
    pub(crate) updates: Vec<Update>,
    /// Deleted subscriptions whose pending deliveries are still to be ended.
    pub(crate) orphaned: VecDeque<SubscriptionId>,
    /// Subscriptions for whose owners something was left.
    pub(crate) left_for: Vec<i64>,
}

/// The desk with what stays when its connection breaks.
pub(crate) struct Counter {
    shared: Arc<Shared>,
    line: Line,
    orphaned: VecDeque<SubscriptionId>,
}

/// Makes a job of an act: it runs in a transaction, which is undone if the act fails.
pub(crate) fn job<T, F>(reply: Reply<T>, act: F) -> Job
where
    T: Send + 'static,
    F: for<'a> FnOnce(&'a mut Desk) -> Doing<'a, Result<T, Failure>> + Send + 'static,
{
    Box::new(move |counter| {
        Box::pin(async move {
            let result = counter.transaction(act).await;
            // Whoever asked may have gone; the change stands.
            drop(reply.send(result));
        })
    })
}

/// Has the desk end the deliveries of deleted subscriptions, if it is not busy with too much else.
pub(crate) fn end_orphans(shared: &Shared, orphaned: VecDeque<SubscriptionId>) {
    let job: Job = Box::new(move |counter| {
        Box::pin(async move {
            counter.orphaned.extend(orphaned);
        })
    });
    // They are looked for again in a while.
    drop(shared.desk.try_send(job));
}

impl Desk {
    pub(crate) fn now_ms(&self) -> i64 {
        self.ids.clock().now_ms()
    }

    /// Adds an entry to the audit chain, in the present transaction.
    pub(crate) async fn audit(&mut self, draft: AuditDraft) -> Result<(), Failure> {
        let made = self.ids.lock().next(self.now_ms());
        audit::add(&mut self.connection, vec![draft], made).await
    }
}

impl Counter {
    pub(crate) fn new(shared: Arc<Shared>, line: Line, orphaned: VecDeque<SubscriptionId>) -> Self {
        Self { shared, line, orphaned }
    }

    /// Runs jobs until it is told to end; those that are queued then are still run.
    pub(crate) async fn run(mut self, mut jobs: mpsc::Receiver<Job>, mut end: watch::Receiver<bool>) {
        loop {
            let job = tokio::select! {
                biased;
                job = jobs.recv() => job,
                () = told(&mut end) => {
                    jobs.close();
                    jobs.recv().await
                }
            };
            let Some(job) = job else { break };
            job(&mut self).await;
            while !self.orphaned.is_empty() && jobs.is_empty() && !self.end_one_orphan().await.unwrap_or(true) {}
        }
    }

    /// Ends some of a deleted subscription's deliveries; whether to stop for now.
    async fn end_one_orphan(&mut self) -> Result<bool, StoreError> {
        let Some(subscription) = self.orphaned.pop_front() else { return Ok(true) };
        match self.transaction(move |desk| Box::pin(orphan::end_pending(desk, subscription))).await {
            Ok(ended) if ended < sweep::ROWS_MAX => Ok(false),
            Ok(_) => {
                self.orphaned.push_front(subscription);
                Ok(false)
            }
            // The node that leads looks for them now and then.
            Err(error) => {
                tracing::warn!(%error, "deliveries of a deleted subscription were not ended");
                Err(error)
            }
        }
    }

    /// Runs an act in a transaction. What it staged for the directory takes effect with the commit.
    pub(crate) async fn transaction<T, F>(&mut self, act: F) -> Result<T, StoreError>
    where
        F: for<'a> FnOnce(&'a mut Desk) -> Doing<'a, Result<T, Failure>>,
    {
        let connection = self.line.take().await?;
        let mut desk = Desk {
            connection,
            sealer: Arc::clone(&self.shared.sealer),
            ids: self.shared.ids.clone(),
            node: self.shared.node.id,
            directory: Arc::clone(&self.shared.directory),
            updates: Vec::new(),
            orphaned: std::mem::take(&mut self.orphaned),
            left_for: Vec::new(),
        };
        let result = changed(self.try_transaction(&mut desk, act)).await;
        self.orphaned = desk.orphaned;
        match result {
            Ok((value, revision)) => {
                self.line.put_back(desk.connection);
                if let Some(revision) = revision {
                    self.shared.roster.apply(&self.shared, desk.updates, revision).await;
                    self.shared.notifier.catalogue_changed();
                }
                collector::tell_owners(&self.shared, &desk.left_for);
                Ok(value)
            }
            Err(failure) => {
                let is_whole = match &failure {
                    Failure::Store(_) => true,
                    Failure::Database(error) => gravity(error) != Gravity::Moment,
                };
                if is_whole && answered(desk.connection.execute("ROLLBACK")).await.is_ok() {
                    self.line.put_back(desk.connection);
                }
                Err(judge(failure).0)
            }
        }
    }

    async fn try_transaction<T, F>(&self, desk: &mut Desk, act: F) -> Result<(T, Option<i64>), Failure>
    where
        F: for<'a> FnOnce(&'a mut Desk) -> Doing<'a, Result<T, Failure>>,
    {
        desk.connection.execute("BEGIN").await?;
        let row = sqlx::query!("SELECT number FROM revision FOR UPDATE").fetch_one(&mut desk.connection).await?;
        roster::catch_up(&self.shared, &mut desk.connection, row.number).await?;
        let value = act(desk).await?;
        let mut revision = None;
        if !desk.updates.is_empty() {
            let row = sqlx::query!("UPDATE revision SET number = number + 1 RETURNING number");
            revision = Some(row.fetch_one(&mut desk.connection).await?.number);
        }
        desk.connection.execute("COMMIT").await?;
        Ok((value, revision))
    }
}
