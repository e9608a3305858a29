//! From a guest's crate to a component: the set-up of the toolchain, the compilation and the encoding.
//!
//! All of it blocks, the first build of a guest for most of a minute.

mod encode;
mod toolchain;

use std::io;
use std::path::{Path, PathBuf};

pub use encode::encode_component;

use crate::fixture::{self, FixtureError};
use crate::version::PluginMetadata;

/// What guests are compiled for: no WASI, so nothing to import but the contract.
pub const GUEST_TARGET: &str = "wasm32-unknown-unknown";

/// Why a guest cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A program of the toolchain cannot be started.
    #[error("{program} cannot be started: install Rust with rustup (https://rustup.rs)")]
    NoProgram {
        /// Which.
        program: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The guests' target is missing and cannot be installed.
    #[error(
        "the target {GUEST_TARGET} cannot be installed: run `rustup target add {GUEST_TARGET}`, with network access\n{output}"
    )]
    Target {
        /// What rustup said.
        output: String,
    },
    /// The directory holds no crate, or not one that can be built.
    #[error("{dir} holds no crate that can be built\n{output}", dir = dir.display())]
    Manifest {
        /// The directory.
        dir: PathBuf,
        /// What cargo said.
        output: String,
    },
    /// The crate does not compile.
    #[error("{package} does not compile for {GUEST_TARGET}\n{output}")]
    Compile {
        /// The package.
        package: String,
        /// The end of what cargo said.
        output: String,
    },
    /// The compiled module cannot be read.
    #[error("the compiled module {path} cannot be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The compiled module is no plugin.
    #[error(
        "the compiled module cannot be made a component ({problem}): does the crate call export_inbound! or export_outbound!?"
    )]
    Encode {
        /// What the encoder said.
        problem: String,
    },
    /// The fixtures beside the crate cannot be packed.
    #[error("the crate's fixtures cannot be packed")]
    Fixtures(#[from] FixtureError),
}

/// Builds the guest in `manifest_dir` and gives its component, with the fixtures of its directory `fixtures`. `target_dir` must not be that of a cargo which is
/// running, since the two would wait for each other; cargo keeps it, so that an unchanged guest is built in a second.
pub fn build_guest(manifest_dir: &Path, target_dir: &Path) -> Result<Vec<u8>, BuildError> {
    toolchain::ensure_target(manifest_dir)?;
    let package = toolchain::package(manifest_dir)?;
    let module = toolchain::compile(manifest_dir, target_dir, &package)?;
    let module = std::fs::read(&module).map_err(|source| BuildError::Read { path: module, source })?;
    let metadata =
        PluginMetadata { name: Some(package.name), version: Some(package.version), description: package.description };
    let component = encode_component(&module, &metadata)?;
    Ok(fixture::pack(&component, &fixture::read_dir(&manifest_dir.join("fixtures"))?)?)
}
