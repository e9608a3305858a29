//! Opening the store: keys first, then the database, which is brought up to date on the way.

use super::ServeError;
use super::keyring::{self, Obtained};
use crate::chance;
use crate::config::{Config, Database};
use hookwright_core::intake::Policy;
use hookwright_sqlite::{SqliteConfig, SqliteStore};
use hookwright_store::{Clock, Ids, Store};
use std::sync::Arc;

/// An open store, held by this process alone.
pub struct OpenedStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// New ids, greater than all on disk.
    pub ids: Ids,
    sqlite: Arc<SqliteStore>,
}

/// Opens what the configuration names. A new database gets a new key, which is told on standard error.
pub async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<OpenedStore, ServeError> {
    let Obtained { keyring, made } = keyring::obtain(&config.keys, &config.database)?;
    if let Some(path) = made {
        eprintln!(
            "hookwright: made the sealing key {} for the new database; without it the records cannot be read, so keep a copy",
            path.display()
        );
    }
    let Database::Sqlite(path) = &config.database;
    let policy = Policy { validity: config.validity.clone() };
    let sqlite_config = SqliteConfig { policy, ..SqliteConfig::new(path, keyring) };
    let sqlite = SqliteStore::open(sqlite_config, clock, Arc::new(chance::fill))
        .await
        .map_err(|source| ServeError::Database { path: path.clone(), source })?;
    let sqlite = Arc::new(sqlite);
    Ok(OpenedStore { store: Arc::clone(&sqlite) as Arc<dyn Store>, ids: sqlite.ids(), sqlite })
}

impl OpenedStore {
    /// Waits until everything is written, and lets go of the database.
    pub async fn close(self) {
        self.sqlite.close().await;
    }
}
