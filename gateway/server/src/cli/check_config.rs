//! `check-config`: is it valid, and what is in effect?

use super::failure::Failure;
use super::output::{print, print_json};
use super::settings::SettingsArguments;
use super::table::Table;
use crate::config::key::{KEY_VARIABLE, KEYS, SECRET_VARIABLES};
use crate::config::{BadConfig, Fault, KeyPlace, Loaded, Origin};
use crate::serve;
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
                print_json(&json!({ "valid": false, "faults": faults_as_json(&bad.0) }))?;
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
        KeyPlace::Nowhere => "nowhere".to_owned(),
    }
}

fn faults_as_json(faults: &[Fault]) -> Vec<serde_json::Value> {
    let one = |fault: &Fault| json!({ "key": fault.key, "from": fault.origin.to_string(), "detail": fault.detail });
    faults.iter().map(one).collect()
}

fn as_json(loaded: &Loaded) -> serde_json::Value {
    let setting = |setting: &crate::config::Setting| json!({ "key": setting.path, "value": setting.value, "from": setting.origin.to_string() });
    let settings: Vec<_> = loaded.settings.iter().map(setting).collect();
    let missing = faults_as_json(&serve::preflight(loaded));
    json!({ "valid": true, "not_on_this_machine": missing, "sealing_keys": key_place(loaded), "settings": settings })
}

fn as_toml(loaded: &Loaded) -> String {
    let mut head = format!("# The configuration is valid. Sealing keys: {}.", key_place(loaded));
    // A configuration may be checked elsewhere than it is used, so that this makes it no less valid.
    let missing = serve::preflight(loaded);
    if !missing.is_empty() {
        head.push_str("\n# On this machine it could not be used as it stands:");
        head.extend(missing.iter().map(|fault| format!("\n#   {fault}")));
    }
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
    for (variable, about) in SECRET_VARIABLES {
        table.row([String::new(), variable.to_owned(), String::new(), about.to_owned()]);
    }
    print(&table.text())
}
