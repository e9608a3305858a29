//! Opening a store: lock, look, migrate, load, and start the writer.

use crate::catalog;
use crate::chain::Chain;
use crate::config::SqliteConfig;
use crate::corrupt::Reading;
use crate::desk::Desk;
use crate::direct::Direct;
use crate::directory::Directory;
use crate::fault::Failure;
use crate::handover::Handover;
use crate::health::Health;
use crate::load::load_orphaned;
use crate::lock::FileLock;
use crate::pragma;
use crate::queue::queue;
use crate::sealer::Entropy;
use crate::sealer::{Sealer, column};
use crate::store::SqliteStore;
use crate::suitability::{MIGRATIONS, examine, not_a_database, visit};
use crate::suitable::KEY_CHECK;
use crate::writer;
use hookwright_core::id::IdMaker;
use hookwright_store::{Clock, Ids, StoreError};
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Connections that read at the same time.
const READERS_MAX: u32 = 4;
/// How long a reader waits for one of them.
const READER_PATIENCE: Duration = Duration::from_secs(5);
/// The node of a store that is alone.
const NODE: u16 = 0;

impl SqliteStore {
    /// Opens the store, and makes or migrates the file first if need be.
    ///
    /// [`StoreError::Unsuitable`] says in one sentence why the file and this program do not go together: another process has it, it is sealed under another key, it is of
    /// a newer version or of another program. Nothing has been written then.
    pub async fn open(config: SqliteConfig, clock: Arc<dyn Clock>, entropy: Entropy) -> Result<Self, StoreError> {
        let out_of_range = || StoreError::Unsuitable("the node's number is out of range".to_owned());
        let maker = IdMaker::new(NODE).ok_or_else(out_of_range)?;
        Self::open_with(config, Ids::new(maker, clock), entropy).await
    }

    /// Opens the store as [`SqliteStore::open`] does, with a source of ids that the caller has made, and tells it where this file left off.
    pub async fn open_with(config: SqliteConfig, ids: Ids, entropy: Entropy) -> Result<Self, StoreError> {
        let (policy, bounds, path) = (config.policy.clone(), config.queue, config.path.clone());
        let (mut connection, lock, sealer) = prepare(config, entropy).await?.into_parts();
        let directory = Arc::new(load_directory(&mut connection, &sealer).await?);
        let chain = load_chain(&mut connection).await?;
        let orphaned = load_orphaned(&mut connection).await?;
        if let Some(greatest) = greatest_id(&mut connection).await? {
            ids.lock().resume_after(greatest);
        }
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(READER_PATIENCE)
            .connect_lazy_with(pragma::reader(&path));
        let (queue, inbox) = queue(bounds);
        let (handover, health) = (Arc::new(Handover::default()), Arc::new(Health::default()));
        let sealer = Arc::new(sealer);
        let desk = Desk {
            direct: Direct::of(&mut connection).await?,
            connection,
            sealer: Arc::clone(&sealer),
            ids: ids.clone(),
            policy,
            directory: Arc::clone(&directory),
            handover: Arc::clone(&handover),
            health: Arc::clone(&health),
            chain,
            updates: Vec::new(),
            orphaned,
        };
        let writer = writer::start(desk, inbox)?;
        Ok(Self::new(queue, reads, directory, handover, health, sealer, ids, writer, lock))
    }
}

/// Brings the file's schema up to date, and makes the file if there is none; tells the steps that were taken, oldest first.
pub async fn migrate(config: SqliteConfig, entropy: Entropy) -> Result<Vec<String>, StoreError> {
    let prepared = prepare(config, entropy).await?;
    let steps = prepared.steps.clone();
    let (connection, _lock, _) = prepared.into_parts();
    connection.close().await.map_err(Failure::from)?;
    Ok(steps)
}

pub(crate) struct Prepared {
    connection: SqliteConnection,
    lock: FileLock,
    sealer: Sealer,
    steps: Vec<String>,
}

impl Prepared {
    pub(crate) fn into_parts(self) -> (SqliteConnection, FileLock, Sealer) {
        (self.connection, self.lock, self.sealer)
    }
}

