//! The `hookwright` command as a process.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The command's file.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_hookwright-under-test"))
}

/// The command, in `directory`, with nothing of ours in its environment.
pub(crate) fn hookwright<S: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = S>) -> Command {
    isolated(&program(), directory, arguments)
}

/// A program of ours, likewise.
pub(crate) fn isolated<S: AsRef<OsStr>>(
    program: &Path,
    directory: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).args(arguments).stdin(Stdio::null()).env("NO_COLOR", "1");
    // What the tools compile stays in the checkout.
    command.env("XDG_CACHE_HOME", super::root().join("target").join("tools-cache"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HOOKWRIGHT_")) {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end.
pub(crate) fn run<S: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(&hookwright(directory, arguments).output().unwrap())
}

/// Runs it to its end on this input.
pub(crate) fn run_on<S: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = S>, input: &[u8]) -> Ran {
    let mut command = hookwright(directory, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments reads nothing, and that is no failure of the test.
    let _ = stdin.write_all(input);
    drop(stdin);
    Ran::of(&child.wait_with_output().unwrap())
}

/// How it ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Panics unless it ended so.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}
