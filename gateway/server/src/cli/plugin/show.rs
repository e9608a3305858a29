//! `plugin show`: where a plugin's pointers stand, and what troubles it.

use super::order::{AskArguments, text};
use super::short;
use crate::cli::failure::Failure;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShowArguments {
    /// The plugin's name; for what could not be pushed from the watched directory, the file's.
    name: String,
    #[command(flatten)]
    ask: AskArguments,
}

pub(super) async fn run(arguments: ShowArguments) -> Result<ExitCode, Failure> {
    let plugin = arguments.ask.get(&arguments.name, "").await?;
    arguments.ask.tell(&plugin, shown)
}

fn shown(plugin: &Value) -> String {
    let mut lines = Vec::new();
    let mut line = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{label:<12}{value}"));
        }
    };
    line("name", text(plugin, "name").to_owned());
    line("world", text(plugin, "world").to_owned());
    let active = text(plugin, "active");
    line("active", if active.is_empty() { "no version serves".to_owned() } else { active.to_owned() });
    line("version", text(plugin, "version").to_owned());
    line("about", text(plugin, "description").to_owned());
    if let Some(serving) = plugin["serving"].as_str() {
        line("serving", format!("{serving} (in this process, until the active version can be loaded)"));
    }
    if let Some(canary) = plugin["canary"].as_object() {
        let state = if canary.get("running") == Some(&true.into()) { "runs" } else { "has ended" };
        let canary = &plugin["canary"];
        line("candidate", format!("{} ({}; {state})", short(text(canary, "digest")), text(canary, "mode")));
    }
    if let Some(policy) = plugin["policy"].as_object() {
        let settings: Vec<String> = policy.iter().map(|(name, value)| format!("{name}={value}")).collect();
        line("policy", settings.join(" "));
    }
    line("changed", text(plugin, "updated_at").to_owned());
    lines.extend(trouble(&plugin["trouble"]));
    lines.join("\n")
}

/// A trouble with what is wrong in it, a line each.
fn trouble(trouble: &Value) -> Vec<String> {
    if trouble.is_null() {
        return Vec::new();
    }
    let of = trouble["digest"].as_str().map(|digest| format!(", version {}", short(digest))).unwrap_or_default();
    let mut lines = vec![
        format!("{:<12}{} (since {}{of})", "trouble", text(trouble, "code"), text(trouble, "at")),
        format!("  {}", text(trouble, "detail")),
    ];
    for error in trouble["errors"].as_array().into_iter().flatten() {
        lines.push(format!("  {}: {}", text(error, "pointer"), text(error, "detail")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_plugin_is_shown_with_all_that_is_the_matter() {
        let plugin = json!({
            "name": "emr", "world": "inbound", "active": "a".repeat(64), "version": "0.2.0",
            "serving": "b".repeat(64), "canary": { "digest": "c".repeat(64), "mode": "shadow", "running": true },
            "policy": { "failures_max": 5, "reuse": 1, "reprocess": true }, "updated_at": "2026-01-04T22:30:00Z", "revision": 7,
            "trouble": {
                "code": "fixtures_failed", "detail": "1 of 3 fixtures fails", "digest": "d".repeat(64),
                "at": "2026-01-04T22:31:00Z",
                "errors": [{ "pointer": "fixtures/a", "detail": "/accepted: expected 1, got 2" }],
            },
        });
        insta::assert_snapshot!(shown(&plugin));
        let absent = json!({ "name": "broken.wasm", "active": null, "versions": [] });
        assert_eq!(shown(&absent), "name        broken.wasm\nactive      no version serves");
    }
}
