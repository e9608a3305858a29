//! `migrate`: brings the database's schema up to date, or makes the database.

use super::failure::Failure;
use super::output::{print, print_json};
use super::settings::SettingsArguments;
use crate::clock::SystemClock;
use crate::config::Database;
use crate::serve::{log, open_store};
use serde_json::json;
use std::process::ExitCode;
use std::sync::Arc;

/// Create the database or bring its schema up to date.
#[derive(Debug, clap::Args)]
pub(super) struct MigrateArguments {
    #[command(flatten)]
    settings: SettingsArguments,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &MigrateArguments) -> Result<ExitCode, Failure> {
    let config = arguments.settings.load()?.config;
    log::start(&config.log);
    let Database::Sqlite(path) = &config.database;
    let existed = path.exists();
    let opened = open_store(&config, Arc::new(SystemClock)).await?;
    opened.close().await;
    let path = path.display().to_string();
    if arguments.json {
        print_json(&json!({ "database": path, "created": !existed }))?;
    } else {
        print(&format!("{path} {}", if existed { "is up to date" } else { "was created" }))?;
    }
    Ok(ExitCode::SUCCESS)
}
