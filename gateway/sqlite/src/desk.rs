//! The writer's desk: the one connection that writes, what goes with it, and transactions of their own.

use crate::chain::Chain;
use crate::direct::Direct;
use crate::directory::{Directory, Update};
use crate::fault::{Failure, Gravity, judge};
use crate::handover::Handover;
use crate::health::Health;
use crate::queue::Reply;
use crate::sealer::Sealer;
use hookwright_core::audit::AuditDraft;
use hookwright_core::id::{AuditId, SubscriptionId};
use hookwright_core::intake::Policy;
use hookwright_store::{Ids, StoreError};
use sqlx::SqliteConnection;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

/// What something that runs at the desk returns.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A change with a transaction of its own, and its answer's way back.
pub(crate) type Job = Box<dyn for<'a> FnOnce(&'a mut Desk) -> Doing<'a, ()> + Send>;

/// What the writer works with.
pub(crate) struct Desk {
    /// For the groups. It stands before the connection that it is of, so that it is dropped first.
    pub(crate) direct: Direct,
    pub(crate) connection: SqliteConnection,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) ids: Ids,
    pub(crate) policy: Policy,
    pub(crate) directory: Arc<Directory>,
    pub(crate) handover: Arc<Handover>,
    pub(crate) health: Arc<Health>,
    pub(crate) chain: Chain,
    /// Changes to the directory that wait for their transaction's commit.
    pub(crate) updates: Vec<Update>,
    /// Deleted subscriptions whose pending deliveries are still to be ended.
    pub(crate) orphaned: VecDeque<SubscriptionId>,
}

/// Makes a job of an act: it runs in a transaction, which is undone if the act fails.
pub(crate) fn job<T, F>(reply: Reply<T>, act: F) -> Job
where
    T: Send + 'static,
    F: for<'a> FnOnce(&'a mut Desk) -> Doing<'a, Result<T, Failure>> + Send + 'static,
{
    Box::new(move |desk| {
        Box::pin(async move {
            let result = desk.transaction(act).await;
            // Whoever asked may have gone; the change stands.
            drop(reply.send(result));
        })
    })
}

impl Desk {
    pub(crate) fn now_ms(&self) -> i64 {
        self.ids.clock().now_ms()
    }

    /// Runs an act in a transaction. What it staged for the directory takes effect with the commit.
    pub(crate) async fn transaction<T, F>(&mut self, act: F) -> Result<T, StoreError>
    where
        F: for<'a> FnOnce(&'a mut Self) -> Doing<'a, Result<T, Failure>>,
    {
        self.refuse_if_broken()?;
        let before = self.chain;
        let result = match self.execute("BEGIN IMMEDIATE").await {
            Ok(()) => match act(self).await {
                Ok(value) => self.execute("COMMIT").await.map(|()| value),
                Err(failure) => Err(failure),
            },
            Err(failure) => Err(failure),
        };
        match result {
            Ok(value) => {
                self.health.is_well();
                for update in std::mem::take(&mut self.updates) {
                    self.directory.apply(update);
                }
                Ok(value)
            }
            Err(failure) => {
                self.chain = before;
                self.updates.clear();
                self.direct.roll_back();
                Err(self.note(failure).0)
            }
        }
    }

    /// Adds an entry to the audit chain, in the present transaction.
    pub(crate) async fn audit(&mut self, draft: AuditDraft) -> Result<(), Failure> {
        let entry = self.chain.link(self.ids.next::<AuditId>(), draft);
        let (id, previous, hash) = (entry.id.get(), &entry.previous[..], &entry.hash[..]);
        let draft = &entry.draft;
        sqlx::query!(
            "INSERT INTO audit (id, at, actor, action, target, reason, request_id, detail, previous, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            id,
            draft.at,
            draft.actor,
            draft.action,
            draft.target,
            draft.reason,
            draft.request_id,
            draft.detail,
            previous,
            hash
        )
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Notes what a failure says of the disk, and makes the caller's error of it.
    pub(crate) fn note(&self, failure: Failure) -> (StoreError, Gravity) {
        let (error, gravity) = judge(failure);
        match gravity {
            Gravity::Command | Gravity::Moment => {}
            Gravity::NoRoom => self.health.strains(error.to_string()),
            Gravity::Disk => {
                tracing::error!(%error, "the disk failed: nothing more is written before the store is opened again");
                self.health.breaks(error.to_string());
            }
        }
        (error, gravity)
    }

    pub(crate) fn refuse_if_broken(&self) -> Result<(), StoreError> {
        match self.health.broken() {
            Some(why) => Err(StoreError::NotWritable(why.to_string())),
            None => Ok(()),
        }
    }

    async fn execute(&mut self, text: &'static str) -> Result<(), Failure> {
        sqlx::query(text).execute(&mut self.connection).await?;
        Ok(())
    }
}
