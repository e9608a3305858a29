//! `plugin list`: which version of each plugin serves.

use super::short;
use crate::cli::api::{ApiArguments, all};
use crate::cli::failure::Failure;
use crate::cli::output::{print, print_json};
use crate::cli::table::Table;
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
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["NAME", "WORLD", "VERSION", "SERVES"]);
    for plugin in &plugins {
        let text = |field: &str| plugin[field].as_str().unwrap_or("").to_owned();
        table.row([text("name"), text("world"), text("version"), short(&text("active")).to_owned()]);
    }
    print(&table.text())?;
    Ok(ExitCode::SUCCESS)
}
