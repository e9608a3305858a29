//! `hookwright serve` as a process, which can be killed.

use super::command::hookwright;
use hookwright::client::Client;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

/// A running process.
pub(crate) struct Server {
    child: Child,
    pub(crate) public: Client,
    pub(crate) admin: Client,
}

impl Server {
    /// Starts it in `directory` on free ports, and waits until it says that it is up. Blocks.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[], &[])
    }

    /// The same with further settings, and with variables in its environment. Blocks.
    pub(crate) fn start_with(directory: &Path, more: &[&str], environment: &[(&str, &OsStr)]) -> Self {
        let settings = [
            "public.listen=127.0.0.1:0",
            "admin.listen=127.0.0.1:0",
            "egress.allow=127.0.0.0/8",
            "delivery.schedule=100ms,200ms,500ms,1s",
            "plugins.inbound_deadline=1s",
            "log.format=json",
        ];
        let arguments = settings.iter().chain(more).flat_map(|setting| ["--set", setting]);
        let mut child = hookwright(directory, std::iter::once("serve").chain(arguments))
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let (public, admin) = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the server ended before it was up: {:?}\n{}", child.wait(), said.join("\n"));
            };
            let up: Value = serde_json::from_str(&line).unwrap_or_default();
            if let (Some(public), Some(admin)) = (up["public"].as_str(), up["admin"].as_str()) {
                break (format!("http://{public}"), format!("http://{admin}"));
            }
            said.push(line);
        };
        // Nobody may fill the pipe, or the process would wait for somebody to read it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, public: Client::new(public), admin: Client::new(admin) }
    }

    /// Ends it as a power cut would: at once, in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end (SIGTERM), and gives its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if it has ended before, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
