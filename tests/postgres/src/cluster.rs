//! One server: its directory, its life, its databases.

use super::account::Account;
use super::binaries::Binaries;
use super::port;
use super::settings::{Auth, Settings};
use super::watchdog::Watchdog;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The superuser of every cluster.
const USER: &str = "hookwright";

/// How often another port is tried where somebody else took the one that was free.
const STARTS_MAX: u32 = 5;

/// The longest path for a socket's directory: the system takes 107 bytes with the socket's name.
const SOCKET_PATH_MAX: usize = 80;

/// How a server is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Connections are ended, and what was committed is written to its place.
    Fast,
    /// At once, as by a power cut: the next start recovers from the log.
    Immediate,
}

/// One server. It ends, and its directory is removed, when this is dropped and when the process ends, by `kill -9`, too.
pub struct Cluster {
    binaries: Binaries,
    account: Account,
    directory: PathBuf,
    port: u16,
    auth: Auth,
    // Ends the server and removes the directory.
    _watchdog: Watchdog,
}

impl Cluster {
    /// The one that tests of a process share if all that they need is databases: with room for many connections, and without
    /// waiting for the disk. `None` where PostgreSQL is not installed, which has been said.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Option<Cluster>> =
            LazyLock::new(|| Cluster::start(&Settings::default().with("max_connections", "500")));
        SHARED.as_ref()
    }

    /// A new one. `None` where PostgreSQL is not installed, which has been said.
    pub fn start(settings: &Settings) -> Option<Self> {
        let binaries = Binaries::find()?;
        let account = Account::of_the_server();
        let directory =
            directory(account).unwrap_or_else(|error| panic!("cannot make a directory for PostgreSQL: {error}"));
        let watchdog = Watchdog::over(&directory, &binaries, account)
            .unwrap_or_else(|error| panic!("cannot start the watchdog of PostgreSQL: {error}"));
        let mut cluster =
            Self { binaries, account, directory, port: 0, auth: settings.auth.clone(), _watchdog: watchdog };
        cluster.initialize(settings);
        for _ in 0..STARTS_MAX {
            cluster.port = port::free();
            match cluster.try_start() {
                Ok(()) => return Some(cluster),
                Err(said) if said.contains("Address already in use") => {}
                Err(said) => panic!("PostgreSQL does not start:\n{said}"),
            }
        }
        panic!("PostgreSQL found no free port in {STARTS_MAX} attempts")
    }

    /// Where clients connect: `database` of this server, as the superuser, with the password if it takes one.
    pub fn url(&self, database: &str) -> String {
        let password = match &self.auth {
            Auth::Trust => String::new(),
            Auth::Scram(password) => format!(":{}", encoded(password)),
        };
        self.url_as(&format!("{USER}{password}"), database)
    }

    /// The same as somebody else: `user`, or `user:password`, as both stand in a URL.
    pub fn url_as(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1. The same after a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the socket, beside `data` and the server's `log`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the server has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    /// Makes an empty database with a name of its own, and gives its URL.
    pub fn create_database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Removes the database of `url`, whoever is connected to it.
    pub fn drop_database(&self, url: &str) {
        self.execute("postgres", &format!("DROP DATABASE {} WITH (FORCE)", database(url)));
    }

    /// Runs `sql` in `database` (a name or a URL of this server) as the superuser. Gives what it answered: a line a row, `|`
    /// between columns.
    pub fn execute(&self, database: &str, sql: &str) -> String {
        self.try_execute(database, sql).unwrap_or_else(|said| panic!("PostgreSQL refuses {sql}:\n{said}"))
    }

    /// The same where the server may refuse: what it says then.
    pub fn try_execute(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1"]);
        psql.arg("--host").arg(&self.directory).args(["--port", &self.port.to_string(), "--username", USER]);
        psql.args(["--dbname", self::database(database), "--command", sql]).env("PGCONNECT_TIMEOUT", "20");
        run(&mut psql)
    }

    /// Ends the server, and returns when it has ended.
    pub fn stop(&self, mode: Mode) {
        let mode = match mode {
            Mode::Fast => "fast",
            Mode::Immediate => "immediate",
        };
        run(self.pg_ctl().args(["-m", mode, "stop"]))
            .unwrap_or_else(|said| panic!("PostgreSQL does not stop:\n{said}"));
    }

    /// Starts the server after [`Cluster::stop`], on the same port, and returns when it takes connections.
    pub fn start_again(&self) {
        self.try_start().unwrap_or_else(|said| panic!("PostgreSQL does not start again:\n{said}"));
    }

    /// Ends and starts it.
    pub fn restart(&self, mode: Mode) {
        self.stop(mode);
        self.start_again();
    }

    /// Freezes the server and everything that it runs: connections stay, and nothing answers, until [`Cluster::resume`].
    pub fn pause(&self) {
        let server = self.server();
        // First the one that would start others.
        signal(server, Signal::STOP);
        for child in children(server) {
            signal(child, Signal::STOP);
        }
    }

    /// Lets a server go on after [`Cluster::pause`].
    pub fn resume(&self) {
        let server = self.server();
        for child in children(server) {
            signal(child, Signal::CONT);
        }
        signal(server, Signal::CONT);
    }

    /// Writes the cluster's files. Nothing runs yet.
    fn initialize(&self, settings: &Settings) {
        let data = self.directory.join("data");
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(&data).args([
            "--username",
            USER,
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        ]);
        if let Auth::Scram(password) = &settings.auth {
            let file = self.directory.join("password");
            self.write(&file, &format!("{password}\n"));
            initdb.args(["--auth", "scram-sha-256", "--pwfile"]).arg(file);
        }
        run(&mut initdb).unwrap_or_else(|said| panic!("initdb fails:\n{said}"));
        let conf = data.join("postgresql.conf");
        let usual = fs::read_to_string(&conf).unwrap_or_default();
        self.write(&conf, &format!("{usual}{}", settings.conf(&self.directory.to_string_lossy())));
        self.write(&data.join("pg_hba.conf"), &settings.hba());
        if let Some(tls) = &settings.tls {
            self.write(&data.join("server.crt"), &tls.certificate);
            self.write(&data.join("server.key"), &tls.key);
            self.write(&data.join("clients.crt"), &tls.client_authority);
        }
    }

    pub(crate) fn write(&self, path: &Path, text: &str) {
        fs::write(path, text)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o600)))
            .and_then(|()| self.account.own(path))
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// Starts the server, or gives what it says.
    fn try_start(&self) -> Result<(), String> {
        let log = self.directory.join("log");
        let port = format!("-p {}", self.port);
        run(self.pg_ctl().arg("-l").arg(log).args(["-o", &port, "start"]))
            .map(drop)
            .map_err(|said| format!("{said}\n{}", self.log()))
    }

    fn pg_ctl(&self) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.directory.join("data")).args(["-w", "-t", "120"]);
        command
    }

    /// A program of PostgreSQL's, run as the server's account.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        // Without what a person has set for programs of PostgreSQL.
        command.env_clear().env("LC_ALL", "C").env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.current_dir(&self.directory);
        self.account.run(&mut command);
        command
    }

    fn server(&self) -> Pid {
        let file = fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap_or_default();
        let id = file.lines().next().and_then(pid);
        id.unwrap_or_else(|| panic!("PostgreSQL does not run"))
    }
}

