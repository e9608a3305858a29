//! `migrate`: brings the database's schema up to date, or makes the database.

use super::failure::Failure;
use super::output::{print, print_json};
use super::settings::SettingsArguments;
use crate::config::Database;
use crate::serve::{log, migrate_store, word_about_key};
use serde_json::json;
use std::process::ExitCode;

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
    let existed = match &config.database {
        Database::Sqlite(path) => path.exists(),
        Database::Postgres(_) => true,
    };
    let (steps, made_key) = migrate_store(&config).await?;
    if let Some(path) = &made_key {
        eprintln!("hookwright: {}", word_about_key(path));
    }
    let place = config.database.to_string();
    if arguments.json {
        print_json(&json!({ "database": place, "created": !existed, "steps": steps }))?;
    } else {
        let ended = match (existed, steps.is_empty()) {
            (false, _) => "was created",
            (true, true) => "is up to date",
            (true, false) => "was brought up to date",
        };
        print(&format!("{place} {ended}"))?;
        for step in steps {
            print(&format!("  {step}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
