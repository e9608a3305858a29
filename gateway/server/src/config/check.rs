//! From what was typed to what the gateway runs on: every setting read, checked and given its default.

use super::fault::BadConfig;
use super::key::{KEY_VARIABLE, PASSWORD_VARIABLE};
use super::postgres::{self, Password, PostgresAddress};
use super::proxy::Proxy;
use super::raw::Raw;
use super::reader::{Reader, Setting, found, quoted};
use super::retention;
use super::{ClusterConfig, Config, ConnectionsConfig, Database, DeliveryConfig};
use super::{KeyPlace, ListenerConfig, LogConfig, PluginsConfig, TlsFiles};
use crate::problem::chain;
use hookwright_core::breaker::BreakerRules;
use hookwright_core::egress::Cidr;
use hookwright_core::establishment::Validity;
use hookwright_core::region::RegionCode;
use hookwright_core::retry::{Schedule, check_permanent_status};
use hookwright_core::seal::Keyring;
use hookwright_plugin_host::{DEADLINE_MAX, MEMORY_BYTES_MAX};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);
const MIB: u64 = 1 << 20;
const DAYS_MAX: u32 = 36_500;
/// The longest name of a node, in bytes.
const NODE_NAME_MAX: usize = 63;

/// A configuration, and each of its settings as it is in effect.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the gateway runs on.
    pub config: Config,
    /// The settings, in the order of [`super::key::KEYS`].
    pub settings: Vec<Setting>,
}

/// The names of one listener's settings.
struct ListenerKeys {
    listen: &'static str,
    certificate: &'static str,
    key: &'static str,
    client_authorities: Option<&'static str>,
    connections_max: &'static str,
    header_timeout: &'static str,
    body_timeout: &'static str,
    body_bytes_max: &'static str,
}

const PUBLIC: ListenerKeys = ListenerKeys {
    listen: "public.listen",
    certificate: "public.tls.certificate",
    key: "public.tls.key",
    client_authorities: Some("public.tls.client_authorities"),
    connections_max: "public.connections_max",
    header_timeout: "public.header_timeout",
    body_timeout: "public.body_timeout",
    body_bytes_max: "public.body_bytes_max",
};

const ADMIN: ListenerKeys = ListenerKeys {
    listen: "admin.listen",
    certificate: "admin.tls.certificate",
    key: "admin.tls.key",
    client_authorities: None,
    connections_max: "admin.connections_max",
    header_timeout: "admin.header_timeout",
    body_timeout: "admin.body_timeout",
    body_bytes_max: "admin.body_bytes_max",
};

impl Loaded {
    /// Checks what was typed; all faults are reported together.
    pub fn check(raw: Raw) -> Result<Self, BadConfig> {
        let mut reader = Reader::new(&raw);
        let database = database(&mut reader, &raw);
        let drain = reader.duration("drain", Duration::from_secs(10), Duration::ZERO..=Duration::from_mins(10));
        let config = Config {
            keys: keys(&mut reader, &raw, &database),
            database,
            connections: connections(&mut reader),
            cluster: cluster(&mut reader),
            public: listener(&mut reader, &PUBLIC, SocketAddr::from(([127, 0, 0, 1], 8080)), MIB),
            admin: listener(&mut reader, &ADMIN, SocketAddr::from(([127, 0, 0, 1], 8081)), 32 * MIB),
            strict_event_types: reader.boolean("events.strict", false),
            validity: validity(&mut reader),
            delivery: delivery(&mut reader),
            egress_allow: egress_allow(&mut reader),
            plugins: plugins(&mut reader),
            retention: retention::read(&mut reader),
            log: log(&mut reader),
            drain,
        };
        if config.connections.statement_timeout >= config.cluster.lease {
            reader.fault(
                "database.statement_timeout",
                "must be shorter than cluster.lease: what a node began must be over before others own it",
            );
        }
        if clash(config.public.address, config.admin.address) {
            let detail = format!("{} is taken by public.listen", config.admin.address);
            reader.fault(ADMIN.listen, detail);
        }
        let (found, mut settings) = (reader.faults, reader.settings);
        let mut faults = raw.into_faults();
        faults.extend(found);
        settings.sort_by_key(|setting| super::key::KEYS.iter().position(|key| key.path == setting.path));
        if faults.is_empty() { Ok(Self { config, settings }) } else { Err(BadConfig(faults)) }
    }
}

