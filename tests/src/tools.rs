//! The integrator's tools, as processes: from an empty folder to a tested component, and every wrong turn on the way.

mod measure;
mod new;
mod refusals;
mod run;
mod test;
mod toolchains;

use crate::harness::command::{Ran, hookwright, run};
use crate::harness::{guests, root};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory with the component of `plugins/klaviyo-profile` and its fixtures, for a test to spoil.
fn bench() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("k.wasm"), guests::klaviyo_profile()).unwrap();
    let fixtures = directory.path().join("fixtures");
    fs::create_dir(&fixtures).unwrap();
    for entry in fs::read_dir(root().join("plugins/klaviyo-profile/fixtures")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), fixtures.join(entry.file_name())).unwrap();
    }
    directory
}

/// Runs a command of `plugin` in a directory. The machine may be busy, so that calls get all the time there is.
fn plugin(directory: &Path, arguments: &[&str]) -> Ran {
    let timed = ["test", "run", "bench"].contains(&arguments[0]);
    let patient: &[&str] = if timed { &["--deadline", "2s"] } else { &[] };
    run(directory, ["plugin"].iter().chain(arguments).chain(patient))
}

/// Changes a fixture's file.
fn change(file: &Path, change: impl FnOnce(&mut Value)) {
    let mut fixture: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    change(&mut fixture);
    fs::write(file, format!("{fixture:#}\n")).unwrap();
}

/// Runs `plugin test` on a directory. `None` if the language's registry cannot be reached, which is told where nobody
/// captures it, and is a failure with `CI=true`.
pub(crate) fn tested(directory: &Path) -> Option<Value> {
    let mut command = hookwright(directory, ["plugin", "test", ".", "--json", "--deadline", "2s"]);
    let output = command.env("CARGO_TARGET_DIR", root().join("target")).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    if err.contains("cannot be installed") || err.contains("cannot be started") {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{err}");
        // Unlike eprintln!, this is not captured by the test runner.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: {} is not built: {err}\n", directory.display());
        return None;
    }
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{out}\n{err}", directory.display());
    Some(serde_json::from_str(&out).unwrap())
}

/// A place below target/ with these files, where what is installed for them stays from one run to the next.
fn kept_place(name: &str, files: &Path) -> PathBuf {
    let place = root().join("target").join("new-plugins").join(name);
    copy(files, &place);
    place
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
