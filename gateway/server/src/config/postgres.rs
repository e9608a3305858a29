//! Where a PostgreSQL database is, as an operator names it: `postgres://user:password@host:5432/database?sslmode=verify-full`, in libpq's words.

use super::percent;
use std::fmt;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// The longest address, in bytes.
const ADDRESS_BYTES_MAX: usize = 4_096;
/// The largest password, and file of one, in bytes.
const PASSWORD_BYTES_MAX: u64 = 4_096;
/// The longest name of a user or a database: what PostgreSQL keeps of it (`NAMEDATALEN`).
const NAME_BYTES_MAX: usize = 63;
const PORT: u16 = 5432;
/// What an address looks like, for errors.
pub(super) const EXPECTED: &str = "postgres://user@host:5432/database, with ?sslmode=verify-full and sslrootcert=FILE if the way there is not to be trusted";
const PARAMETERS: &str = "host (a socket's directory), sslmode, sslrootcert, sslcert and sslkey";

/// Where a PostgreSQL database is, and how to get in.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    user: Option<String>,
    password: Password,
    server: Server,
    database: String,
    tls: Tls,
}

/// What proves who the user is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Password {
    /// Nothing that the gateway is told of.
    None,
    /// This text.
    Text(String),
    /// What is in this file, read at each start.
    File(PathBuf),
}

#[derive(Clone, PartialEq, Eq)]
enum Server {
    /// A name or an address without brackets, and a port.
    Tcp(String, u16),
    /// The directory of a socket on this machine, and the port that it is named for.
    Socket(String, u16),
}

/// How much the connection proves and hides, in libpq's words.
#[derive(Clone, Default, PartialEq, Eq)]
struct Tls {
    mode: Option<Mode>,
    authorities: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl PostgresAddress {
    /// Reads one. An error says what was expected and repeats nothing, for there may be a password in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("expected {EXPECTED}");
        let text = text.trim();
        if text.len() > ADDRESS_BYTES_MAX {
            return Err(format!("is longer than {ADDRESS_BYTES_MAX} bytes, and no address is"));
        }
        let url = Url::parse(text).map_err(|_| expected())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") || url.fragment().is_some() {
            return Err(expected());
        }
        let database = name(url.path().trim_start_matches('/'), "database")?
            .ok_or_else(|| format!("names no database; {}", expected()))?;
        let user = name(url.username(), "user")?;
        let password = url.password().map(decoded).transpose()?;
        let (tls, socket) = parameters(&url)?;
        Ok(Self {
            user,
            password: password.filter(|text| !text.is_empty()).map_or(Password::None, Password::Text),
            server: server(&url, socket)?,
            database,
            tls,
        })
    }

    /// Whether the address itself holds a password.
    pub(super) fn has_password(&self) -> bool {
        self.password != Password::None
    }

    /// The same with a password from elsewhere.
    pub(super) fn with_password(self, password: Password) -> Self {
        Self { password, ..self }
    }

    /// The file of the password, if it is in one.
    pub fn password_file(&self) -> Option<&Path> {
        match &self.password {
            Password::File(path) => Some(path),
            Password::None | Password::Text(_) => None,
        }
    }

    /// Whether the way to the server leaves this machine and nothing is asked of who answers there: whoever is on the way can read along, or answer in its stead.
    pub fn trusts_the_way(&self) -> bool {
        let leaves = match &self.server {
            Server::Socket(..) => false,
            Server::Tcp(host, _) => match host.parse::<IpAddr>() {
                Ok(address) => !address.is_loopback(),
                Err(_) => host != "localhost",
            },
        };
        let verified = match self.tls.mode {
            Some(Mode::VerifyFull | Mode::VerifyCa) => true,
            Some(Mode::Require) => self.tls.authorities.is_some(),
            Some(Mode::Disable | Mode::Prefer) | None => false,
        };
        leaves && !verified
    }

    /// The files that the connection needs, by their parameters.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let Tls { authorities, certificate, key, .. } = &self.tls;
        let files = [("sslrootcert", authorities), ("sslcert", certificate), ("sslkey", key)];
        files.into_iter().filter_map(|(name, path)| Some((name, Path::new(path.as_deref()?))))
    }

    /// What the store connects by, with the password, which is read now if it is in a file.
    pub fn url(&self) -> io::Result<String> {
        let password = match &self.password {
            Password::None => None,
            Password::Text(text) => Some(text.clone()),
            Password::File(path) => Some(read(path)?),
        };
        Ok(self.written(password.map(|text| encoded(&text)).as_deref()))
    }

    /// As a URL that says everything in full, so that nothing is left to the environment, with this for a password.
    fn written(&self, password: Option<&str>) -> String {
        let mut user = self.user.as_deref().map(encoded).unwrap_or_default();
        if let Some(password) = password {
            user = format!("{user}:{password}");
        }
        if !user.is_empty() {
            user.push('@');
        }
        let mut query: Vec<(&str, &str)> = Vec::new();
        let (host, port) = match &self.server {
            Server::Socket(directory, port) => {
                query.push(("host", directory));
                ("localhost".to_owned(), port)
            }
            Server::Tcp(host, port) if host.contains(':') => {
                // What reads the URL leaves the brackets on.
                query.push(("hostaddr", host));
                (format!("[{host}]"), port)
            }
            Server::Tcp(host, port) => (host.clone(), port),
        };
        query.push(("sslmode", self.mode().word()));
        let Tls { authorities, certificate, key, .. } = &self.tls;
        let files = [("sslrootcert", authorities), ("sslcert", certificate), ("sslkey", key)];
        query.extend(files.iter().filter_map(|(name, path)| Some((*name, path.as_deref()?))));
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        format!("postgres://{user}{host}:{port}/{}?{}", encoded(&self.database), query.join("&"))
    }

    /// What is done about TLS, as libpq understands what was said.
    fn mode(&self) -> Mode {
        match (&self.server, self.tls.mode, &self.tls.authorities) {
            // Nothing is between the two.
            (Server::Socket(..), _, _) => Mode::Disable,
            // "If a root CA file is present, behaves the same as verify-ca."
            (_, Some(Mode::Require), Some(_)) => Mode::VerifyCa,
            (_, mode, _) => mode.unwrap_or(Mode::Prefer),
        }
    }
}

