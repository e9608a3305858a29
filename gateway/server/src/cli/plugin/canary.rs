//! `plugin canary`: a version beside the one that serves, begun, watched, ended and made the one that serves.

use super::order::{AskArguments, OrderArguments, served, text};
use super::short;
use crate::cli::failure::{Failure, told};
use http::Method;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Run a version beside the one that serves, and see how it does.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum CanaryCommand {
    /// Give a version a share of the calls, or in the shadow a copy of them.
    Start(StartArguments),
    /// Show how the candidate does, or did.
    Status(StatusArguments),
    /// End it; what served goes on.
    Stop(EndArguments),
    /// Make the candidate the version that serves.
    Promote(EndArguments),
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StartArguments {
    /// The plugin's name.
    name: String,
    /// The version's digest, or its first digits: at least 8.
    digest: String,
    /// `canary`: its answers count for its share of the calls. `shadow`: its answers are compared and thrown away.
    #[arg(long, value_parser = ["canary", "shadow"])]
    mode: Option<String>,
    /// Its share of the calls; 5 for a canary and 100 in the shadow unless said.
    #[arg(long, value_name = "P")]
    percent: Option<f64>,
    /// Only for this source or subscription. May be repeated.
    #[arg(long = "binding", value_name = "ID")]
    bindings: Vec<String>,
    /// Calls before it may be judged.
    #[arg(long, value_name = "N")]
    calls_min: Option<u32>,
    /// It ends if more of its calls fail.
    #[arg(long, value_name = "P")]
    error_percent: Option<f64>,
    /// It ends if more of its answers differ (shadow).
    #[arg(long, value_name = "P")]
    difference_percent: Option<f64>,
    #[command(flatten)]
    order: OrderArguments,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StatusArguments {
    /// The plugin's name.
    name: String,
    #[command(flatten)]
    ask: AskArguments,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct EndArguments {
    /// The plugin's name.
    name: String,
    #[command(flatten)]
    order: OrderArguments,
}

pub(super) async fn run(command: CanaryCommand) -> Result<ExitCode, Failure> {
    match command {
        CanaryCommand::Start(arguments) => start(arguments).await,
        CanaryCommand::Status(arguments) => {
            let answer = arguments.ask.get(&arguments.name, "/canary").await?;
            arguments.ask.tell(&answer, status)
        }
        CanaryCommand::Stop(EndArguments { name, order }) => {
            let answer = order.send(Method::DELETE, (&name, "/canary"), &Value::Null, None).await?;
            order.ask.tell(&answer, |answer| {
                let stopped = short(text(&answer["canary"], "digest"));
                format!("candidate {stopped} has ended; {}", served(answer))
            })
        }
        CanaryCommand::Promote(arguments) => promote(arguments).await,
    }
}

async fn start(arguments: StartArguments) -> Result<ExitCode, Failure> {
    let mut body = Map::from_iter([("digest".to_owned(), arguments.digest.into())]);
    let fields = [
        ("mode", arguments.mode.map(Value::from)),
        ("percent", arguments.percent.map(Value::from)),
        ("bindings", (!arguments.bindings.is_empty()).then(|| arguments.bindings.into())),
        ("calls_min", arguments.calls_min.map(Value::from)),
        ("error_percent", arguments.error_percent.map(Value::from)),
        ("difference_percent", arguments.difference_percent.map(Value::from)),
    ];
    body.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let order = &arguments.order;
    let answer = order.send(Method::POST, (&arguments.name, "/canary"), &body.into(), None).await?;
    order.ask.tell(&answer, |answer| {
        let canary = &answer["canary"];
        let (mode, digest) = (text(canary, "mode"), short(text(canary, "digest")));
        format!("candidate {digest} runs as {mode}; {}", served(answer))
    })
}

/// Activates the candidate, whichever it is, unless somebody has moved something since it was looked up.
async fn promote(EndArguments { name, order }: EndArguments) -> Result<ExitCode, Failure> {
    let plugin = order.ask.get(&name, "").await?;
    let canary = &plugin["canary"];
    let digest = canary["digest"].as_str().filter(|_| canary["running"] == true);
    let digest = digest.ok_or_else(|| told(format!("{name} has no candidate that runs: start one first")))?;
    let revision = plugin["revision"].as_i64();
    let body = json!({ "digest": digest });
    let answer = order.send(Method::POST, (&name, "/activate"), &body, revision).await?;
    order.ask.tell(&answer, served)
}

fn status(canary: &Value) -> String {
    let counts = &canary["counts"];
    let (stop, mode) = (&canary["stop"], text(canary, "mode"));
    let mut lines = vec![format!("candidate   {} ({mode}, {} %)", text(canary, "digest"), percent(&canary["percent"]))];
    let bindings: Vec<&str> = canary["bindings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !bindings.is_empty() {
        lines.push(format!("only for    {}", bindings.join(" ")));
    }
    lines.push(format!("started     {} by {}", text(canary, "started_at"), text(canary, "started_by")));
    let ended = &canary["ended"];
    lines.push(if ended.is_object() {
        let why = ended["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("state       {} {}{why}", text(ended, "outcome"), text(ended, "at"))
    } else {
        "state       runs".to_owned()
    });
    lines.push(format!(
        "calls       {} ({} equal, {} differ, {} errors, {} left out)",
        counts["calls"], counts["equal"], counts["differs"], counts["errors"], counts["left_out"]
    ));
    lines.push(format!(
        "mean time   {}, active {}",
        micros(&counts["mean_micros"]),
        micros(&counts["active_mean_micros"])
    ));
    lines.push(format!(
        "ends if     after {} calls over {} % fail or {} % differ",
        stop["calls_min"],
        percent(&stop["error_percent"]),
        percent(&stop["difference_percent"])
    ));
    for sample in canary["samples"].as_array().into_iter().flatten() {
        lines.push(format!("differs     {}", text(sample, "subject_id")));
        let differences = sample["differences"].as_array().into_iter().flatten();
        lines.extend(differences.filter_map(Value::as_str).map(|difference| format!("    {difference}")));
    }
    lines.join("\n")
}

/// Without decimals where there are none.
fn percent(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn micros(value: &Value) -> String {
    value.as_u64().map_or_else(|| "unknown".to_owned(), |micros| format!("{micros} µs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_s_status_tells_how_it_does() {
        let mut canary = json!({
            "digest": "a".repeat(64), "mode": "shadow", "percent": 100.0, "bindings": ["src_1", "src_2"],
            "stop": { "calls_min": 20, "error_percent": 5.0, "difference_percent": 1.5 },
            "started_at": "2026-01-04T22:30:00Z", "started_by": "key:1", "running": true,
            "counts": { "calls": 12, "equal": 10, "differs": 2, "errors": 0, "left_out": 1,
                        "mean_micros": 310, "active_mean_micros": null },
            "samples": [{ "subject_id": "msg_1", "at": 0, "differences": ["/accepted: a number became nothing"] }],
        });
        insta::assert_snapshot!(status(&canary));
        canary["ended"] = json!({ "at": "2026-01-04T22:40:00Z", "outcome": "aborted", "reason": "6 % fail" });
        assert!(status(&canary).contains("state       aborted 2026-01-04T22:40:00Z: 6 % fail"));
    }
}