/// A new directory of the server's, for its account alone.
fn directory(account: Account) -> std::io::Result<PathBuf> {
    let usual = std::env::temp_dir();
    let parent = if usual.as_os_str().len() > SOCKET_PATH_MAX { Path::new("/tmp") } else { &usual };
    let directory = tempfile::Builder::new().prefix("hookwright-pg-").tempdir_in(parent)?.keep();
    account.own(&directory)?;
    Ok(directory)
}

/// The name of the database of a URL, or the name that was given.
fn database(url: &str) -> &str {
    let path = url.rsplit('/').next().unwrap_or(url);
    path.split('?').next().unwrap_or(path)
}

/// `text` as it may stand between `:` and `@` of a URL.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Runs `command` to its end: its output, or what it said.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Err(format!("{}: {error}", command.get_program().to_string_lossy())),
    };
    let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(format!("{said}\n{}", String::from_utf8_lossy(&output.stderr)).trim().to_owned())
}

fn pid(text: &str) -> Option<Pid> {
    text.trim().parse().ok().and_then(Pid::from_raw)
}

/// What the process `server` has started and what still runs.
fn children(server: Pid) -> Vec<Pid> {
    let id = server.as_raw_nonzero();
    let path = format!("/proc/{id}/task/{id}/children");
    let children = fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"));
    children.split_whitespace().filter_map(pid).collect()
}

fn signal(process: Pid, signal: Signal) {
    // One that has ended meanwhile needs no signal.
    let _ = kill_process(process, signal);
}
