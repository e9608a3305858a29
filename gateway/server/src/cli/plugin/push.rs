//! `plugin push`: a version becomes the one that serves, or is kept for later.

use super::order::{path, text};
use super::{component, short};
use crate::cli::api::{ApiArguments, success};
use crate::cli::failure::Failure;
use crate::cli::output::{print, print_json};
use hookwright_plugin_host::Digest;
use http::Method;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PushArguments {
    /// The plugin's name.
    name: String,
    /// The component (`.wasm`), or the plugin's directory, which is then built.
    file: PathBuf,
    /// Keep it for later, for `activate` or `canary start`: what serves goes on.
    #[arg(long)]
    keep: bool,
    /// Let the version out of quarantine, if it is there; needs `--reason`.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    api: ApiArguments,
    /// Why, for the audit.
    #[arg(long)]
    reason: Option<String>,
    /// Print the gateway's answer.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: PushArguments) -> Result<ExitCode, Failure> {
    let component = component::read(&arguments.file).await?;
    let digest = Digest::of(&component).to_string();
    let mut headers = vec![("content-type", "application/wasm")];
    headers.extend(arguments.reason.as_deref().map(|reason| ("x-audit-reason", reason)));
    let query = format!("?activate={}&force={}", !arguments.keep, arguments.force);
    let path = path(&arguments.name, &query);
    let answer = success(&arguments.api.client()?.send(Method::PUT, &path, &headers, component).await?)?;
    if arguments.json {
        print_json(&answer)?;
    } else if arguments.keep {
        // Whole, for it is what the next command is given.
        print(&format!("{} keeps version {digest}", text(&answer, "name")))?;
    } else {
        print(&format!("{} serves version {}", text(&answer, "name"), short(text(&answer, "active"))))?;
    }
    Ok(ExitCode::SUCCESS)
}