/// Whether two listeners cannot both have their addresses. Port 0 is a free one each time.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let overlap = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && overlap
}

fn database(reader: &mut Reader<'_>, raw: &Raw) -> Database {
    let default = Database::Sqlite(PathBuf::from("hookwright.db"));
    let show = |database: &Database| match database {
        Database::Sqlite(path) => quoted(&format!("sqlite:{}", path.display())),
        Database::Postgres(address) => quoted(&address.to_string()),
    };
    // A database's address may hold a password, so that a wrong one is never repeated.
    let database = reader.parsed("database_url", default, show, |text| {
        if text.trim_start().starts_with("postgres") {
            return PostgresAddress::parse(text).map(Database::Postgres);
        }
        let expected = "expected sqlite: and the path of a file, such as sqlite:/var/lib/hookwright/hookwright.db";
        let rest = text.strip_prefix("sqlite:").ok_or_else(|| format!("{expected}, or {}", postgres::EXPECTED))?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        match path {
            "" => Err(expected.to_owned()),
            ":memory:" => Err(format!("what is in memory is lost with the process; {expected}")),
            path if path.contains('?') => Err(format!("options after ? are not taken; {expected}")),
            path if path.ends_with('/') => Err(format!("this is a directory; {expected}")),
            path => Ok(Database::Sqlite(PathBuf::from(path))),
        }
    });
    let file = reader.optional("database.password_file", |path: &PathBuf| quoted(&path.display().to_string()), path);
    let Database::Postgres(address) = database else { return database };
    let text = raw.database_password().map(str::to_owned);
    if usize::from(address.has_password()) + usize::from(file.is_some()) + usize::from(text.is_some()) > 1 {
        let places = format!("database_url, database.password_file and {PASSWORD_VARIABLE}");
        reader.fault("database_url", format!("more than one of {places} holds the password; say it in one place"));
    }
    Database::Postgres(match (file, text) {
        (Some(file), _) => address.with_password(Password::File(file)),
        (None, Some(text)) => address.with_password(Password::Text(text)),
        (None, None) => address,
    })
}

fn connections(reader: &mut Reader<'_>) -> ConnectionsConfig {
    ConnectionsConfig {
        readers_max: reader.number("database.readers_max", 4, 1..=64),
        statement_timeout: reader.duration("database.statement_timeout", 5 * SECOND, SECOND..=60 * SECOND),
    }
}

