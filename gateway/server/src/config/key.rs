//! Every setting there is: its key in the file, its environment variable, and what it does.

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its path in the file, dotted.
    pub path: &'static str,
    /// What it does, for the documentation.
    pub about: &'static str,
    /// What it is where nothing is said, for the documentation.
    pub default: &'static str,
}

const fn key(path: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { path, about, default }
}

/// Every setting, in the order in which they are explained.
pub const KEYS: &[Key] = &[
    key(
        "database_url",
        "sqlite:hookwright.db",
        "Where the records are: `sqlite:` and a path, or `postgres://user@host:5432/database`, which any number of nodes share; `?sslmode=`, `sslrootcert=`, `sslcert=` and `sslkey=` as libpq has them.",
    ),
    key("drain", "10s", "How long a shutdown waits for requests and deliveries under way."),
    key(
        "database.password_file",
        "",
        "The file with PostgreSQL's password, for one that is not to stand in the URL. `HOOKWRIGHT_DATABASE_PASSWORD` may hold it, too.",
    ),
    key(
        "database.readers_max",
        "4",
        "Connections to PostgreSQL that read at the same time; writing takes nine more. All nodes' together must be fewer than its `max_connections`.",
    ),
    key(
        "database.statement_timeout",
        "5s",
        "The longest that PostgreSQL may take for a statement. Shorter than the lease, so that what a node began is over before others own it.",
    ),
    key(
        "cluster.lease",
        "10s",
        "How long a node that is not heard of keeps what it owns; then the others take over. The same on every node.",
    ),
    key(
        "cluster.node_name",
        "",
        "What this node is called where nodes are listed; the machine's name where nothing is said.",
    ),
    key(
        "keys.file",
        "hookwright.key beside the database",
        "The file with the sealing keys. Named here, it must exist; PostgreSQL needs it named (or `HOOKWRIGHT_KEY`), with the same keys on every node.",
    ),
    key("public.listen", "127.0.0.1:8080", "Where partners post."),
    key("public.tls.certificate", "", "PEM file with the certificate chain, leaf first."),
    key("public.tls.key", "", "PEM file with its private key."),
    key(
        "public.tls.client_authorities",
        "",
        "PEM file with the authorities of partners' certificates. Partners may then show one, which sources can ask for. Read again when it changes, like the certificate.",
    ),
    key("public.connections_max", "1024", "Connections at once; more wait."),
    key("public.header_timeout", "10s", "From a request's first byte to the end of its headers."),
    key("public.body_timeout", "30s", "From the end of the headers to the end of the body."),
    key("public.body_bytes_max", "1MiB", "The largest body of a partner."),
    key(
        "admin.listen",
        "127.0.0.1:8081",
        "Where the platform and operators connect. Off loopback it needs an API key to exist.",
    ),
    key("admin.tls.certificate", "", "PEM file with the certificate chain, leaf first."),
    key("admin.tls.key", "", "PEM file with its private key."),
    key("admin.connections_max", "1024", "Connections at once; more wait."),
    key("admin.header_timeout", "10s", "From a request's first byte to the end of its headers."),
    key("admin.body_timeout", "30s", "From the end of the headers to the end of the body."),
    key("admin.body_bytes_max", "32MiB", "The largest body, plugins included."),
    key("events.strict", "false", "Whether only event types of the catalogue may be published."),
    key("compliance.validity_days", "365", "How long an establishment holds after a consultation."),
    key("compliance.validity_days_by_region", "{}", "The same by region, e.g. `\"US-TX\" = 180`."),
    key(
        "delivery.schedule",
        "5s 5m 30m 2h 5h 10h 14h 20h 24h",
        "Delays after the first, second, … failed attempt; the last repeats.",
    ),
    key("delivery.in_flight_max", "256", "Deliveries under way at once, over all subscriptions."),
    key("delivery.max_in_flight", "8", "The same for one subscription that does not say."),
    key("delivery.timeout", "15s", "One whole exchange, for a subscription that does not say."),
    key(
        "delivery.permanent_statuses",
        "[]",
        "Statuses after which a delivery is not tried again, e.g. `[404, 422]`, for a subscription that does not say.",
    ),
    key(
        "delivery.max_age",
        "7d",
        "How old a delivery may become and still be tried, for a subscription that does not say.",
    ),
    key("delivery.connect_timeout", "5s", "Finding the address and connecting."),
    key("delivery.tls_timeout", "5s", "The TLS handshake."),
    key(
        "delivery.first_byte_timeout",
        "0s",
        "From the end of the request to the first byte of the answer; 0s is as long as the whole exchange may take.",
    ),
    key("delivery.response_bytes_max", "16KiB", "How much of an answer's body is kept."),
    key(
        "delivery.disable_after",
        "5d",
        "A subscription that does nothing but fail for this long is switched off; operators are warned half-way. 0s for never.",
    ),
    key("delivery.breaker.window", "1m", "Over how long a subscription's outcomes are counted for its breaker."),
    key("delivery.breaker.attempts_min", "20", "With fewer outcomes than this the breaker does not open."),
    key(
        "delivery.breaker.failure_percent",
        "50",
        "The breaker opens, and deliveries are parked, when this share of them failed; 101 for never.",
    ),
    key(
        "delivery.breaker.pause",
        "15s",
        "How long the breaker stays open at first; doubled up to sixteen times as long.",
    ),
    key(
        "egress.allow",
        "[]",
        "Ranges that deliveries may reach although they are not public, e.g. `[\"127.0.0.0/8\"]`.",
    ),
    key(
        "egress.proxy",
        "",
        "The proxy that deliveries go out by: `http://` (CONNECT) or `socks5://`, `user:password@` if need be, host and port.",
    ),
    key(
        "plugins.directory",
        "",
        "The directory of components (`NAME.wasm`): what is put there is pushed, at start and whenever it changes.",
    ),
    key(
        "plugins.cache",
        "hookwright.plugins beside the database, or the user's cache",
        "The directory in which compiled plugins are kept between starts, authenticated by a key derived from the sealing key.",
    ),
    key("plugins.inbound_deadline", "50ms", "One call that reads a partner's message."),
    key("plugins.outbound_deadline", "50ms", "One call that shapes a delivery."),
    key("plugins.memory_bytes_max", "64MiB", "Memory of one call."),
    key(
        "retention.events",
        "30d",
        "How long events are kept, with their deliveries and attempts; `forever` keeps them. Pending ones stay in any case.",
    ),
    key("retention.attempts", "30d", "The same for attempts of deliveries that ended, where it is shorter."),
    key(
        "retention.messages",
        "30d",
        "The same for partners' messages that came to an end. At least as long as repeats are recognised.",
    ),
    key(
        "retention.unfinished_messages",
        "365d",
        "The same for messages that are quarantined, waiting or held; each one that goes is named in the audit.",
    ),
    key("retention.audit", "2555d", "The same for the audit, whose chain can still be verified from where it begins."),
    key("log.format", "text", "`text` for people, `json` for machines."),
    key("log.filter", "info", "What is logged, as `tracing` filters say it: `info`, `hookwright=debug`."),
];

