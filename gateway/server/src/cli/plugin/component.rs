//! The component that a command works on: a file's bytes, or what a directory is built into.

use crate::cli::failure::{Failure, told};
use hookwright_plugin_host::build::build_guest;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The component of a file, or of a directory, which is then built.
pub(super) async fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    if file.is_dir() {
        return build(file.to_owned()).await;
    }
    std::fs::read(file).map_err(|error| told(format!("cannot read {}: {error}", file.display())))
}

/// Builds the plugin of a directory.
pub(super) async fn build(directory: PathBuf) -> Result<Vec<u8>, Failure> {
    let work = move || -> Result<Vec<u8>, Failure> { Ok(build_guest(&directory, &target(&directory)?)?) };
    tokio::task::spawn_blocking(work).await?
}

/// Where a crate's guest is compiled: below its own target directory, which its `.gitignore` has already.
fn target(directory: &Path) -> Result<PathBuf, Failure> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(directory)
        .output()
        .map_err(|error| told(format!("cannot run cargo in {}: {error}", directory.display())))?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    metadata["target_directory"].as_str().map(|target| Path::new(target).join("guests")).ok_or_else(|| {
        let why = String::from_utf8_lossy(&output.stderr);
        told(format!("{} holds no crate: {}", directory.display(), why.trim()))
    })
}