/// Without the password.
impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tls = Vec::new();
        if let Some(mode) = self.tls.mode {
            tls.push(format!("sslmode={}", mode.word()));
        }
        tls.extend(self.files().map(|(name, path)| format!("{name}={}", shown(&path.to_string_lossy()))));
        f.write_str("postgres://")?;
        if let Some(user) = &self.user {
            f.write_str(&encoded(user))?;
        }
        if let Password::Text(_) = self.password {
            f.write_str(":[redacted]")?;
        }
        if self.user.is_some() || matches!(self.password, Password::Text(_)) {
            f.write_str("@")?;
        }
        match &self.server {
            Server::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}")?,
            Server::Tcp(host, port) => write!(f, "{host}:{port}")?,
            Server::Socket(directory, port) => {
                write!(f, "localhost:{port}")?;
                tls.insert(0, format!("host={}", shown(directory)));
            }
        }
        let query = if tls.is_empty() { String::new() } else { format!("?{}", tls.join("&")) };
        write!(f, "/{}{query}", encoded(&self.database))
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAddress({self})")
    }
}

impl Mode {
    fn parse(word: &str) -> Result<Self, String> {
        let expected = "sslmode is one of disable, prefer, require, verify-ca and verify-full";
        match word {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            // It would try without TLS first, which nobody means.
            "allow" => Err(format!("sslmode=allow is not taken; {expected}")),
            _ => Err(expected.to_owned()),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// The host of the URL, or the socket's directory.
fn server(url: &Url, socket: Option<String>) -> Result<Server, String> {
    let port = url.port().unwrap_or(PORT);
    let host = match url.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        _ => decoded(url.host_str().unwrap_or_default())?,
    };
    if port == 0 {
        return Err("port 0 is none that a server listens on".to_owned());
    }
    match (socket, host) {
        (Some(directory), host) if host.is_empty() || host == "localhost" => Ok(Server::Socket(directory, port)),
        (Some(_), _) => Err("names a server and a socket's directory (host=); say one of them".to_owned()),
        (None, host) if host.starts_with('/') => Ok(Server::Socket(host, port)),
        (None, host) if host.is_empty() => Err(format!("names no server; expected {EXPECTED}")),
        (None, host) if host.contains(',') => {
            Err("names several servers; name the one that takes writes, or what stands before them".to_owned())
        }
        (None, host) => Ok(Server::Tcp(host, port)),
    }
}

/// What stands after the question mark.
fn parameters(url: &Url) -> Result<(Tls, Option<String>), String> {
    let (mut tls, mut socket) = (Tls::default(), None);
    for (name, value) in url.query_pairs() {
        let value = value.into_owned();
        let file = || match value.as_str() {
            "" => Err(format!("{name} needs the path of a PEM file")),
            inline if inline.starts_with("-----") => {
                Err(format!("{name} is the path of a PEM file, not what is in it"))
            }
            path => Ok(Some(path.to_owned())),
        };
        match name.as_ref() {
            "sslmode" => tls.mode = Some(Mode::parse(&value)?),
            "sslrootcert" => tls.authorities = file()?,
            "sslcert" => tls.certificate = file()?,
            "sslkey" => tls.key = file()?,
            "host" if value.starts_with('/') => socket = Some(value),
            "host" | "hostaddr" | "port" | "user" | "password" | "dbname" => {
                return Err(format!("{name} is said before the question mark: expected {EXPECTED}"));
            }
            // The name is the operator's, but so may be a password that lost its way.
            _ => return Err(format!("has a parameter that is not taken; those taken are {PARAMETERS}")),
        }
    }
    if tls.certificate.is_some() != tls.key.is_some() {
        return Err("sslcert and sslkey need each other".to_owned());
    }
    Ok((tls, socket))
}

/// A user's or database's name, if it is there.
fn name(text: &str, what: &str) -> Result<Option<String>, String> {
    let name = decoded(text)?;
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("names a {what} with more than {NAME_BYTES_MAX} bytes, and PostgreSQL has none"));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("the {what}'s name holds a control character"));
    }
    Ok((!name.is_empty()).then_some(name))
}

