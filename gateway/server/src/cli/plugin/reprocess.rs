//! `plugin reprocess`: the quarantined messages of a plugin's sources, taken up again.

use super::order::{OrderArguments, text};
use super::short;
use super::try_version::{TryOptions, try_on};
use crate::cli::failure::Failure;
use http::Method;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReprocessArguments {
    /// The plugin's name.
    name: String,
    /// Only show what would come of it, as `plugin try --quarantined` does.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    order: OrderArguments,
}

pub(super) async fn run(arguments: ReprocessArguments) -> Result<ExitCode, Failure> {
    let (name, order) = (&arguments.name, &arguments.order);
    if arguments.dry_run {
        return try_on(name, TryOptions::of_quarantine(), &order.ask).await;
    }
    let answer = order.send(Method::POST, (name, "/reprocess"), &Value::Null, None).await?;
    order.ask.tell(&answer, |answer| {
        let version = short(text(answer, "version"));
        format!("{name} takes up {} quarantined messages again, with version {version}", answer["messages"])
    })
}
