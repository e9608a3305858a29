//! Opening the store: keys first, then the database, which is brought up to date on the way.

use super::ServeError;
use super::keyring::{self, Obtained};
use super::machine;
use crate::chance;
use crate::config::{Config, Database, PostgresAddress};
use hookwright_core::intake::Policy;
use hookwright_postgres::{PostgresConfig, PostgresStore};
use hookwright_sqlite::{SqliteConfig, SqliteStore};
use hookwright_store::{Clock, Ids, SteeredClock, Store, StoreError};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open store: held by this process alone, or one of many nodes'.
pub struct OpenedStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// New ids, greater than all on disk.
    pub ids: Ids,
    /// The time: nodes that share a database go by its clock.
    pub clock: Arc<dyn Clock>,
    /// The file of the sealing key that was made for a new database: a person must hear of it.
    pub made_key: Option<PathBuf>,
    /// Authenticates the compiled plugins that are kept.
    pub cache_key: [u8; 32],
    held: Held,
}

/// What is closed in the end.
enum Held {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// What a person is told of a new key.
pub fn word_about_key(path: &Path) -> String {
    format!(
        "made the sealing key {} for the new database; without it the records cannot be read, so keep a copy",
        path.display()
    )
}

/// Opens what the configuration names. A new database gets a new key, unless nodes share it.
pub async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<OpenedStore, ServeError> {
    let Obtained { keyring, made: made_key } = keyring::obtain(&config.keys, &config.database)?;
    let cache_key = keyring.derive("compiled plugins");
    let fail = |source| failed(&config.database, source);
    match &config.database {
        Database::Sqlite(path) => {
            let sqlite_config = SqliteConfig { policy: policy(config), ..SqliteConfig::new(path, keyring) };
            let opened = SqliteStore::open(sqlite_config, Arc::clone(&clock), Arc::new(chance::fill)).await;
            let store = opened.map_err(fail)?;
            let (ids, held) = (store.ids(), Held::Sqlite(store.clone()));
            Ok(OpenedStore { store: Arc::new(store), ids, clock, made_key, cache_key, held })
        }
        Database::Postgres(address) => {
            // Set before anybody looks, as soon as the database has told the time.
            let clock = Arc::new(SteeredClock::at(clock.now_ms()));
            let steered = Some(Arc::clone(&clock));
            let postgres_config =
                PostgresConfig { steered, ..postgres_config(config, PostgresConfig::new(url(address)?, keyring)) };
            let ticking: Arc<dyn Clock> = clock;
            let opened =
                Box::pin(PostgresStore::open(postgres_config, Arc::clone(&ticking), Arc::new(chance::fill))).await;
            let store = opened.map_err(fail)?;
            let (ids, held) = (store.ids(), Held::Postgres(store.clone()));
            Ok(OpenedStore { store: Arc::new(store), ids, clock: ticking, made_key, cache_key, held })
        }
    }
}

/// Brings the database's schema up to date, or makes the database; tells the steps that were taken, and the key file if one was made.
pub async fn migrate_store(config: &Config) -> Result<(Vec<String>, Option<PathBuf>), ServeError> {
    let Obtained { keyring, made } = keyring::obtain(&config.keys, &config.database)?;
    let steps = match &config.database {
        Database::Sqlite(path) => {
            let sqlite_config = SqliteConfig { policy: policy(config), ..SqliteConfig::new(path, keyring) };
            hookwright_sqlite::migrate(sqlite_config, Arc::new(chance::fill)).await
        }
        Database::Postgres(address) => {
            let postgres_config = postgres_config(config, PostgresConfig::new(url(address)?, keyring));
            Box::pin(hookwright_postgres::migrate(postgres_config, Arc::new(chance::fill))).await
        }
    };
    Ok((steps.map_err(|source| failed(&config.database, source))?, made))
}

pub(super) fn failed(database: &Database, source: StoreError) -> ServeError {
    ServeError::Database { place: database.to_string(), source }
}

pub(super) fn policy(config: &Config) -> Policy {
    Policy { validity: config.validity.clone() }
}

/// What PostgreSQL is reached by. The password's file is read now.
pub(super) fn url(address: &PostgresAddress) -> Result<String, ServeError> {
    if address.trusts_the_way() {
        tracing::warn!(
            database = %address,
            "whoever is on the way to PostgreSQL could read along or answer in its stead; ?sslmode=verify-full and sslrootcert= shut them out"
        );
    }
    // What reads them later does not say which one it was.
    for (key, path) in address.files() {
        let unread = |source| ServeError::DatabaseFile { key, path: path.to_owned(), source };
        let file = File::open(path).map_err(unread)?;
        if key == "sslkey" {
            keyring::warn_if_open_to_others(path, &file, "the key of the certificate for the database");
        }
    }
    if let Some(path) = address.password_file()
        && let Ok(file) = File::open(path)
    {
        keyring::warn_if_open_to_others(path, &file, "the database's password");
    }
    let path = || address.password_file().map(Path::to_owned).unwrap_or_default();
    address.url().map_err(|source| ServeError::DatabaseFile { key: "database.password_file", path: path(), source })
}

/// What follows from the configuration, over what is usual.
pub(super) fn postgres_config(config: &Config, usual: PostgresConfig) -> PostgresConfig {
    PostgresConfig {
        policy: policy(config),
        readers: config.connections.readers_max,
        statement_timeout: config.connections.statement_timeout,
        lease: config.cluster.lease,
        node_name: config.cluster.node_name.clone().unwrap_or_else(machine::name),
        ..usual
    }
}

impl OpenedStore {
    /// Waits until everything is written, and lets go of the database.
    pub async fn close(self) {
        let closed = match self.held {
            Held::Sqlite(store) => store.close().await,
            Held::Postgres(store) => store.close().await,
        };
        if let Err(error) = closed {
            tracing::error!(error = %crate::problem::chain(&error), "the store did not close in good order");
        }
    }
}
