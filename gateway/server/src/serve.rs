//! Wiring: from a configuration to a running gateway, and to its end.

mod keyring;
pub mod log;
mod machine;
mod moving;
mod open;
mod preflight;
mod signals;

pub use keyring::KeyringError;
pub use moving::{Doing, Moved, Step, move_store};
pub use open::{OpenedStore, migrate_store, open_store, word_about_key};
pub use preflight::preflight;
pub use signals::told_to_stop;

use crate::app::App;
use crate::clock::SystemClock;
use crate::config::{Config, Database, ListenerConfig};
use crate::dispatch::{DispatchParts, Dispatcher};
use crate::fetch::{FetchParts, Fetcher};
use crate::listener::{Listener, ListenerError};
use crate::plugins::{Plugins, PluginsParts, Watching};
use crate::problem::{chain, request_id};
use crate::upkeep::Upkeep;
use crate::{admin, health, ingress};
use hookwright_plugin_host::{CacheConfig, Compiler, HostConfig, HostError, PluginHost};
use hookwright_store::{Clock, Store, StoreError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinHandle};

/// What the caller may bring along.
pub struct Options {
    /// The public and the admin listener, bound already; otherwise they are bound as configured.
    pub listeners: Option<(TcpListener, TcpListener)>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where plugins are compiled; by itself, in a child process of this program.
    pub compiler: Option<Compiler>,
}

