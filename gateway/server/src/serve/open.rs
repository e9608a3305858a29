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
    sqlite: SqliteStore,
}

/// Opens what the configuration names. A new database gets a new key, which is told on standard error.
pub async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<OpenedStore, ServeError> {
    let Database::Sqlite(path) = &config.database;
    let sqlite = SqliteStore::open(sqlite_config(config)?, clock, Arc::new(chance::fill))
        .await
        .map_err(|source| ServeError::Database { path: path.clone(), source })?;
    Ok(OpenedStore { store: Arc::new(sqlite.clone()), ids: sqlite.ids(), sqlite })
}

/// Brings the database's schema up to date, or makes the database; tells the steps that were taken.
pub async fn migrate_store(config: &Config) -> Result<Vec<String>, ServeError> {
    let Database::Sqlite(path) = &config.database;
    hookwright_sqlite::migrate(sqlite_config(config)?, Arc::new(chance::fill))
        .await
        .map_err(|source| ServeError::Database { path: path.clone(), source })
}

fn sqlite_config(config: &Config) -> Result<SqliteConfig, ServeError> {
    let Obtained { keyring, made } = keyring::obtain(&config.keys, &config.database)?;
    if let Some(path) = made {
        eprintln!(
            "hookwright: made the sealing key {} for the new database; without it the records cannot be read, so keep a copy",
            path.display()
        );
    }
    let Database::Sqlite(path) = &config.database;
    let policy = Policy { validity: config.validity.clone() };
    Ok(SqliteConfig { policy, ..SqliteConfig::new(path, keyring) })
}

impl OpenedStore {
    /// Waits until everything is written, and lets go of the database.
    pub async fn close(self) {
        if let Err(error) = self.sqlite.close().await {
            tracing::error!(error = %crate::problem::chain(&error), "the store did not close in good order");
        }
    }
}
