//! How a cluster is set up.

use std::fmt::Write as _;

/// How clients prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// They need not.
    Trust,
    /// By this password of the superuser, and with SCRAM-SHA-256.
    Scram(String),
}

/// What a cluster shows of itself, and whom it believes, in PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The server's certificate, and those that lead to its authority.
    pub certificate: String,
    /// The key of the certificate.
    pub key: String,
    /// The authority of clients' certificates; empty for none.
    pub client_authority: String,
}

/// How a cluster is set up. By default as PostgreSQL sets itself up, except that it does not wait for its disk, and that
/// everybody on this machine is believed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether a commit waits until it is on the disk.
    pub fsync: bool,
    /// How clients prove who they are.
    pub auth: Auth,
    /// Whether the server speaks TLS, and with what.
    pub tls: Option<Tls>,
    /// Lines of `pg_hba.conf` that replace those for TCP; empty for the usual ones.
    pub hba: Vec<String>,
    /// Further settings of `postgresql.conf`: names and values, which are quoted here.
    pub more: Vec<(String, String)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { fsync: false, auth: Auth::Trust, tls: None, hba: Vec::new(), more: Vec::new() }
    }
}

impl Settings {
    /// The same with the setting `name` of `postgresql.conf`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What is appended to `postgresql.conf`; the last mention of a setting holds.
    pub(crate) fn conf(&self, socket: &str) -> String {
        let mut conf = String::from("\n");
        let mut say = |name: &str, value: &str| {
            let _ = writeln!(conf, "{name} = '{}'", value.replace('\'', "''"));
        };
        say("listen_addresses", "127.0.0.1");
        say("unix_socket_directories", socket);
        say("fsync", if self.fsync { "on" } else { "off" });
        if let Some(tls) = &self.tls {
            say("ssl", "on");
            say("ssl_cert_file", "server.crt");
            say("ssl_key_file", "server.key");
            if !tls.client_authority.is_empty() {
                say("ssl_ca_file", "clients.crt");
            }
        }
        for (name, value) in &self.more {
            say(name, value);
        }
        conf
    }

    /// The whole of `pg_hba.conf`. The socket, which only the cluster's own account and root reach, believes everybody.
    pub(crate) fn hba(&self) -> String {
        let method = if self.auth == Auth::Trust { "trust" } else { "scram-sha-256" };
        let usual =
            [format!("host all all 127.0.0.1/32 {method}"), format!("host replication all 127.0.0.1/32 {method}")];
        let lines = if self.hba.is_empty() { &usual[..] } else { &self.hba };
        format!("local all all trust\nlocal replication all trust\n{}\n", lines.join("\n"))
    }
}
