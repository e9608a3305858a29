//! The store as its callers hold it.

use crate::command::Command;
use crate::desk::{Desk, Doing, job};
use crate::directory::Directory;
use crate::fault::Failure;
use crate::handover::Handover;
use crate::health::Health;
use crate::lock::FileLock;
use crate::queue::{Queue, Reply};
use crate::sealer::Sealer;
use hookwright_store::{Answering, Ids, StoreError};
use sqlx::SqlitePool;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Hookwright's storage on one SQLite file. Cloning it is cheap, and all clones are one store.
///
/// Close it with [`SqliteStore::close`]; a store that is merely dropped still writes what is queued, as long as its runtime lives.
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) shared: Arc<Shared>,
}

/// The store of this crate, as queries that do not depend on the database call it.
pub(crate) type Here = SqliteStore;

pub(crate) struct Shared {
    pub(crate) queue: Queue<Command>,
    pub(crate) reads: SqlitePool,
    pub(crate) directory: Arc<Directory>,
    pub(crate) handover: Arc<Handover>,
    pub(crate) health: Arc<Health>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) ids: Ids,
    /// The writer and the file's lock, until they are given up.
    open: Mutex<Option<(oneshot::Receiver<()>, FileLock)>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStore { .. }")
    }
}

impl SqliteStore {
    #[expect(clippy::too_many_arguments, reason = "the parts of one struct, named once more only here")]
    pub(crate) fn new(
        queue: Queue<Command>,
        reads: SqlitePool,
        directory: Arc<Directory>,
        handover: Arc<Handover>,
        health: Arc<Health>,
        sealer: Arc<Sealer>,
        ids: Ids,
        writer: oneshot::Receiver<()>,
        lock: FileLock,
    ) -> Self {
        let open = Mutex::new(Some((writer, lock)));
        Self { shared: Arc::new(Shared { queue, reads, directory, handover, health, sealer, ids, open }) }
    }

    /// The process's one source of ids, which goes on after the greatest id on disk.
    pub fn ids(&self) -> Ids {
        self.shared.ids.clone()
    }

    /// Writes what is queued, folds the log into the database, and lets go of the file. Whoever comes later hears [`StoreError::Closed`].
    pub async fn close(&self) -> Result<(), StoreError> {
        let open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((writer, lock)) = open else { return Ok(()) };
        // A writer that has ended already needs no telling.
        let told = self.shared.queue.put(Command::Close).await;
        let ended = writer.await;
        self.shared.reads.close().await;
        drop(lock);
        ended.map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        told
    }

    /// Hands a command to the writer at once, or says that there is no room; waits for the answer.
    pub(crate) async fn offer<T>(&self, command: impl FnOnce(Reply<T>) -> Command + Send) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.shared.queue.offer(command(reply))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Hands a command to the writer as soon as there is room; waits for the answer.
    pub(crate) async fn put<T>(&self, command: impl FnOnce(Reply<T>) -> Command + Send) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.shared.queue.put(command(reply)).await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Has the writer run an act in a transaction of its own.
    pub(crate) fn alone<T, F>(&self, act: F) -> Answering<'_, T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Desk) -> Doing<'a, Result<T, Failure>> + Send + 'static,
    {
        Box::pin(self.put(|reply| Command::Alone(job(reply, act))))
    }
}
