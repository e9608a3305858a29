//! The configuration: what an operator typed ([`raw::Raw`]), checked into what the gateway runs on ([`Config`]).
//!
//! Every setting is a line of [`key::KEYS`], from which its environment variable follows. Relative paths are relative to the working directory.

mod check;
mod fault;
pub mod key;
mod percent;
mod postgres;
mod proxy;
mod quantity;
pub mod raw;
mod reader;
mod retention;

pub use check::{Loaded, key_file_beside};
pub use fault::{BadConfig, Fault, Origin};
pub use postgres::PostgresAddress;
pub use proxy::{Proxy, ProxyKind};
pub use quantity::{format_duration, format_size, parse_duration, parse_size};
pub use reader::Setting;
pub use retention::{RetentionConfig, format_keep};

use hookwright_core::breaker::BreakerRules;
use hookwright_core::egress::Cidr;
use hookwright_core::establishment::Validity;
use hookwright_core::retry::Schedule;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the records are.
    pub database: Database,
    /// How a database that is a server of its own is used.
    pub connections: ConnectionsConfig,
    /// How the nodes of one database share the work.
    pub cluster: ClusterConfig,
    /// Where the sealing keys are.
    pub keys: KeyPlace,
    /// The partners' listener.
    pub public: ListenerConfig,
    /// The platform's and operators' listener.
    pub admin: ListenerConfig,
    /// Whether only types of the catalogue may be published.
    pub strict_event_types: bool,
    /// How long establishments hold.
    pub validity: Validity,
    /// How deliveries are made.
    pub delivery: DeliveryConfig,
    /// Ranges that deliveries may reach although they are not public, e.g. `127.0.0.0/8`.
    pub egress_allow: Vec<Cidr>,
    /// How plugins are run.
    pub plugins: PluginsConfig,
    /// How long records are kept.
    pub retention: RetentionConfig,
    /// How the process logs.
    pub log: LogConfig,
    /// How long a shutdown waits for what is under way.
    pub drain: Duration,
}

/// Where the records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// An embedded SQLite file.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server, which nodes share.
    Postgres(PostgresAddress),
}

/// Never with a password.
impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(address) => write!(f, "{address}"),
        }
    }
}

/// How a database that is a server of its own is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionsConfig {
    /// Connections that read at the same time.
    pub readers_max: u32,
    /// The longest that a statement may take.
    pub statement_timeout: Duration,
}

/// How the nodes of one database share the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// How long a node that is not heard of keeps what it owns.
    pub lease: Duration,
    /// What this node is called; `None` for the machine's name.
    pub node_name: Option<String>,
}

/// Where the sealing keys are.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In this file, which must exist.
    File(PathBuf),
    /// In this file, made with mode 0600 on the first start.
    FileOrNew(PathBuf),
    /// The keys' text itself, from the environment.
    Text(String),
    /// Nobody said, and none may be made up: all nodes of a database need the same.
    Nowhere,
}

/// Key text is a secret.
impl std::fmt::Debug for KeyPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::FileOrNew(path) => f.debug_tuple("FileOrNew").field(path).finish(),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Nowhere => f.write_str("Nowhere"),
        }
    }
}

/// One listener.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Its certificate, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// From the first byte of a request to the end of its headers.
    pub header_timeout: Duration,
    /// From the end of the headers to the end of the body.
    pub body_timeout: Duration,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
}

/// A certificate and its key, as PEM files. They are read again when they change; the authorities of clients are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// The authorities that clients' certificates must come from. Without any, clients are asked for none.
    pub client_authorities: Option<PathBuf>,
}

/// How deliveries are made.
#[derive(Clone, Debug)]
pub struct DeliveryConfig {
    /// Delays between attempts.
    pub schedule: Schedule,
    /// Exchanges at once, over all subscriptions.
    pub in_flight_max: usize,
    /// Exchanges at once for a subscription that does not say.
    pub in_flight_default: u32,
    /// One whole exchange, for a subscription that does not say.
    pub timeout_default: Duration,
    /// The proxy that deliveries go out by.
    pub proxy: Option<Proxy>,
    /// Name resolution and connecting.
    pub connect_timeout: Duration,
    /// Statuses after which a delivery is not tried again, for a subscription that does not say.
    pub permanent_statuses: Vec<u16>,
    /// How old a delivery may become, for a subscription that does not say.
    pub max_age: Duration,
    /// The TLS handshake.
    pub tls_timeout: Duration,
    /// From the end of the request to the first byte of the answer, if not the whole exchange.
    pub first_byte_timeout: Option<Duration>,
    /// How much of an answer's body is kept, in bytes.
    pub response_bytes_max: usize,
    /// When a subscription's breaker opens.
    pub breaker: BreakerRules,
    /// How long a subscriber may do nothing but fail before it is switched off; `None` for ever.
    pub disable_after: Option<Duration>,
}

/// How plugins are run.
#[derive(Clone, Debug)]
pub struct PluginsConfig {
    /// Components in this directory are pushed at start.
    pub directory: Option<PathBuf>,
    /// Where compiled code is kept between starts.
    pub cache: Option<PathBuf>,
    /// The deadline of one inbound call.
    pub inbound_deadline: Duration,
    /// The deadline of one outbound call.
    pub outbound_deadline: Duration,
    /// Linear memory of one call, in bytes.
    pub memory_bytes_max: usize,
}

/// How the process logs, to standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// One JSON object a line, for machines.
    pub json: bool,
    /// A `tracing` filter, e.g. `info` or `hookwright=debug`.
    pub filter: String,
}
