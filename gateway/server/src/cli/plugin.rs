//! `plugin`: from a crate to a version that serves.

use super::api::{ApiArguments, all, success};
use super::failure::{Failure, told};
use super::output::{print, print_json};
use super::table::Table;
use hookwright_plugin_host::build::build_guest;
use http::Method;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Build plugins and push them.
#[derive(Debug, clap::Subcommand)]
pub(super) enum PluginCommand {
    /// Build a plugin's crate into one component file.
    Build {
        /// The crate's directory.
        #[arg(default_value = ".")]
        directory: PathBuf,
        /// The file to write; `NAME.wasm` by the directory's name if it is left out.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Make a version the one that serves, without a restart and without losing a request.
    Push {
        /// The plugin's name.
        name: String,
        /// The component (`.wasm`), or the directory of its crate, which is then built.
        file: PathBuf,
        #[command(flatten)]
        api: ApiArguments,
        /// Why, for the audit.
        #[arg(long)]
        reason: Option<String>,
        /// Print the gateway's answer.
        #[arg(long)]
        json: bool,
    },
    /// List the plugins and the version of each that serves.
    List {
        #[command(flatten)]
        api: ApiArguments,
        /// Print a JSON array.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: PluginCommand) -> Result<ExitCode, Failure> {
    match command {
        PluginCommand::Build { directory, output } => {
            let component = build(directory.clone()).await?;
            let output = output.unwrap_or_else(|| default_output(&directory));
            std::fs::write(&output, &component)
                .map_err(|error| told(format!("cannot write {}: {error}", output.display())))?;
            print(&format!("{}: {} bytes", output.display(), component.len()))?;
        }
        PluginCommand::Push { name, file, api, reason, json } => {
            let component = component(&file).await?;
            let mut headers = vec![("content-type", "application/wasm")];
            headers.extend(reason.as_deref().map(|reason| ("x-audit-reason", reason)));
            let path = format!("/admin/plugins/{name}");
            let answer = success(&api.client()?.send(Method::PUT, &path, &headers, component).await?)?;
            if json {
                print_json(&answer)?;
            } else {
                let text = |field: &str| answer[field].as_str().unwrap_or("?").to_owned();
                print(&format!("{} serves version {}", text("name"), short(&text("active"))))?;
            }
        }
        PluginCommand::List { api, json } => {
            let plugins = all(&api.client()?, "/admin/plugins").await?;
            if json {
                print_json(&plugins.into())?;
            } else {
                let mut table = Table::new(&["NAME", "WORLD", "VERSION", "SERVES"]);
                for plugin in &plugins {
                    let text = |field: &str| plugin[field].as_str().unwrap_or("").to_owned();
                    table.row([text("name"), text("world"), text("version"), short(&text("active")).to_owned()]);
                }
                print(&table.text())?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn component(file: &Path) -> Result<Vec<u8>, Failure> {
    if file.is_dir() {
        return build(file.to_owned()).await;
    }
    std::fs::read(file).map_err(|error| told(format!("cannot read {}: {error}", file.display())))
}

async fn build(directory: PathBuf) -> Result<Vec<u8>, Failure> {
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

fn default_output(directory: &Path) -> PathBuf {
    let whole = directory.canonicalize().unwrap_or_default();
    let name = whole.file_name().map_or("plugin".into(), |name| name.to_string_lossy());
    PathBuf::from(format!("{name}.wasm"))
}

/// The first characters of a digest: enough to tell versions apart.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
