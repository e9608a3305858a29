//! Ends a cluster with the tests, however they end.

use super::account::Account;
use super::binaries::Binaries;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Waits until its input ends, which the system sees to even where the tests were killed; then ends the server, which may be
/// stopped or down, and removes the directory.
const SCRIPT: &str = r#"
read -r _
server=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$server" ]; then
  kill -CONT "$server" $(cat "/proc/$server/task/$server/children" 2>/dev/null) 2>/dev/null
  "$0" -D "$1/data" -m immediate -w -t 20 stop || kill -KILL "$server"
fi
rm -rf "$1"
"#;

/// The process that watches over one cluster.
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Watches from now on over the cluster in `directory`.
    pub(crate) fn over(directory: &Path, binaries: &Binaries, account: Account) -> std::io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT]).arg(binaries.program("pg_ctl")).arg(directory);
        // Of a group of its own, so that what ends the tests from a terminal leaves it to do its work.
        command.process_group(0).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        account.run(&mut command).spawn().map(Self)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Nothing is left to tell the error to; a process of ours can be waited for.
        let _ = self.0.wait();
    }
}
