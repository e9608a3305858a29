//! From a plugin's directory to its component: the set-up of the toolchain, the compilation and the encoding, in three languages.
//!
//! * Rust: a crate (`Cargo.toml`), compiled for [`GUEST_TARGET`] and encoded here.
//! * JavaScript: a package (`package.json` with a section `hookwright`), through `componentize-qjs` from npm.
//! * Python: a project (`pyproject.toml` with a table `tool.hookwright`), through `componentize-py` from `PyPI`.
//!
//! All of it blocks, the first build of a guest for most of a minute.

mod contract;
mod encode;
mod fingerprint;
mod javascript;
mod program;
mod project;
mod python;
mod rust;

use std::io;
use std::path::{Path, PathBuf};

pub use contract::CONTRACT_FILES;
pub use encode::{encode_component, pack};
pub use javascript::COMPONENTIZE_QJS;
pub use project::{Language, Project};
pub use python::COMPONENTIZE_PY;

use crate::fixture::{self, FixtureError};
use crate::load::LoadError;

/// What Rust guests are compiled for: no WASI, so nothing to import but the contract.
pub const GUEST_TARGET: &str = "wasm32-unknown-unknown";
/// Where what is made on the way to a component is kept, inside the plugin's directory.
pub const BUILD_DIR: &str = ".hookwright";

/// Why a guest cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A program of the toolchain cannot be started.
    #[error("{program} cannot be started: {advice}")]
    NoProgram {
        /// Which.
        program: String,
        /// What to do about it.
        advice: &'static str,
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
    /// A tool of the language cannot be installed.
    #[error("{what} cannot be installed: {advice}\n{output}")]
    Install {
        /// What.
        what: String,
        /// What to do about it.
        advice: String,
        /// The end of what the installer said.
        output: String,
    },
    /// The directory holds no plugin, or not one that can be built.
    #[error("{dir} holds no plugin that can be built: {output}", dir = dir.display())]
    Manifest {
        /// The directory.
        dir: PathBuf,
        /// What is missing or wrong.
        output: String,
    },
    /// The plugin does not compile.
    #[error("{package} does not compile\n{output}")]
    Compile {
        /// The package.
        package: String,
        /// The end of what the compiler said.
        output: String,
    },
    /// A file that was made on the way cannot be read.
    #[error("{path} cannot be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file on the way cannot be written.
    #[error("{path} cannot be written", path = path.display())]
    Write {
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
    /// The fixtures beside the plugin cannot be packed.
    #[error("the plugin's fixtures cannot be packed")]
    Fixtures(#[from] FixtureError),
    /// The toolchain made something that the host does not take.
    #[error("the component is no plugin")]
    Refused(#[from] LoadError),
}

/// What may be said about a build.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Where a crate is compiled; below the crate's own target directory if it is left out. It must not be that of a
    /// cargo which is running, since the two would wait for each other.
    pub target_dir: Option<PathBuf>,
    /// The directory of the fixtures, instead of the one that the plugin's manifest names.
    pub fixtures: Option<PathBuf>,
    /// Whether the toolchain shall start over although the plugin has not changed.
    pub anew: bool,
}

/// A component and where it came from.
#[derive(Debug)]
pub struct Built {
    /// The component, with its metadata and fixtures.
    pub component: Vec<u8>,
    /// What it was built from.
    pub project: Project,
    /// How many fixtures it carries.
    pub fixtures: usize,
}

/// Builds the plugin in `dir`. What takes long, such as an installation, is told before it begins.
pub fn build_project(dir: &Path, options: &BuildOptions, tell: &mut dyn FnMut(&str)) -> Result<Built, BuildError> {
    let project = Project::read(dir)?;
    let fixtures = fixture::read_dir(options.fixtures.as_ref().unwrap_or(&project.fixtures))?;
    let component = match project.language {
        Language::Rust => rust::build(&project, options, tell)?,
        Language::JavaScript => javascript::build(&project, options.anew, tell)?,
        Language::Python => python::build(&project, options.anew, tell)?,
    };
    Ok(Built { component: pack(&component, &project.metadata, &fixtures)?, project, fixtures: fixtures.len() })
}

/// Builds the guest in `dir` and gives its component, with the fixtures of its directory `fixtures`; a crate is compiled
/// in `target_dir`, which cargo keeps, so that an unchanged guest is built in a second.
pub fn build_guest(dir: &Path, target_dir: &Path) -> Result<Vec<u8>, BuildError> {
    let options = BuildOptions { target_dir: Some(target_dir.to_owned()), ..BuildOptions::default() };
    Ok(build_project(dir, &options, &mut |_| {})?.component)
}
