//! `demo`: the whole path on real parts, before one's eyes.

use super::failure::Failure;
use super::output::print_json;
use crate::demo::{DemoOptions, run as run_demo};
use std::path::PathBuf;
use std::process::ExitCode;

/// Show everything at work.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArguments {
    /// End after the story; exit code 0 only if the receiver verified both deliveries.
    #[arg(long)]
    once: bool,
    /// Print one JSON object with what was received, instead of the story; implies --once.
    #[arg(long)]
    json: bool,
    /// Take the plugins' components (`NAME.wasm`) from this directory instead of building them.
    #[arg(long, value_name = "DIRECTORY")]
    components: Option<PathBuf>,
}

pub(super) async fn run(arguments: &DemoArguments) -> Result<ExitCode, Failure> {
    let options = DemoOptions {
        once: arguments.once || arguments.json,
        silent: arguments.json,
        components: arguments.components.clone(),
    };
    let report = run_demo(options).await?;
    if arguments.json {
        print_json(&serde_json::to_value(&report)?)?;
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