pub(crate) async fn prepare(config: SqliteConfig, entropy: Entropy) -> Result<Prepared, StoreError> {
    let path = config.path.as_path();
    let lock = FileLock::take(path)?;
    let sealer = Sealer::new(config.keyring, entropy);
    visit(path, &sealer).await?;
    make_private(path)?;
    let connection = pragma::writer(path, config.durability).connect().await;
    let mut connection = connection.map_err(|error| not_a_database(error, path))?;
    examine(&mut connection, path, &sealer).await?;
    let steps = run_migrations(&mut connection).await?;
    keep_key_check(&mut connection, &sealer).await?;
    Ok(Prepared { connection, lock, sealer, steps })
}

/// Makes a file that is not there yet readable by its owner alone; SQLite gives its `-wal` and `-shm` the same mode. Bodies and secrets in it are sealed, but who was
/// where and when is not.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Unsuitable(format!("cannot make the database {}: {error}", path.display()))),
    }
}

async fn run_migrations(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let is_new: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *connection)
        .await
        .map_err(Failure::from)?;
    let applied: HashSet<i64> = if is_new == 0 {
        HashSet::new()
    } else {
        let versions = sqlx::query_scalar("SELECT version FROM _sqlx_migrations").fetch_all(&mut *connection).await;
        versions.map_err(Failure::from)?.into_iter().collect()
    };
    // `run` would take a pool as well, which is too general for the compiler to see that its future can be sent.
    MIGRATIONS
        .run_direct(None, connection, false)
        .await
        .map_err(|error| StoreError::Unsuitable(format!("the schema could not be brought up to date: {error}")))?;
    let steps = MIGRATIONS.iter().filter(|step| !applied.contains(&step.version));
    Ok(steps.map(|step| format!("{} {}", step.version, step.description)).collect())
}

/// Seals the known text, once, so that a later start with other keys is noticed before it writes.
async fn keep_key_check(connection: &mut SqliteConnection, sealer: &Sealer) -> Result<(), Failure> {
    let record = sealer.seal(column::key_check(), KEY_CHECK);
    sqlx::query!("INSERT INTO meta (name, value) VALUES ('key_check', $1) ON CONFLICT DO NOTHING", record)
        .execute(connection)
        .await?;
    Ok(())
}

/// Subscriptions, sources and keys as they are now.
async fn load_directory(connection: &mut SqliteConnection, sealer: &Sealer) -> Result<Directory, Failure> {
    let directory = Directory::default();
    directory.subscriptions.store(Arc::new(catalog::subscription::load(&mut *connection, sealer).await?));
    directory.sources.store(Arc::new(catalog::source::load(&mut *connection, sealer).await?));
    directory.keys.store(Arc::new(catalog::key::load(connection).await?));
    Ok(directory)
}

async fn load_chain(connection: &mut SqliteConnection) -> Result<Chain, Failure> {
    let last = sqlx::query!("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetch_optional(connection).await?;
    let hash = last.map(|entry| Reading { table: "audit", row: entry.id }.hash("hash", &entry.hash)).transpose()?;
    Ok(Chain::from(hash.unwrap_or_default()))
}

/// Ids go on after the greatest on disk, so that a clock that stepped back over a restart repeats none.
async fn greatest_id(connection: &mut SqliteConnection) -> Result<Option<i64>, Failure> {
    let greatest = sqlx::query_scalar!(
        r#"SELECT max(id) AS "id: i64" FROM (
             SELECT max(id) AS id FROM event UNION ALL SELECT max(id) FROM pending UNION ALL SELECT max(id) FROM settled UNION ALL SELECT max(id) FROM attempt
             UNION ALL SELECT max(id) FROM message UNION ALL SELECT max(id) FROM audit UNION ALL SELECT max(id) FROM establishment
             UNION ALL SELECT max(id) FROM subscription UNION ALL SELECT max(id) FROM source UNION ALL SELECT max(id) FROM plugin
             UNION ALL SELECT max(id) FROM plugin_version UNION ALL SELECT max(id) FROM plugin_activation UNION ALL SELECT max(id) FROM api_key)"#
    )
    .fetch_one(connection)
    .await?;
    Ok(greatest)
}
