//! `plugin versions`: what is kept of a plugin, and what served when.

use super::order::{AskArguments, path, text};
use super::short;
use super::trial::mib;
use crate::cli::api::all;
use crate::cli::failure::Failure;
use crate::cli::output::{print, print_json};
use crate::cli::table::Table;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct VersionsArguments {
    /// The plugin's name.
    name: String,
    /// Show what served, since when and by whose hand, instead of what is kept.
    #[arg(long)]
    history: bool,
    #[command(flatten)]
    ask: AskArguments,
}

pub(super) async fn run(arguments: VersionsArguments) -> Result<ExitCode, Failure> {
    let (name, ask) = (&arguments.name, &arguments.ask);
    let (rows, table) = if arguments.history {
        let mut answer = ask.get(name, "/history").await?;
        let Value::Array(rows) = answer["data"].take() else { return Err("the gateway's answer is no list".into()) };
        let table = history(&rows);
        (rows, table)
    } else {
        let rows = all(&ask.api.client()?, &path(name, "/versions")).await?;
        let plugin = ask.get(name, "").await?;
        let table = kept(&rows, &plugin["canary"]);
        (rows, table)
    };
    if ask.json {
        print_json(&rows.into())?;
    } else {
        print(&table)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn kept(rows: &[Value], canary: &Value) -> String {
    let mut table = Table::new(&["DIGEST", "STANDING", "VERSION", "SIZE", "FIXTURES", "PUSHED", "BY"]);
    let candidate = canary["digest"].as_str().filter(|_| canary["running"] == true);
    for row in rows {
        let size = usize::try_from(row["size"].as_u64().unwrap_or(0)).unwrap_or(usize::MAX);
        table.row([
            short(text(row, "digest")).to_owned(),
            standing(row, candidate).to_owned(),
            text(row, "version").to_owned(),
            mib(size),
            row["fixtures"].to_string(),
            text(row, "created_at").to_owned(),
            text(row, "created_by").to_owned(),
        ]);
    }
    table.text()
}

/// The one thing that matters most of a version.
fn standing(row: &Value, candidate: Option<&str>) -> &'static str {
    if row["quarantine"].is_object() {
        "quarantined"
    } else if row["active"] == true {
        "active"
    } else if row["digest"].as_str() == candidate && candidate.is_some() {
        "candidate"
    } else {
        ""
    }
}

fn history(rows: &[Value]) -> String {
    let mut table = Table::new(&["SINCE", "SERVED", "BEFORE", "CAUSE", "BY"]);
    for row in rows {
        table.row([
            text(row, "at").to_owned(),
            short(text(row, "digest")).to_owned(),
            short(text(row, "previous")).to_owned(),
            text(row, "cause").to_owned(),
            text(row, "by").to_owned(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_marked_by_what_matters_most() {
        let row = |digest: &str, more: &Value| {
            let mut row = json!({
                "digest": digest.repeat(64), "active": false, "size": 71_000, "fixtures": 3,
                "created_at": "2026-01-04T22:30:00Z", "created_by": "key:1",
            });
            row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            row
        };
        let rows = [
            row("a", &json!({ "active": true, "version": "0.2.0" })),
            row("b", &json!({})),
            row("c", &json!({ "quarantine": { "reason": "5 failures" } })),
            row("d", &json!({})),
        ];
        let running = json!({ "digest": "b".repeat(64), "running": true });
        insta::assert_snapshot!(kept(&rows, &running));
        let ended = json!({ "digest": "b".repeat(64), "running": false });
        assert!(!kept(&rows, &ended).contains("candidate"));
    }
}
