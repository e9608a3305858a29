//! `plugin push`: a version becomes the one that serves.

use super::{component, short};
use crate::cli::api::{ApiArguments, success};
use crate::cli::failure::Failure;
use crate::cli::output::{print, print_json};
use http::Method;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PushArguments {
    /// The plugin's name.
    name: String,
    /// The component (`.wasm`), or the plugin's directory, which is then built.
    file: PathBuf,
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
    let mut headers = vec![("content-type", "application/wasm")];
    headers.extend(arguments.reason.as_deref().map(|reason| ("x-audit-reason", reason)));
    let path = format!("/admin/plugins/{}", arguments.name);
    let answer = success(&arguments.api.client()?.send(Method::PUT, &path, &headers, component).await?)?;
    if arguments.json {
        print_json(&answer)?;
    } else {
        let text = |field: &str| answer[field].as_str().unwrap_or("?").to_owned();
        print(&format!("{} serves version {}", text("name"), short(&text("active"))))?;
    }
    Ok(ExitCode::SUCCESS)
}
