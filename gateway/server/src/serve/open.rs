//! Opening the store: keys first, then the database, which is brought up to date on the way.

use super::ServeError;
use super::keyring::{self, Obtained};
use crate::chance;
use crate::config::{Config, Database};
use hookwright_core::intake::Policy;
use hookwright_sqlite::{SqliteConfig, SqliteStore};
use hookwright_store::{Clock, Ids, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open store, held by this process alone.
pub struct OpenedStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// New ids, greater than all on disk.
    pub ids: Ids,
    /// The file of the sealing key that was made for a new database: a person must hear of it.
    pub made_key: Option<PathBuf>,
    /// Authenticates the compiled plugins that are kept beside the database.
    pub cache_key: [u8; 32],
    sqlite: SqliteStore,
}

/// What a person is told of a new key.
pub fn word_about_key(path: &Path) -> String {
    format!(
        "made the sealing key {} for the new database; without it the records cannot be read, so keep a copy",
        path.display()
    )
}

/// Opens what the configuration names. A new database gets a new key.
pub async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<OpenedStore, ServeError> {
    let Database::Sqlite(path) = &config.database;
    let (sqlite_config, made_key) = sqlite_config(config)?;
    let cache_key = sqlite_config.keyring.derive("compiled plugins");
    let sqlite = SqliteStore::open(sqlite_config, clock, Arc::new(chance::fill))
        .await
        .map_err(|source| ServeError::Database { path: path.clone(), source })?;
    Ok(OpenedStore { store: Arc::new(sqlite.clone()), ids: sqlite.ids(), made_key, cache_key, sqlite })
}

/// Brings the database's schema up to date, or makes the database; tells the steps that were taken, and the key file if one was made.
pub async fn migrate_store(config: &Config) -> Result<(Vec<String>, Option<PathBuf>), ServeError> {
    let Database::Sqlite(path) = &config.database;
    let (sqlite_config, made_key) = sqlite_config(config)?;
    let steps = hookwright_sqlite::migrate(sqlite_config, Arc::new(chance::fill))
        .await
        .map_err(|source| ServeError::Database { path: path.clone(), source })?;
    Ok((steps, made_key))
}

/// What the store is opened with, and the key file if one was made.
fn sqlite_config(config: &Config) -> Result<(SqliteConfig, Option<PathBuf>), ServeError> {
    let Obtained { keyring, made } = keyring::obtain(&config.keys, &config.database)?;
    let Database::Sqlite(path) = &config.database;
    let policy = Policy { validity: config.validity.clone() };
    Ok((SqliteConfig { policy, ..SqliteConfig::new(path, keyring) }, made))
}

impl OpenedStore {
    /// Waits until everything is written, and lets go of the database.
    pub async fn close(self) {
        if let Err(error) = self.sqlite.close().await {
            tracing::error!(error = %crate::problem::chain(&error), "the store did not close in good order");
        }
    }
}
