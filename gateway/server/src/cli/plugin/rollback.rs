//! `plugin rollback`: what served before serves again.

use super::order::{OrderArguments, served};
use crate::cli::failure::Failure;
use http::Method;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RollbackArguments {
    /// The plugin's name.
    name: String,
    #[command(flatten)]
    order: OrderArguments,
}

pub(super) async fn run(arguments: RollbackArguments) -> Result<ExitCode, Failure> {
    let answer = arguments.order.send(Method::POST, (&arguments.name, "/rollback"), &Value::Null, None).await?;
    arguments.order.ask.tell(&answer, served)
}
