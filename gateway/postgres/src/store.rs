//! The store as its callers hold it.

use crate::collector::Bell;
use crate::connection::Door;
use crate::database::Pool;
use crate::desk::{Desk, Doing, Job, job};
use crate::directory::Directory;
use crate::fault::Failure;
use crate::finish::EndingAsked;
use crate::handover::Handover;
use crate::intake::WorkAsked;
use crate::keeper;
use crate::notifier::Notifier;
use crate::partition::Days;
use crate::queue::{Queue, Reply};
use crate::roster::Roster;
use crate::sealer::Sealer;
use crate::shards::Shards;
use hookwright_core::intake::Policy;
use hookwright_store::{Answering, Ids, SteeredClock, StoreError};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, RwLock, mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Hookwright's storage on one PostgreSQL database, shared with other nodes. Cloning it is cheap, and all clones are one node.
///
/// Close it with [`PostgresStore::close`], which gives what it owns to the other nodes at once; one that is merely dropped keeps it until its lease ends.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) shared: Arc<Shared>,
    open: Arc<Mutex<Option<Tasks>>>,
}

/// The store of this crate, as queries that do not depend on the database call it.
pub(crate) type Here = PostgresStore;

/// What every task and every caller works with.
pub(crate) struct Shared {
    pub(crate) door: Door,
    /// Work that is decided by the catalogue alone: nothing that it does stands in the way of anything else.
    pub(crate) plain: Queue<WorkAsked>,
    /// Work that is bound to what is on record, which it holds until it is committed.
    pub(crate) bound: Queue<WorkAsked>,
    pub(crate) endings: Queue<EndingAsked>,
    pub(crate) desk: mpsc::Sender<Job>,
    pub(crate) reads: Pool,
    pub(crate) directory: Arc<Directory>,
    pub(crate) roster: Roster,
    pub(crate) handover: Handover,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) ids: Ids,
    pub(crate) policy: Policy,
    pub(crate) node: keeper::Identity,
    pub(crate) shards: Shards,
    pub(crate) days: Days,
    /// Held for reading while a group is decided and committed; for writing by whoever gives shards away, so that no group counts on them any more.
    pub(crate) deciding: RwLock<()>,
    pub(crate) notifier: Notifier,
    /// Rung when something may have been left for this node.
    pub(crate) bell: Bell,
    /// Another node changed the catalogue.
    pub(crate) changed: Notify,
    /// Whether timers are this node's.
    pub(crate) leads: AtomicBool,
    /// This node is about to end: it takes nothing any more.
    pub(crate) is_retiring: AtomicBool,
    pub(crate) steered: Option<Arc<SteeredClock>>,
}

/// What runs while a store is open, in the order in which it ends.
pub(crate) struct Tasks {
    /// Those that finish what is queued.
    pub(crate) workers: JoinSet<()>,
    /// Those that are told to end after them.
    pub(crate) helpers: JoinSet<()>,
    pub(crate) end_work: watch::Sender<bool>,
    pub(crate) end_help: watch::Sender<bool>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgresStore {{ node: {}, .. }}", self.shared.node.id)
    }
}

impl PostgresStore {
    pub(crate) fn new(shared: Arc<Shared>, tasks: Tasks) -> Self {
        Self { shared, open: Arc::new(Mutex::new(Some(tasks))) }
    }

    /// The process's one source of ids.
    pub fn ids(&self) -> Ids {
        self.shared.ids.clone()
    }

    /// The number of this node, from 1 to 1,023, as long as it runs.
    pub fn node(&self) -> i64 {
        self.shared.node.id
    }

    /// Writes what is queued, and gives what this node owns to the others. Whoever comes later hears [`StoreError::Closed`].
    pub async fn close(&self) -> Result<(), StoreError> {
        let tasks = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Tasks { mut workers, mut helpers, end_work, end_help }) = tasks else { return Ok(()) };
        end_work.send_replace(true);
        while workers.join_next().await.is_some() {}
        end_help.send_replace(true);
        while helpers.join_next().await.is_some() {}
        let left = keeper::leave(&self.shared).await;
        self.shared.reads.close().await;
        Ok(left?)
    }

    /// Has the desk run an act in a transaction of its own.
    pub(crate) fn alone<T, F>(&self, act: F) -> Answering<'_, T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Desk) -> Doing<'a, Result<T, Failure>> + Send + 'static,
    {
        Box::pin(async move {
            let (reply, answer): (Reply<T>, _) = oneshot::channel();
            self.shared.desk.send(job(reply, act)).await.map_err(|_| StoreError::Closed)?;
            answer.await.map_err(|_| StoreError::Closed)?
        })
    }
}