fn cluster(reader: &mut Reader<'_>) -> ClusterConfig {
    let is_name = |text: &str| {
        (1..=NODE_NAME_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let node_name = reader.optional(
        "cluster.node_name",
        |name: &String| quoted(name),
        |text| {
            let expected = format!("expected 1 to {NODE_NAME_MAX} letters, digits, dashes, dots and underscores");
            if is_name(text) { Ok(text.to_owned()) } else { Err(format!("{expected}, found {}", found(text))) }
        },
    );
    ClusterConfig { lease: reader.duration("cluster.lease", 10 * SECOND, 2 * SECOND..=120 * SECOND), node_name }
}

fn keys(reader: &mut Reader<'_>, raw: &Raw, database: &Database) -> KeyPlace {
    let file = reader.optional("keys.file", |path: &PathBuf| quoted(&path.display().to_string()), path);
    match (raw.key_text(), file) {
        (Some(text), None) => {
            // The error names a line, never what is in it.
            if let Err(error) = Keyring::parse(text) {
                reader.fault(KEY_VARIABLE, chain(&error));
            }
            KeyPlace::Text(text.to_owned())
        }
        (Some(_), Some(file)) => {
            reader.fault("keys.file", format!("{KEY_VARIABLE} holds the sealing keys too; say it in one place"));
            KeyPlace::File(file)
        }
        (None, Some(file)) => KeyPlace::File(file),
        (None, None) => match database {
            Database::Sqlite(file) => KeyPlace::FileOrNew(key_file_beside(file)),
            Database::Postgres(_) => KeyPlace::Nowhere,
        },
    }
}

/// Where the keys of a database are if nobody says: `hookwright.key` beside `hookwright.db`.
pub fn key_file_beside(database: &Path) -> PathBuf {
    database.with_extension("key")
}

fn listener(reader: &mut Reader<'_>, keys: &ListenerKeys, default: SocketAddr, body_default: u64) -> ListenerConfig {
    let address = reader.parsed(
        keys.listen,
        default,
        |address| quoted(&address.to_string()),
        |text| {
            text.trim()
                .parse()
                .map_err(|_| format!("expected an IP address and a port, such as {default}, found {}", found(text)))
        },
    );
    let show = |path: &PathBuf| quoted(&path.display().to_string());
    let certificate = reader.optional(keys.certificate, show, path);
    let key = reader.optional(keys.key, show, path);
    let client_authorities = keys.client_authorities.and_then(|name| Some((name, reader.optional(name, show, path)?)));
    let tls = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let client_authorities = client_authorities.map(|(_, path)| path);
            Some(TlsFiles { certificate, key, client_authorities })
        }
        (Some(_), None) => {
            reader.fault(keys.certificate, format!("needs its private key: set {}", keys.key));
            None
        }
        (None, Some(_)) => {
            reader.fault(keys.key, format!("needs its certificate: set {}", keys.certificate));
            None
        }
        (None, None) => {
            if let Some((name, _)) = client_authorities {
                reader.fault(name, format!("needs TLS: set {} and {}", keys.certificate, keys.key));
            }
            None
        }
    };
    ListenerConfig {
        address,
        tls,
        connections_max: count(reader.number(keys.connections_max, 1024, 1..=65_536)),
        header_timeout: reader.duration(keys.header_timeout, 10 * SECOND, 100 * MS..=120 * SECOND),
        body_timeout: reader.duration(keys.body_timeout, 30 * SECOND, 100 * MS..=600 * SECOND),
        body_bytes_max: reader.size(keys.body_bytes_max, body_default, 1024..=64 * MIB),
    }
}

fn validity(reader: &mut Reader<'_>) -> Validity {
    Validity {
        default_days: reader.number("compliance.validity_days", 365, 1..=DAYS_MAX),
        by_region: reader.numbers_by("compliance.validity_days_by_region", 1..=DAYS_MAX, |name| {
            name.parse::<RegionCode>()
                .map_err(|_| format!("expected a region such as US-TX (ISO 3166-2), found {}", found(name)))
        }),
    }
}

