//! One node: `serve` as a process that is killed, stopped and started again.

use super::passage::Passage;
use crate::harness::command::{isolated, program};
use crate::harness::root;
use hookwright::client::Client;
use hookwright_test_postgres::Cluster;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::RwLock;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::sync::Mutex;

/// A start that takes longer has failed.
const START_MAX: Duration = Duration::from_secs(30);

/// Both listeners of the process as it is now; they move with every start.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) public: Client,
    pub(super) admin: Client,
}

/// Nodes of one database, none of which runs yet. Their logs are in `place`.
pub(super) async fn nodes(count: usize, cluster: &Cluster, url: &str, place: &Path) -> Vec<Node> {
    let mut nodes = Vec::new();
    for index in 0..count {
        let passage = Passage::to(cluster.port()).await;
        let mut settings = settings(place, passage.port(), url.rsplit('/').next().unwrap());
        settings.push(format!("cluster.node_name={}", name(index)));
        nodes.push(Node::new(index, passage, place, settings));
    }
    nodes
}

/// What a node is called where nodes are listed.
pub(super) fn name(index: usize) -> String {
    format!("node-{index}")
}

/// The settings of a node that reaches the database through `port`.
fn settings(place: &Path, port: u16, database: &str) -> Vec<String> {
    let key = place.join("hookwright.key");
    // Compiled plugins are kept for all nodes and runs, and authenticated by a key derived from this one.
    std::fs::write(&key, "5c".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let compiled = root().join("target").join("compiled-for-tests");
    vec![
        format!("database_url=postgres://hookwright@127.0.0.1:{port}/{database}"),
        format!("keys.file={}", key.display()),
        format!("plugins.cache={}", compiled.display()),
        "public.listen=127.0.0.1:0".to_owned(),
        "admin.listen=127.0.0.1:0".to_owned(),
        "egress.allow=127.0.0.0/8".to_owned(),
        "delivery.schedule=100ms,200ms,500ms,1s".to_owned(),
        // What fails here fails at random, and is to be tried again at once.
        "delivery.breaker.failure_percent=101".to_owned(),
        "plugins.inbound_deadline=1s".to_owned(),
        "log.format=json".to_owned(),
    ]
}

/// A node, running or not.
pub(super) struct Node {
    pub(super) index: usize,
    /// Its way to the database.
    pub(super) passage: Passage,
    /// Whether its clock can be set, which takes another program around the same library.
    pub(super) settable_clock: bool,
    /// Starts that failed, most of them because the database was down.
    pub(super) failed_starts: AtomicU32,
    directory: PathBuf,
    settings: Vec<String>,
    off_ms: AtomicI64,
    doors: RwLock<Option<Doors>>,
    process: Mutex<Option<Process>>,
}

struct Process {
    child: Child,
    clock: Option<ChildStdin>,
}

impl Node {
    /// A node that does not run yet. Its log is `node-N.log` in `directory`.
    fn new(index: usize, passage: Passage, directory: &Path, settings: Vec<String>) -> Self {
        Self {
            index,
            passage,
            settable_clock: index == 0,
            failed_starts: AtomicU32::new(0),
            directory: directory.to_owned(),
            settings,
            off_ms: AtomicI64::new(0),
            doors: RwLock::default(),
            process: Mutex::default(),
        }
    }

    /// Where it listens, if it was not killed.
    pub(super) fn doors(&self) -> Option<Doors> {
        self.doors.read().unwrap().clone()
    }

    /// How far its clock is off.
    pub(super) fn off_ms(&self) -> i64 {
        self.off_ms.load(Ordering::Relaxed)
    }

    /// Whether it runs and nobody is about to start or end it.
    pub(super) fn is_up(&self) -> bool {
        self.process.try_lock().is_ok_and(|process| process.is_some())
    }

    /// Starts it, again and again if need be, until it says that it is up.
    pub(super) async fn start(&self) {
        let mut process = self.process.lock().await;
        let deadline = tokio::time::Instant::now() + Duration::from_mins(2);
        while process.is_none() {
            match tokio::time::timeout(START_MAX, self.try_start()).await {
                Ok(Ok(started)) => *process = Some(started),
                failed => {
                    self.failed_starts.fetch_add(1, Ordering::Relaxed);
                    let said = failed.map_or_else(|_| "it hangs".to_owned(), |failed| failed.err().unwrap_or_default());
                    let now = tokio::time::Instant::now();
                    assert!(now < deadline, "node {} does not start:\n{said}", self.index);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn try_start(&self) -> Result<Process, String> {
        let program = if self.settable_clock { env!("CARGO_BIN_EXE_hookwright-off-clock").into() } else { program() };
        let arguments = self.settings.iter().flat_map(|setting| ["--set", setting]);
        let mut command = Command::from(isolated(&program, &self.directory, std::iter::once("serve").chain(arguments)));
        command.env("OFF_CLOCK_MS", self.off_ms().to_string());
        command.stdin(if self.settable_clock { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let clock = child.stdin.take();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = self.log();
        let doors = until_up(&mut lines, &mut log).await?;
        *self.doors.write().unwrap() = Some(doors);
        // Nobody may fill the pipe, or the process would wait for somebody to read it.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = writeln!(log, "{line}");
            }
        });
        Ok(Process { child, clock })
    }

    fn log(&self) -> File {
        File::options().create(true).append(true).open(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.join(name(self.index)).with_extension("log")
    }

    /// Everything that it said in all its lives.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Ends it as a power cut would; does nothing if it does not run.
    pub(super) async fn kill(&self) {
        if let Some(mut process) = self.process.lock().await.take() {
            // First, since its ports may be another's a moment later.
            *self.doors.write().unwrap() = None;
            process.child.kill().await.unwrap();
        }
    }

    /// Asks it to end (SIGTERM), and gives its exit code.
    pub(super) async fn terminate(&self) -> Option<i32> {
        self.signal("TERM").await;
        let mut process = self.process.lock().await.take()?;
        process.child.wait().await.unwrap().code()
    }

    /// If it ended by itself: its exit code, or -1.
    pub(super) fn ended_by_itself(&self) -> Option<i32> {
        let mut process = self.process.try_lock().ok()?;
        let ended = process.as_mut()?.child.try_wait().unwrap()?;
        *process = None;
        Some(ended.code().unwrap_or(-1))
    }

    /// Sends it a signal, e.g. `STOP`, if it runs.
    pub(super) async fn signal(&self, name: &str) {
        let process = self.process.lock().await;
        if let Some(id) = process.as_ref().and_then(|process| process.child.id()) {
            let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().await.unwrap();
            assert!(sent.success(), "node {}: no {name}", self.index);
        }
    }

    /// Sets its clock so far ahead of ours, now and in its later lives.
    pub(super) async fn set_clock(&self, ahead_ms: i64) {
        self.off_ms.store(ahead_ms, Ordering::Relaxed);
        let mut process = self.process.lock().await;
        if let Some(clock) = process.as_mut().and_then(|process| process.clock.as_mut()) {
            // One that has just ended is started with it.
            let _ = clock.write_all(format!("{ahead_ms}\n").as_bytes()).await;
        }
    }
}

/// Where it listens, or what it said before it ended.
async fn until_up(lines: &mut Lines<BufReader<ChildStderr>>, log: &mut File) -> Result<Doors, String> {
    let mut said = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        writeln!(log, "{line}").unwrap();
        let up: Value = serde_json::from_str(&line).unwrap_or_default();
        if let (Some(public), Some(admin)) = (up["public"].as_str(), up["admin"].as_str()) {
            let client = |address: &str| Client::new(format!("http://{address}"));
            return Ok(Doors { public: client(public), admin: client(admin) });
        }
        said.push(line);
    }
    Err(said.join("\n"))
}
