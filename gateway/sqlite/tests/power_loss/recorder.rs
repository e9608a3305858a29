//! Builds the recorder, runs the child under it, and reads what it recorded.

use crate::image::{Image, Sampler};
use crate::log::{self, Step};
use rand::TryRng;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// What a child is put through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Nothing fails, and every commit is synced.
    Full,
    /// Nothing fails, and commits are not synced.
    Normal,
    /// The sync of this number fails.
    Sync(u32),
    /// For the write of this number there is no room.
    Room(u32),
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Normal => "normal",
            Self::Sync(_) => "sync",
            Self::Room(_) => "room",
        }
    }

    fn fail(self) -> String {
        match self {
            Self::Full | Self::Normal => String::new(),
            Self::Sync(number) => format!("S{number}"),
            Self::Room(number) => format!("W{number}"),
        }
    }
}

/// What a child did, and what it was promised.
pub struct Recording {
    steps: Vec<Step>,
}

impl Recording {
    /// Runs a child through a scenario, from an empty directory to its end.
    pub fn make(scenario: Scenario) -> Self {
        let dir = TempDir::new().unwrap();
        let library = build(dir.path());
        let log = dir.path().join("log");
        let place = dir.path().join("place");
        std::fs::create_dir(&place).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--ignored", "--nocapture"])
            .env("LD_PRELOAD", library)
            .env("RECORDER_DIR", &place)
            .env("RECORDER_LOG", &log)
            .env("RECORDER_FAIL", scenario.fail())
            .env("CHILD_SCENARIO", scenario.name())
            .output()
            .unwrap();
        assert!(output.status.success(), "{scenario:?}: the child failed: {}", String::from_utf8_lossy(&output.stdout));
        Self { steps: log::read(&std::fs::read(log).unwrap()) }
    }

    /// What is there after the child's end, if nothing that was written is lost.
    pub fn end(&self) -> Image {
        Sampler::end(&self.steps)
    }

    pub fn log(&self) -> &[Step] {
        &self.steps
    }
}

fn build(dir: &Path) -> std::path::PathBuf {
    let library = dir.join("recorder.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power_loss/recorder.c");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .arg(&library)
        .args([source, "-ldl", "-lpthread"])
        .status()
        .expect("a C compiler, as for SQLite itself");
    assert!(status.success(), "the recorder does not compile");
    library
}

/// A seed nobody chose.
pub fn seed() -> u64 {
    rand::rngs::SysRng.try_next_u64().unwrap()
}