impl Default for Options {
    fn default() -> Self {
        Self { listeners: None, clock: Arc::new(SystemClock), compiler: None }
    }
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There are no sealing keys.
    #[error("no sealing keys")]
    Keyring(#[from] KeyringError),
    /// The database cannot be used.
    #[error("cannot use the database {place}")]
    Database {
        /// Its file or address, without a password.
        place: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A file that the way to the database needs cannot be read.
    #[error("cannot read {} ({key}), which the database needs", path.display())]
    DatabaseFile {
        /// The setting, or the parameter of the URL.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Records do not move that way.
    #[error("records move from SQLite to PostgreSQL")]
    Direction,
    /// What arrived is not what was sent.
    #[error(
        "table {table} differs: {here} in SQLite, {there} in PostgreSQL; one of the two was changed meanwhile: empty the PostgreSQL database, and begin anew"
    )]
    Differs {
        /// The table.
        table: &'static str,
        /// What is in it here.
        here: String,
        /// What is in it there.
        there: String,
    },
    /// The store refused during the start.
    #[error("cannot read the records")]
    Store(#[source] StoreError),
    /// The admin API would be open to whoever can connect.
    #[error(
        "admin.listen {address} is reachable from other machines, and no API key exists: make one with `hookwright keys create --name NAME --scope admin`, or listen on 127.0.0.1"
    )]
    OpenAdmin {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// Plugins cannot be run.
    #[error("cannot run plugins")]
    Host(#[from] HostError),
    /// A listener cannot be bound.
    #[error("cannot listen on {address} ({key})")]
    Bind {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A certificate cannot be used.
    #[error("cannot set up {key}")]
    Listener {
        /// The setting.
        key: &'static str,
        /// Why.
        #[source]
        source: ListenerError,
    },
    /// A task of the start died.
    #[error("a task of the start died")]
    Task(#[from] JoinError),
}

/// A running gateway.
pub struct Running {
    /// Where partners post.
    pub public: SocketAddr,
    /// Where the platform and operators connect.
    pub admin: SocketAddr,
    /// Its parts.
    pub app: App,
    /// The file of the sealing key that was made for a new database: a person must hear of it.
    pub made_key: Option<PathBuf>,
    opened: OpenedStore,
    shutdown: watch::Sender<bool>,
    listeners: [JoinHandle<()>; 2],
    dispatcher: JoinHandle<()>,
    following: JoinHandle<()>,
    watching: Watching,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("public", &self.public).field("admin", &self.admin).finish_non_exhaustive()
    }
}

/// Starts everything. When this returns, both listeners accept.
pub async fn start(config: Config, options: Options) -> Result<Running, ServeError> {
    let Options { listeners, clock, compiler } = options;
    // On the heap: what runs once need not make the future of everything that starts a gateway large.
    let opened = Box::pin(open_store(&config, clock)).await?;
    match Box::pin(wire(config, listeners, compiler, &opened)).await {
        Ok(wired) => Ok(wired.run(opened)),
        Err(error) => {
            opened.close().await;
            Err(error)
        }
    }
}

/// Everything made, and nothing accepting yet.
struct Wired {
    app: App,
    dispatcher: JoinHandle<()>,
    following: JoinHandle<()>,
    watching: Watching,
    public: Door,
    admin: Door,
}

/// A bound listener.
struct Door {
    listener: Listener,
    address: SocketAddr,
}

async fn wire(
    config: Config,
    listeners: Option<(TcpListener, TcpListener)>,
    compiler: Option<Compiler>,
    opened: &OpenedStore,
) -> Result<Wired, ServeError> {
    let store: Arc<dyn Store> = Arc::clone(&opened.store);
    let clock = Arc::clone(&opened.clock);
    let (public, admin) = match listeners {
        Some((public, admin)) => (Some(public), Some(admin)),
        None => (None, None),
    };
    let public = door(["public.listen", "public.tls"], &config.public, public).await?;
    let admin = door(["admin.listen", "admin.tls"], &config.admin, admin).await?;
    if !admin.address.ip().is_loopback() && store.keys().is_empty() {
        return Err(ServeError::OpenAdmin { address: admin.address });
    }
    let host = host(&config, opened.cache_key, compiler).await?;
    let plugins = Plugins::start(PluginsParts {
        host,
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        config: config.plugins.clone(),
        strict_event_types: config.strict_event_types,
    })
    .await
    .map_err(ServeError::Store)?;
    let following = plugins.follow();
    let noticed = Arc::<Notify>::default();
    let (dispatcher, dispatching) = Dispatcher::start(DispatchParts {
        store: Arc::clone(&store),
        ids: opened.ids.clone(),
        clock: Arc::clone(&clock),
        config: config.delivery.clone(),
        egress_allow: config.egress_allow.clone(),
        plugins: Arc::clone(&plugins),
        noticed: Arc::clone(&noticed),
    });
    let upkeep = Upkeep::start(Arc::clone(&store), Arc::clone(&plugins), Arc::clone(&clock), noticed, config.retention);
    let meters = Arc::default();
    let fetcher = Fetcher::start(FetchParts {
        meters: Arc::clone(&meters),
        store: Arc::clone(&store),
        plugins: Arc::clone(&plugins),
        clock: Arc::clone(&clock),
        signals: upkeep.signals(),
        delivery: config.delivery.clone(),
        egress_allow: config.egress_allow.clone(),
    });
    follow_moves(&plugins, &upkeep);
    let watching = Watching::start(&plugins, config.plugins.directory.clone()).await.map_err(ServeError::Store)?;
    let mut config = config;
    // The caller may have bound other addresses than were configured, and port 0 has become a real one.
    (config.public.address, config.admin.address) = (public.address, admin.address);
    let config = Arc::new(config);
    let ids = opened.ids.clone();
    let verifiers = Arc::default();
    let app = App { store, ids, clock, config, verifiers, meters, plugins, dispatcher, fetcher, upkeep };
    Ok(Wired { app, dispatcher: dispatching, following, watching, public, admin })
}

impl Wired {
    fn run(self, opened: OpenedStore) -> Running {
        let (shutdown, _) = watch::channel(false);
        let (public, admin) = (self.public.address, self.admin.address);
        let (partners, operators) = (ingress::router(self.app.clone()), operators(&self.app));
        let listeners = [
            tokio::spawn(self.public.listener.run(partners, shutdown.subscribe())),
            tokio::spawn(self.admin.listener.run(operators, shutdown.subscribe())),
        ];
        let made_key = opened.made_key.clone();
        let (app, dispatcher, following, watching) = (self.app, self.dispatcher, self.following, self.watching);
        Running { public, admin, app, made_key, opened, shutdown, listeners, dispatcher, following, watching }
    }
}

/// Starts what runs plugins. Their compiled code is kept beside the database, or in the user's cache, unless another place is named; a place that nobody named and that cannot be had is done without.
async fn host(config: &Config, cache_key: [u8; 32], compiler: Option<Compiler>) -> Result<PluginHost, ServeError> {
    let compiler = match compiler {
        Some(compiler) => compiler,
        None => Compiler::this_program().map_err(|source| HostError::Threads { source })?,
    };
    let named = config.plugins.cache.clone();
    let usual = || match &config.database {
        Database::Sqlite(database) => Some(database.with_extension("plugins")),
        Database::Postgres(_) => machine::plugin_cache(&cache_key),
    };
    let dir = named.clone().or_else(usual);
    let start = move |dir: Option<PathBuf>| {
        let (cache, compiler) = (dir.map(|dir| CacheConfig { dir, mac_key: Some(cache_key) }), compiler.clone());
        let start = move || PluginHost::start(HostConfig { cache, compiler, ..HostConfig::default() });
        tokio::task::spawn_blocking(start)
    };
    match start(dir).await? {
        Err(error @ HostError::Cache { .. }) if named.is_none() => {
            tracing::warn!(error = %chain(&error), "compiled plugins are not kept: every start compiles them anew");
            Ok(start(None).await??)
        }
        started => Ok(started?),
    }
}

/// Messages that a plugin's failure left behind are taken up again when another version serves, and a quarantine is published.
fn follow_moves(plugins: &Plugins, upkeep: &Upkeep) {
    let signals = upkeep.signals();
    // A candidate's end counts, too: the version that serves may do better with what it failed on.
    plugins.tell_of_moves(move |name, _| signals.plugin_moved(name));
}

/// Administration, and whether the gateway lives; the latter needs no key.
fn operators(app: &App) -> admin::Front {
    let health = health::routes(app.clone()).layer(axum::middleware::from_fn(request_id::carry));
    admin::Front::new(app.clone(), admin::router(app.clone()).merge(health))
}

async fn door(
    [key, tls_key]: [&'static str; 2],
    config: &ListenerConfig,
    bound: Option<TcpListener>,
) -> Result<Door, ServeError> {
    let bind = |source| ServeError::Bind { key, address: config.address, source };
    let tcp = match bound {
        Some(listener) => listener,
        None => TcpListener::bind(config.address).await.map_err(bind)?,
    };
    let address = tcp.local_addr().map_err(bind)?;
    let listener = Listener::new(tcp, config.clone());
    let listener = listener.map_err(|source| ServeError::Listener { key: tls_key, source })?;
    Ok(Door { listener, address })
}

impl Running {
    /// Stops in good order: accepts nothing new, finishes what is under way for as long as the configuration grants, and closes the store.
    pub async fn stop(self) {
        let drain = self.app.config.drain;
        // First, so that no version goes live between the last delivery and the end.
        self.watching.stop().await;
        self.following.abort();
        self.shutdown.send_replace(true);
        self.app.store.retire();
        let [public, admin] = self.listeners;
        let deadline = tokio::time::Instant::now() + drain;
        let doors = async {
            for mut door in [public, admin] {
                match tokio::time::timeout_at(deadline, &mut door).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::error!(%error, "a listener's task died"),
                    // Whoever is still sending then may try again; nothing was acknowledged.
                    Err(_) => door.abort(),
                }
            }
        };
        let (given_up, ()) = tokio::join!(self.app.dispatcher.drain(drain), doors);
        if given_up > 0 {
            tracing::warn!(given_up, "deliveries under way were given up; they are tried again after the next start");
        }
        if let Err(error) = self.dispatcher.await {
            tracing::error!(%error, "the dispatcher's task died");
        }
        self.app.fetcher.stop().await;
        self.app.upkeep.stop().await;
        drop(self.app);
        self.opened.close().await;
    }
}
