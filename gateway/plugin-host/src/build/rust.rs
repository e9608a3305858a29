//! Rust plugins: cargo, rustc and rustup, run as programs.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::program::{run, tail};
use super::{BuildError, BuildOptions, GUEST_TARGET, Project, encode_component};
use crate::version::PluginMetadata;

/// How guests are compiled, whatever their workspace says about its own programs.
const PROFILE: [&str; 5] = ["opt-level=3", "panic=\"abort\"", "lto=true", "codegen-units=1", "strip=true"];
/// Variables of cargo's that are about the machine, not about the build that is going on around this one.
const CARGO_VARIABLES_KEPT: [&str; 5] =
    ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_"];

/// What is known of a guest's crate.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    /// Where its fixtures are, if the manifest says so (`package.metadata.hookwright.fixtures`).
    pub(super) fixtures: Option<String>,
    target_directory: String,
    workspace_root: String,
}

pub(super) fn build(
    project: &Project,
    options: &BuildOptions,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    ensure_target(&project.dir, tell)?;
    let package = package(&project.dir)?;
    let target_dir = options.target_dir.clone().unwrap_or_else(|| default_target(&package));
    let target_dir =
        std::path::absolute(&target_dir).map_err(|source| BuildError::Read { path: target_dir, source })?;
    if options.anew {
        forget(&project.dir, &target_dir, &package)?;
    }
    let module = compile(&project.dir, &target_dir, &package)?;
    let module = std::fs::read(&module).map_err(|source| BuildError::Read { path: module, source })?;
    encode_component(&module, &PluginMetadata::default())
}

/// Has cargo compile the crate again, and not what it depends on.
fn forget(dir: &Path, target_dir: &Path, package: &Package) -> Result<(), BuildError> {
    let mut clean = cargo(dir);
    clean.args(["clean", "--release", "--target", GUEST_TARGET, "--package", &package.name]);
    let output = run(clean.arg("--target-dir").arg(target_dir))?;
    let failed = || BuildError::Compile { package: package.name.clone(), output: tail(&output.stderr) };
    if output.status.success() { Ok(()) } else { Err(failed()) }
}

/// Below the person's target directory or the crate's own, which its `.gitignore` has already.
fn default_target(package: &Package) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| (&package.target_directory).into(), PathBuf::from);
    target.join("guests")
}

/// Installs the guests' target if the toolchain has not got it.
fn ensure_target(dir: &Path, tell: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    let mut probe = program("rustc", dir);
    probe.args(["--print", "target-libdir", "--target", GUEST_TARGET]);
    let libdir = run(&mut probe)?;
    if libdir.status.success() && Path::new(String::from_utf8_lossy(&libdir.stdout).trim()).is_dir() {
        return Ok(());
    }
    tell(&format!("installing the target {GUEST_TARGET} with rustup"));
    let added = run(program("rustup", dir).args(["target", "add", GUEST_TARGET]))?;
    if added.status.success() { Ok(()) } else { Err(BuildError::Target { output: tail(&added.stderr) }) }
}

/// Asks cargo what crate the directory holds.
pub(super) fn package(dir: &Path) -> Result<Package, BuildError> {
    let failed = |output| BuildError::Manifest { dir: dir.to_owned(), output };
    let mut metadata = cargo(dir);
    metadata.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = run(&mut metadata)?;
    if !output.status.success() {
        return Err(failed(tail(&output.stderr)));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let manifest = dir.canonicalize().map_err(|error| failed(error.to_string()))?.join("Cargo.toml");
    let is_here = |package: &&Value| package["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest);
    let package = metadata["packages"].as_array().and_then(|packages| packages.iter().find(is_here));
    let package = package.ok_or_else(|| failed("Cargo.toml has no [package]".to_owned()))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let missing = || failed("cargo names no package".to_owned());
    Ok(Package {
        name: text(&package["name"]).ok_or_else(missing)?,
        version: text(&package["version"]).ok_or_else(missing)?,
        description: text(&package["description"]),
        fixtures: text(&package["metadata"]["hookwright"]["fixtures"]),
        target_directory: text(&metadata["target_directory"]).ok_or_else(missing)?,
        workspace_root: text(&metadata["workspace_root"]).ok_or_else(missing)?,
    })
}

/// Compiles the crate and tells where the module is.
fn compile(dir: &Path, target_dir: &Path, package: &Package) -> Result<PathBuf, BuildError> {
    let mut build = cargo(dir);
    // `rustc --crate-type`, since link-time optimisation is silently left out where an rlib is built as well.
    build.args(["rustc", "--lib", "--crate-type", "cdylib", "--release", "--target", GUEST_TARGET, "--package"]);
    build.arg(&package.name).arg("--target-dir").arg(target_dir);
    for setting in PROFILE {
        build.arg("--config").arg(format!("profile.release.{setting}"));
    }
    build.env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(package));
    let output = run(&mut build)?;
    if !output.status.success() {
        return Err(BuildError::Compile { package: package.name.clone(), output: tail(&output.stderr) });
    }
    let file = format!("{}.wasm", package.name.replace('-', "_"));
    Ok(target_dir.join(GUEST_TARGET).join("release").join(file))
}

/// Flags that take this machine's directories out of panic messages, so that one source gives one digest everywhere.
fn remapped_paths(package: &Package) -> OsString {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let mut flags = OsString::from(format!("--remap-path-prefix={}=.", package.workspace_root));
    if let Some(home) = cargo_home {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(home);
        flags.push("=cargo");
    }
    flags
}

fn cargo(dir: &Path) -> Command {
    program("cargo", dir)
}

/// A program of the toolchain, free of what a cargo around this process says about its own build.
fn program(name: &'static str, dir: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(dir);
    for (variable, _) in env::vars_os() {
        let is_cargos = variable.to_str().is_some_and(|name| {
            name.starts_with("CARGO_") && !CARGO_VARIABLES_KEPT.iter().any(|kept| name.starts_with(kept))
        });
        if is_cargos {
            command.env_remove(variable);
        }
    }
    for variable in ["CARGO", "MAKEFLAGS", "RUSTC", "RUSTC_WORKSPACE_WRAPPER", "RUSTDOCFLAGS", "RUSTFLAGS"] {
        command.env_remove(variable);
    }
    command
}