/// The environment variable with the text of the sealing keys. It has no key in the file, for secrets do not belong there.
pub const KEY_VARIABLE: &str = "HOOKWRIGHT_KEY";
/// The environment variable with PostgreSQL's password. It has no key in the file, either.
pub const PASSWORD_VARIABLE: &str = "HOOKWRIGHT_DATABASE_PASSWORD";
/// The variables that hold secrets, and what they are.
pub const SECRET_VARIABLES: [(&str, &str); 2] = [
    (KEY_VARIABLE, "The sealing keys themselves, instead of keys.file."),
    (PASSWORD_VARIABLE, "PostgreSQL's password itself, instead of database.password_file."),
];
/// The environment variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "HOOKWRIGHT_CONFIG";
/// Variables that are not settings of the gateway, but of the commands that talk to one.
pub const COMMAND_VARIABLES: [&str; 4] = [CONFIG_VARIABLE, "HOOKWRIGHT_URL", "HOOKWRIGHT_API_KEY", "HOOKWRIGHT_SECRET"];

impl Key {
    /// Its environment variable: `public.listen` is `HOOKWRIGHT_PUBLIC_LISTEN`.
    pub fn variable(&self) -> String {
        format!("HOOKWRIGHT_{}", self.path.replace('.', "_").to_ascii_uppercase())
    }
}

/// The setting with this path.
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Whether some setting lies below this path, so that the file may have a table of that name.
pub fn is_table(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// Of `names`, the one that is most like `typed`, if any is like it at all.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Somebody who has the last word right and is in the wrong table is as near as somebody who mistyped one letter.
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let score = |name: &str| {
        let whole = strsim::normalized_damerau_levenshtein(typed, name);
        let tail = strsim::normalized_damerau_levenshtein(&last(typed), &last(name));
        f64::midpoint(whole, tail.max(whole))
    };
    let best = names.map(|name| (score(name), name)).max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= 0.5).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_settings_share_a_variable() {
        let variables: BTreeSet<String> = KEYS.iter().map(Key::variable).collect();
        assert_eq!(variables.len(), KEYS.len());
        assert!(SECRET_VARIABLES.iter().all(|(name, _)| !variables.contains(*name)));
        assert!(COMMAND_VARIABLES.iter().all(|name| !variables.contains(*name)));
    }

    #[test]
    fn the_nearest_name_is_what_was_meant() {
        let near = |typed| nearest(typed, KEYS.iter().map(|key| key.path));
        assert_eq!(near("public.lisen"), Some("public.listen"));
        assert_eq!(near("databse_url"), Some("database_url"));
        assert_eq!(near("delivery.time_out"), Some("delivery.timeout"));
        assert!(near("listen").is_some_and(|name| name.ends_with(".listen")));
        assert_eq!(near("zzz"), None);
    }
}
