//! `plugin record`: fixtures made of what is on record, with every value replaced.

use super::order::{AskArguments, text};
use crate::cli::failure::{Failure, told};
use crate::cli::output::{print, print_json};
use serde_json::{Map, Value};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Files of one directory that are looked at for a name that is free.
const NUMBERS_MAX: u32 = 100_000;

/// What to look at before the files go into a repository.
const ADVICE: &str = "Before you commit them, look at what was not replaced: keys of objects, words of the path, names of query parameters,\n\
    words such as order.placed under keys such as event or status, content types, settings, and what --keep kept.";

/// Needs a key with the scopes `operate` and `phi`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RecordArguments {
    /// The plugin's name.
    name: String,
    /// Record the last so many messages or deliveries, at most 200.
    #[arg(long, value_name = "N")]
    last: Option<u32>,
    /// Record this message. May be repeated.
    #[arg(long = "message", value_name = "ID")]
    messages: Vec<String>,
    /// Record the event of this delivery. May be repeated.
    #[arg(long = "delivery", value_name = "ID")]
    deliveries: Vec<String>,
    /// Leave what is at this place of the body, or of the event's data, as it is: a JSON pointer such as /patient/state.
    /// May be repeated.
    #[arg(long, value_name = "POINTER")]
    keep: Vec<String>,
    /// The directory that they are written into; files that are there stay.
    #[arg(long, short = 'o', value_name = "DIR", default_value = "fixtures")]
    output: PathBuf,
    #[command(flatten)]
    ask: AskArguments,
}

pub(super) async fn run(arguments: RecordArguments) -> Result<ExitCode, Failure> {
    let mut body = Map::new();
    body.extend(arguments.last.map(|last| ("last".to_owned(), last.into())));
    let lists = [("messages", &arguments.messages), ("deliveries", &arguments.deliveries), ("keep", &arguments.keep)];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        body.insert(name.to_owned(), list.clone().into());
    }
    let answer = arguments.ask.post(&arguments.name, "/record", &body.into()).await?;
    let fixtures = answer["fixtures"].as_array().ok_or_else(|| told("the gateway's answer holds no fixtures"))?;
    if arguments.ask.json {
        print_json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut files = Vec::with_capacity(fixtures.len());
    for fixture in fixtures {
        files.push(write(&arguments.output, fixture)?);
    }
    print(&told_of(&answer, &files))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a fixture under the first number that is free. A file that is there is never written over.
fn write(directory: &Path, fixture: &Value) -> Result<PathBuf, Failure> {
    let failed = |path: &Path, error: std::io::Error| told(format!("cannot write {}: {error}", path.display()));
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for number in 1..=NUMBERS_MAX {
        let path = directory.join(format!("recorded-{number}.json"));
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            file => file.map_err(|error| failed(&path, error))?,
        };
        let text = serde_json::to_string_pretty(fixture)?;
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(|error| failed(&path, error))?;
        return Ok(path);
    }
    Err(told(format!("{} holds {NUMBERS_MAX} recorded fixtures: remove some", directory.display())))
}

fn told_of(answer: &Value, files: &[PathBuf]) -> String {
    let mut lines: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let count = answer["left_out"].as_u64().unwrap_or(0);
    if count > 0 {
        lines.push(format!("{count} left out: gone, of another plugin, too large, or the plugin failed on them"));
    }
    if files.is_empty() {
        lines.push(format!("nothing of {} was recorded", text(answer, "plugin")));
    } else {
        lines.push(ADVICE.to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_that_is_there_stays() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("fixtures");
        assert!(write(&place, &json!({ "world": "inbound" })).unwrap().ends_with("recorded-1.json"));
        fs::write(place.join("recorded-2.json"), "mine").unwrap();
        assert!(write(&place, &json!({})).unwrap().ends_with("recorded-3.json"));
        assert_eq!(fs::read_to_string(place.join("recorded-2.json")).unwrap(), "mine");
        assert_eq!(fs::read_to_string(place.join("recorded-1.json")).unwrap(), "{\n  \"world\": \"inbound\"\n}\n");
    }

    #[test]
    fn what_was_recorded_is_told_with_what_to_look_at() {
        let answer = json!({ "plugin": "emr", "left_out": 2 });
        let told = told_of(&answer, &[PathBuf::from("fixtures/recorded-1.json")]);
        assert!(told.starts_with("fixtures/recorded-1.json\n2 left out") && told.ends_with(ADVICE), "{told}");
        assert!(told_of(&json!({ "plugin": "emr" }), &[]).contains("nothing of emr"));
    }
}
