//! `plugin list`: which version of each plugin serves, and which are in trouble.

use super::order::text;
use super::short;
use crate::cli::api::{ApiArguments, all};
use crate::cli::failure::Failure;
use crate::cli::output::{print, print_json};
use crate::cli::table::Table;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// Print a JSON array.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: ListArguments) -> Result<ExitCode, Failure> {
    let plugins = all(&arguments.api.client()?, "/admin/plugins").await?;
    if arguments.json {
        print_json(&plugins.into())?;
    } else {
        print(&shown(&plugins))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A row each, and below them what is the matter, in a line each.
fn shown(plugins: &[Value]) -> String {
    let mut table = Table::new(&["NAME", "WORLD", "VERSION", "SERVES", "CANDIDATE", "TROUBLE"]);
    let mut troubles = Vec::new();
    for plugin in plugins {
        let (canary, trouble) = (&plugin["canary"], &plugin["trouble"]);
        let candidate = if canary["running"] == true { short(text(canary, "digest")) } else { "" };
        let columns =
            [text(plugin, "name"), text(plugin, "world"), text(plugin, "version"), short(text(plugin, "active"))];
        table.row(columns.into_iter().chain([candidate, text(trouble, "code")]).map(str::to_owned));
        if trouble.is_object() {
            troubles.push(format!("{}: {}", text(plugin, "name"), text(trouble, "detail")));
        }
    }
    let table = table.text();
    if troubles.is_empty() { table } else { format!("{table}\n\n{}", troubles.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn troubles_are_told_below_the_rows() {
        let plugins = [
            json!({ "name": "broken.wasm", "active": null,
                    "trouble": { "code": "not_wasm", "detail": "it is not WebAssembly" } }),
            json!({ "name": "emr", "world": "inbound", "version": "0.2.0", "active": "a".repeat(64),
                    "canary": { "digest": "b".repeat(64), "running": true } }),
        ];
        insta::assert_snapshot!(shown(&plugins));
        assert_eq!(shown(&plugins[1..]).lines().count(), 2);
    }
}
