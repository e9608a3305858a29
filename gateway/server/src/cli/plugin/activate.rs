//! `plugin activate`: a version that is kept becomes the one that serves.

use super::order::{OrderArguments, served};
use crate::cli::failure::Failure;
use http::Method;
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ActivateArguments {
    /// The plugin's name.
    name: String,
    /// The version's digest, or its first digits: at least 8.
    digest: String,
    /// Let it out of quarantine; needs `--reason`.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    order: OrderArguments,
}

pub(super) async fn run(arguments: ActivateArguments) -> Result<ExitCode, Failure> {
    let body = json!({ "digest": arguments.digest, "force": arguments.force });
    let answer = arguments.order.send(Method::POST, (&arguments.name, "/activate"), &body, None).await?;
    arguments.order.ask.tell(&answer, served)
}
