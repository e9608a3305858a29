//! The component that a command works on: a file's bytes, or what a directory is built into.

use crate::cli::failure::{Failure, told};
use hookwright_plugin_host::build::{BuildOptions, Built, Language, build_project};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// No gateway takes a component of this size.
const BYTES_MAX: u64 = 64 << 20;

/// A component and where it came from.
pub(super) struct Component {
    pub(super) bytes: Vec<u8>,
    pub(super) source: Option<Source>,
}

/// The directory from which it was built.
pub(super) struct Source {
    pub(super) language: Language,
    pub(super) fixtures: PathBuf,
    pub(super) built_in: Duration,
}

/// The component of a file, or of a directory, which is then built.
pub(super) async fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    Ok(load(file, BuildOptions::default()).await?.bytes)
}

/// The same with its source.
pub(super) async fn load(file: &Path, options: BuildOptions) -> Result<Component, Failure> {
    if !file.is_dir() {
        return Ok(Component { bytes: file_bytes(file)?, source: None });
    }
    let began = Instant::now();
    let Built { component, project, .. } = build(file, options.clone()).await?;
    let fixtures = options.fixtures.unwrap_or(project.fixtures);
    let source = Source { language: project.language, fixtures, built_in: began.elapsed() };
    Ok(Component { bytes: component, source: Some(source) })
}

/// Builds the plugin of a directory.
pub(super) async fn build(directory: &Path, options: BuildOptions) -> Result<Built, Failure> {
    let directory = directory.to_owned();
    let work = move || build_project(&directory, &options, &mut |what| eprintln!("hookwright: {what}"));
    Ok(tokio::task::spawn_blocking(work).await??)
}

/// The bytes of a component's file.
pub(super) fn file_bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| told(format!("cannot read {}: {error}", file.display()));
    let opened = File::open(file).map_err(unreadable)?;
    let mut bytes = Vec::new();
    opened.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(told(format!(
            "{} has more than {BYTES_MAX} bytes, which is too much for a plugin",
            file.display()
        )));
    }
    Ok(bytes)
}
