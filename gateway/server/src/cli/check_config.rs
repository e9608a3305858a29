//! `check-config`: is it valid, and what is in effect?

use super::failure::Failure;
use super::output::{print, print_json};
use super::settings::SettingsArguments;
use super::table::Table;
use crate::config::key::{KEY_VARIABLE, KEYS};
use crate::config::{BadConfig, KeyPlace, Loaded, Origin};
use serde_json::json;
use std::process::ExitCode;

/// Check the configuration and print what is in effect.
#[derive(Debug, clap::Args)]
pub(super) struct CheckConfigArguments {
    #[command(flatten)]
    settings: SettingsArguments,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Print every setting with its variable, default and meaning, and check nothing.
    #[arg(long)]
    keys: bool,
}

pub(super) fn run(arguments: &CheckConfigArguments) -> Result<ExitCode, Failure> {
    if arguments.keys {
        print_keys(arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    match arguments.settings.load() {
        Ok(loaded) if arguments.json => print_json(&as_json(&loaded))?,
        Ok(loaded) => print(&as_toml(&loaded))?,
        Err(failure) => match failure.downcast::<BadConfig>() {
            Ok(bad) if arguments.json => {
                let fault = |fault: &crate::config::Fault| json!({ "key": fault.key, "from": fault.origin.to_string(), "detail": fault.detail });
                print_json(&json!({ "valid": false, "faults": bad.0.iter().map(fault).collect::<Vec<_>>() }))?;
                return Ok(ExitCode::FAILURE);
            }
            Ok(bad) => return Err(bad),
            Err(failure) => return Err(failure),
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the sealing keys come from, without a word of them.
fn key_place(loaded: &Loaded) -> String {
    match &loaded.config.keys {
        KeyPlace::Text(_) => format!("from {KEY_VARIABLE}"),
        KeyPlace::File(path) => format!("from {}", path.display()),
        KeyPlace::FileOrNew(path) => format!("from {}, made at the first start", path.display()),
    }
}

fn as_json(loaded: &Loaded) -> serde_json::Value {
    let setting = |setting: &crate::config::Setting| json!({ "key": setting.path, "value": setting.value, "from": setting.origin.to_string() });
    let settings: Vec<_> = loaded.settings.iter().map(setting).collect();
    json!({ "valid": true, "sealing_keys": key_place(loaded), "settings": settings })
}

fn as_toml(loaded: &Loaded) -> String {
    let head = format!("# The configuration is valid. Sealing keys: {}.", key_place(loaded));
    let line = |setting: &crate::config::Setting| {
        let line = match &setting.value {
            Some(value) => format!("{} = {value}", setting.path),
            None => format!("# {} is not set", setting.path),
        };
        match &setting.origin {
            Origin::Default => line,
            origin => format!("{line:<60} # {origin}"),
        }
    };
    let lines: Vec<String> = std::iter::once(head).chain(loaded.settings.iter().map(line)).collect();
    lines.join("\n")
}

fn print_keys(as_json: bool) -> Result<(), Failure> {
    if as_json {
        let key = |key: &crate::config::key::Key| json!({ "key": key.path, "variable": key.variable(), "default": key.default, "about": key.about });
        return print_json(&json!(KEYS.iter().map(key).collect::<Vec<_>>()));
    }
    let mut table = Table::new(&["KEY", "VARIABLE", "DEFAULT", "MEANING"]);
    for key in KEYS {
        table.row([key.path.to_owned(), key.variable(), key.default.to_owned(), key.about.to_owned()]);
    }
    table.row([
        String::new(),
        KEY_VARIABLE.to_owned(),
        String::new(),
        "The sealing keys themselves, instead of keys.file.".to_owned(),
    ]);
    print(&table.text())
}
