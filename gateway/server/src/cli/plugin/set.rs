//! `plugin set`: how a plugin is run.

use super::order::{OrderArguments, text};
use crate::cli::failure::{Failure, usage};
use http::Method;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SetArguments {
    /// The plugin's name.
    name: String,
    /// Failures one after the other after which a version goes into quarantine; 0 for never.
    #[arg(long, value_name = "N")]
    failures_max: Option<u32>,
    /// Calls that one instance serves before a fresh one takes its place; 1 for a fresh one each time.
    #[arg(long, value_name = "N")]
    reuse: Option<u32>,
    /// Whether quarantined messages are taken up again by themselves when another version goes live.
    #[arg(long, value_name = "true|false")]
    reprocess: Option<bool>,
    #[command(flatten)]
    order: OrderArguments,
}

pub(super) async fn run(arguments: SetArguments) -> Result<ExitCode, Failure> {
    let fields = [
        ("failures_max", arguments.failures_max.map(Value::from)),
        ("reuse", arguments.reuse.map(Value::from)),
        ("reprocess", arguments.reprocess.map(Value::from)),
    ];
    let policy: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    if policy.is_empty() {
        return Err(usage("give what is to be set: --failures-max, --reuse or --reprocess"));
    }
    let body = json!({ "policy": policy });
    let answer = arguments.order.send(Method::PATCH, (&arguments.name, ""), &body, None).await?;
    arguments.order.ask.tell(&answer, |answer| {
        let policy = answer["policy"].as_object().into_iter().flatten();
        let settings: Vec<String> = policy.map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} runs with {}", text(answer, "name"), settings.join(" "))
    })
}
