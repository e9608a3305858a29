//! `plugin try`: what a version would make of what is on record, without any effect.

use super::order::{AskArguments, text};
use super::short;
use crate::cli::failure::Failure;
use serde_json::{Map, Value};
use std::process::ExitCode;

/// Exit code 0 whatever comes of it, unless `--strict` is given.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TryArguments {
    /// The plugin's name.
    name: String,
    #[command(flatten)]
    options: TryOptions,
    #[command(flatten)]
    ask: AskArguments,
}

/// What is tried on what.
#[derive(Debug, Default, clap::Args)]
pub(super) struct TryOptions {
    /// Which version: `active`, `candidate`, or a digest or at least 8 of its first digits.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Try the last so many messages or deliveries.
    #[arg(long, value_name = "N")]
    last: Option<u32>,
    /// Try this message. May be repeated.
    #[arg(long = "message", value_name = "ID")]
    messages: Vec<String>,
    /// Try this delivery. May be repeated.
    #[arg(long = "delivery", value_name = "ID")]
    deliveries: Vec<String>,
    /// Try the deliveries of this event. May be repeated.
    #[arg(long = "event", value_name = "ID")]
    events: Vec<String>,
    /// Try messages in quarantine only.
    #[arg(long)]
    quarantined: bool,
    /// Show the values that differ; needs a key with the scope `phi`, and is audited.
    #[arg(long)]
    reveal: bool,
    /// Fail if any of them fails, differs or could not be tried.
    #[arg(long)]
    strict: bool,
}

impl TryOptions {
    /// The version that serves, on what is in quarantine.
    pub(super) fn of_quarantine() -> Self {
        Self { quarantined: true, ..Self::default() }
    }
}

pub(super) async fn run(arguments: TryArguments) -> Result<ExitCode, Failure> {
    try_on(&arguments.name, arguments.options, &arguments.ask).await
}

/// Tries, and tells.
pub(super) async fn try_on(name: &str, options: TryOptions, ask: &AskArguments) -> Result<ExitCode, Failure> {
    let strict = options.strict;
    let answer = ask.post(name, "/try", &body(options)).await?;
    ask.tell(&answer, shown)?;
    let clean = ["differs", "fails", "left_out"].iter().all(|count| answer[*count] == 0);
    Ok(if strict && !clean { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn body(options: TryOptions) -> Value {
    let mut body = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let list = |ids: Vec<String>| (!ids.is_empty()).then(|| Value::from(ids));
    add("version", options.version.map(Value::from));
    add("last", options.last.map(Value::from));
    add("messages", list(options.messages));
    add("deliveries", list(options.deliveries));
    add("events", list(options.events));
    add("quarantined", options.quarantined.then_some(true.into()));
    add("reveal", options.reveal.then_some(true.into()));
    body.into()
}

fn shown(answer: &Value) -> String {
    let mut lines = vec![format!(
        "version {} of {}: {} tried, {} equal, {} differ, {} fail",
        short(text(answer, "version")),
        text(answer, "plugin"),
        answer["tried"],
        answer["equal"],
        answer["differs"],
        answer["fails"],
    )];
    if answer["left_out"].as_u64().is_some_and(|count| count > 0) {
        lines.push(format!("{} could not be tried: gone, or of another plugin", answer["left_out"]));
    }
    for trial in answer["results"].as_array().into_iter().flatten() {
        let (then, now) = (text(&trial["then"], "outcome"), text(&trial["now"], "outcome"));
        if trial["equal"] == true && is_well(now) {
            continue;
        }
        lines.push(format!("{}  {then} → {now}", text(trial, "subject_id")));
        let differences = trial["differences"].as_array().into_iter().flatten();
        lines.extend(differences.filter_map(Value::as_str).map(|difference| format!("    {difference}")));
    }
    lines.join("\n")
}

/// What a plugin may come to without having failed.
fn is_well(outcome: &str) -> bool {
    matches!(outcome, "accepted" | "ignored" | "refused" | "send" | "skip")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_or_fails_is_shown() {
        let side = |outcome: &str| json!({ "digest": "a", "outcome": outcome });
        let answer = json!({
            "plugin": "emr", "version": "a".repeat(64), "tried": 3, "equal": 2, "differs": 1, "fails": 1, "left_out": 1,
            "results": [
                { "subject_id": "msg_1", "then": side("accepted"), "now": side("accepted"), "equal": true },
                { "subject_id": "msg_2", "then": side("accepted"), "now": side("refused"), "equal": false,
                  "differences": ["/accepted: an object of 2 fields became nothing"] },
                { "subject_id": "msg_3", "then": side("failed"), "now": side("failed"), "equal": true },
            ],
        });
        insta::assert_snapshot!(shown(&answer));
    }

    #[test]
    fn a_body_names_only_what_was_asked_for() {
        assert_eq!(body(TryOptions::default()), json!({}));
        let options = TryOptions {
            version: Some("candidate".to_owned()),
            messages: vec!["msg_1".to_owned()],
            quarantined: true,
            ..TryOptions::default()
        };
        assert_eq!(body(options), json!({ "version": "candidate", "messages": ["msg_1"], "quarantined": true }));
    }
}