/// The first line of the file, without its end.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(PASSWORD_BYTES_MAX + 1).read_to_string(&mut text)?;
    let password = text.trim_end_matches(['\r', '\n']);
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    if password.is_empty() {
        return Err(bad("it is empty"));
    }
    if password.len() as u64 > PASSWORD_BYTES_MAX || password.contains(['\n', '\0']) {
        return Err(bad("expected one line with the password"));
    }
    Ok(password.to_owned())
}

/// What stands percent-encoded in a URL.
fn decoded(text: &str) -> Result<String, String> {
    let text = percent::decoded(text).filter(|text| !text.contains('\0'));
    text.ok_or_else(|| "what is percent-encoded must be UTF-8".to_owned())
}

/// As it may stand anywhere in a URL.
fn encoded(text: &str) -> String {
    percent::encoded(text, "-._~")
}

/// The same, with a path's slashes as they are.
fn shown(text: &str) -> String {
    percent::encoded(text, "-._~/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> PostgresAddress {
        PostgresAddress::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn an_address_is_written_in_full_for_the_store_and_without_its_password_for_people() {
        let cases = [
            ("postgres://h/d", "postgres://h:5432/d?sslmode=prefer", "postgres://h:5432/d"),
            (
                "postgresql://hook%40wright:p%40%2Fs%25s@db.example:6543/web%20hooks?sslmode=verify-full&sslrootcert=/etc/ca.pem",
                "postgres://hook%40wright:p%40%2Fs%25s@db.example:6543/web%20hooks?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
                "postgres://hook%40wright:[redacted]@db.example:6543/web%20hooks?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            ),
            (
                "postgres://u@[::1]:5433/d?sslmode=disable",
                "postgres://u@[::1]:5433/d?hostaddr=%3A%3A1&sslmode=disable",
                "postgres://u@[::1]:5433/d?sslmode=disable",
            ),
            // As libpq has it: a file of authorities makes `require` verify.
            (
                "postgres://u@h/d?sslmode=require&sslrootcert=ca.pem&sslcert=c.pem&sslkey=k.pem",
                "postgres://u@h:5432/d?sslmode=verify-ca&sslrootcert=ca.pem&sslcert=c.pem&sslkey=k.pem",
                "postgres://u@h:5432/d?sslmode=require&sslrootcert=ca.pem&sslcert=c.pem&sslkey=k.pem",
            ),
            (
                "postgres:///d?host=/run/postgresql",
                "postgres://localhost:5432/d?host=%2Frun%2Fpostgresql&sslmode=disable",
                "postgres://localhost:5432/d?host=/run/postgresql",
            ),
            (
                "postgres://u:p@%2Frun%2Fpostgresql:5433/d",
                "postgres://u:p@localhost:5433/d?host=%2Frun%2Fpostgresql&sslmode=disable",
                "postgres://u:[redacted]@localhost:5433/d?host=/run/postgresql",
            ),
        ];
        for (typed, url, shown) in cases {
            let address = parse(typed);
            assert_eq!(address.url().unwrap(), url, "{typed}");
            assert_eq!(address.to_string(), shown, "{typed}");
            assert_eq!(format!("{address:?}"), format!("PostgresAddress({shown})"));
            // What is shown reads back as the same, but for the password.
            let again = parse(shown).with_password(Password::None);
            assert!(again == address.with_password(Password::None), "{shown}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        let long = format!("postgres://u:hunter2@h/{}", "d".repeat(64));
        let cases = [
            ("postgres://u:hunter2@h", "names no database"),
            ("postgres://u:hunter2@h/", "names no database"),
            ("postgres:///d", "names no server"),
            ("postgres://u:hunter2@a,b/d", "several servers"),
            ("postgres://u:hunter2@h:0/d", "port 0"),
            ("postgres://u:hunter2@h:99999/d", "expected postgres://"),
            ("postgres://u:hunter2@h/d?sslmode=allow", "sslmode=allow is not taken"),
            ("postgres://u:hunter2@h/d?sslmode=yes", "sslmode is one of"),
            ("postgres://u:hunter2@h/d?sslrootcert=", "sslrootcert needs the path"),
            ("postgres://u:hunter2@h/d?sslcert=c.pem", "need each other"),
            ("postgres://u@h/d?password=hunter2", "password is said before the question mark"),
            ("postgres://u@h/d?hunter2=1", "a parameter that is not taken"),
            ("postgres://u:hunter2@h/d?host=/run", "say one of them"),
            ("postgres://u:hunter2@h/d#x", "expected postgres://"),
            ("postgres://u:hunter2%ff@h/d", "must be UTF-8"),
            (&long, "more than 63 bytes"),
        ];
        for (typed, expected) in cases {
            let error = PostgresAddress::parse(typed).unwrap_err();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{typed}: {error}");
        }
    }

    #[test]
    fn a_way_that_leaves_the_machine_is_trusted_unless_the_server_is_verified() {
        for trusted in ["h/d", "10.0.0.1/d?sslmode=require", "h/d?sslmode=disable", "[2001:db8::1]/d"] {
            assert!(parse(&format!("postgres://{trusted}")).trusts_the_way(), "{trusted}");
        }
        let safe = ["localhost/d", "127.0.0.1/d", "[::1]/d", "h/d?sslmode=verify-full", "h/d?sslmode=verify-ca"];
        for safe in safe.into_iter().chain(["h/d?sslmode=require&sslrootcert=ca.pem", "/d?host=/run"]) {
            assert!(!parse(&format!("postgres://{safe}")).trusts_the_way(), "{safe}");
        }
    }

    #[test]
    fn a_password_in_a_file_is_its_first_and_only_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let address = parse("postgres://u@h/d").with_password(Password::File(file.path().into()));
        for (text, password) in [("p@ss\n", "p%40ss"), ("p s\r\n", "p%20s"), ("x", "x")] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(address.url().unwrap(), format!("postgres://u:{password}@h:5432/d?sslmode=prefer"));
        }
        for text in ["", "\n", "one\ntwo\n", &"x".repeat(5_000)] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(address.url().unwrap_err().kind(), io::ErrorKind::InvalidData, "{text}");
        }
        std::fs::remove_file(file.path()).unwrap();
        assert_eq!(address.url().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!address.to_string().contains("[redacted]"));
    }
}