fn delivery(reader: &mut Reader<'_>) -> DeliveryConfig {
    let default = Schedule::default().delays().to_vec();
    let delays = reader.list(
        "delivery.schedule",
        default,
        |delay| super::format_duration(*delay),
        |text| {
            super::parse_duration(text)
                .ok_or_else(|| format!("expected a duration such as 5s or 2h, found {}", found(text)))
        },
    );
    let schedule = Schedule::try_new(delays).unwrap_or_else(|error| {
        reader.fault("delivery.schedule", error.to_string());
        Schedule::default()
    });
    let timeout_default = reader.duration("delivery.timeout", 15 * SECOND, 100 * MS..=60 * SECOND);
    let permanent_statuses = reader.list("delivery.permanent_statuses", Vec::new(), u16::to_string, |text| {
        let status = text.parse().map_err(|_| format!("expected a status such as 422, found {}", found(text)))?;
        check_permanent_status(status).map(|()| status).map_err(|error| format!("{status}: {error}"))
    });
    let first_byte_timeout =
        reader.duration("delivery.first_byte_timeout", Duration::ZERO, Duration::ZERO..=60 * SECOND);
    DeliveryConfig {
        permanent_statuses,
        max_age: reader.duration("delivery.max_age", 7 * DAY, 60 * SECOND..=30 * DAY),
        schedule,
        in_flight_max: count(reader.number("delivery.in_flight_max", 256, 1..=65_536)),
        in_flight_default: reader.number("delivery.max_in_flight", 8, 1..=1_000),
        timeout_default,
        connect_timeout: reader.duration("delivery.connect_timeout", 5 * SECOND, 100 * MS..=60 * SECOND),
        proxy: reader.optional("egress.proxy", |proxy| quoted(&proxy.to_string()), Proxy::parse),
        tls_timeout: reader.duration("delivery.tls_timeout", 5 * SECOND, 100 * MS..=60 * SECOND),
        first_byte_timeout: Some(first_byte_timeout).filter(|timeout| !timeout.is_zero()),
        response_bytes_max: reader.size("delivery.response_bytes_max", 16 << 10, 0..=MIB),
        breaker: breaker(reader),
        disable_after: disable_after(reader),
    }
}

fn breaker(reader: &mut Reader<'_>) -> BreakerRules {
    let usual = BreakerRules::default();
    let milliseconds = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let window = reader.duration("delivery.breaker.window", 60 * SECOND, SECOND..=3_600 * SECOND);
    let pause = reader.duration("delivery.breaker.pause", 15 * SECOND, 100 * MS..=3_600 * SECOND);
    BreakerRules {
        window_ms: milliseconds(window),
        attempts_min: reader.number("delivery.breaker.attempts_min", usual.attempts_min, 1..=100_000),
        failure_percent: reader.number("delivery.breaker.failure_percent", usual.failure_percent, 1..=101),
        pause_ms: milliseconds(pause),
    }
}

fn disable_after(reader: &mut Reader<'_>) -> Option<Duration> {
    let day = 86_400 * SECOND;
    let after = reader.duration("delivery.disable_after", 5 * day, Duration::ZERO..=365 * day);
    (after > Duration::ZERO).then_some(after)
}

fn egress_allow(reader: &mut Reader<'_>) -> Vec<Cidr> {
    reader.list("egress.allow", Vec::new(), Cidr::to_string, |text| {
        text.parse().map_err(|_| format!("expected a range such as 127.0.0.0/8 or fd00::/8, found {}", found(text)))
    })
}

fn plugins(reader: &mut Reader<'_>) -> PluginsConfig {
    let show = |path: &PathBuf| quoted(&path.display().to_string());
    PluginsConfig {
        directory: reader.optional("plugins.directory", show, path),
        cache: reader.optional("plugins.cache", show, path),
        inbound_deadline: reader.duration("plugins.inbound_deadline", 50 * MS, MS..=DEADLINE_MAX),
        outbound_deadline: reader.duration("plugins.outbound_deadline", 50 * MS, MS..=DEADLINE_MAX),
        memory_bytes_max: reader.size("plugins.memory_bytes_max", 64 * MIB, MIB..=MEMORY_BYTES_MAX as u64),
    }
}

fn log(reader: &mut Reader<'_>) -> LogConfig {
    LogConfig {
        json: reader.parsed(
            "log.format",
            false,
            |json| quoted(if *json { "json" } else { "text" }),
            |text| match text.trim() {
                "text" => Ok(false),
                "json" => Ok(true),
                other => Err(format!("expected text or json, found {}", found(other))),
            },
        ),
        filter: reader.parsed(
            "log.filter",
            "info".to_owned(),
            |filter| quoted(filter),
            |text| match EnvFilter::try_new(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(_) => Err(format!("expected a filter such as info or hookwright=debug, found {}", found(text))),
            },
        ),
    }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.trim().is_empty() { Err("expected a path, found nothing".to_owned()) } else { Ok(PathBuf::from(text)) }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
