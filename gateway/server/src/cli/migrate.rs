//! `migrate`: brings the database's schema up to date, or makes the database; with `--to`, moves all records to PostgreSQL.

use super::failure::{Failure, usage};
use super::output::{print, print_json};
use super::progress::Progress;
use super::settings::SettingsArguments;
use crate::config::{Config, Database, KeyPlace};
use crate::serve::{Doing, Moved, Step, log, migrate_store, move_store, word_about_key};
use serde_json::json;
use std::process::ExitCode;

/// Create the database or bring its schema up to date; with `--to`, move all records to PostgreSQL.
#[derive(Debug, clap::Args)]
pub(super) struct MigrateArguments {
    #[command(flatten)]
    settings: SettingsArguments,
    /// Copy all records of the SQLite database into this empty PostgreSQL database (`postgres://user@host:5432/database`), and
    /// compare them. Run again, it goes on where it ended. The password may be in `HOOKWRIGHT_DATABASE_PASSWORD`.
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &MigrateArguments) -> Result<ExitCode, Failure> {
    let config = arguments.settings.load()?.config;
    log::start(&config.log);
    match &arguments.to {
        Some(url) => move_to(arguments, &config, url).await,
        None => bring_up_to_date(arguments, &config).await,
    }
}

async fn bring_up_to_date(arguments: &MigrateArguments, config: &Config) -> Result<ExitCode, Failure> {
    let existed = match &config.database {
        Database::Sqlite(path) => path.exists(),
        Database::Postgres(_) => true,
    };
    let (steps, made_key) = migrate_store(config).await?;
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

async fn move_to(arguments: &MigrateArguments, from: &Config, url: &str) -> Result<ExitCode, Failure> {
    // With the same settings in all else: the password's file, the limits of connections.
    let to = arguments.settings.load_for("--to", url)?.config;
    match (&from.database, &to.database) {
        (Database::Sqlite(_), Database::Postgres(_)) => {}
        (Database::Postgres(_), _) => return Err(usage("--to: moves from SQLite, and database_url names PostgreSQL")),
        (_, Database::Sqlite(_)) => return Err(usage("--to: expected postgres://user@host:5432/database")),
    }
    let mut progress = Progress::new();
    let mut hear = |step: Step| progress.show(&doing(&step), step.done, step.all, step.is_last);
    let moved = Box::pin(move_store(from, &to, &mut hear)).await;
    progress.end();
    tell(arguments.json, from, &to, moved?)?;
    Ok(ExitCode::SUCCESS)
}

fn doing(step: &Step) -> String {
    let word = match step.doing {
        Doing::Copying => "copying",
        Doing::Comparing => "comparing",
    };
    format!("{word} (table {})", step.table)
}

fn tell(as_json: bool, from: &Config, to: &Config, moved: Moved) -> Result<(), Failure> {
    let (here, there) = (from.database.to_string(), to.database.to_string());
    if as_json {
        return print_json(&json!({
            "database": here, "to": there, "records": moved.records, "already": moved.already,
        }));
    }
    let ended = if moved.already { "were moved already" } else { "were copied and compared" };
    print(&format!("{} records of {here} {ended}: they are in {there}", moved.records))?;
    let keys = match &from.keys {
        KeyPlace::File(path) | KeyPlace::FileOrNew(path) => {
            format!("keys.file = \"{}\", with the same key on every node", path.display())
        }
        KeyPlace::Text(_) | KeyPlace::Nowhere => "the same HOOKWRIGHT_KEY on every node".to_owned(),
    };
    print(&format!("  serve from there with database_url = \"{there}\" and {keys}"))?;
    print(&format!("  {here} is as it was: keep it for as long as you like, and serve from it no more"))
}
