//! `plugin new`: a directory that builds as it is, with fixtures that pass and a README that says how to go on.

mod template;

use crate::cli::failure::{Failure, told, usage};
use crate::cli::output::{print, print_json};
use clap::ValueEnum;
use hookwright_core::source::is_slug;
use serde_json::json;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct NewArguments {
    /// The plugin's name: lower-case letters, digits and hyphens.
    name: String,
    /// Whether it reads what a partner sends, or shapes what a subscriber receives.
    #[arg(long)]
    world: World,
    /// What it is written in.
    #[arg(long)]
    lang: Language,
    /// The directory to make; the plugin's name, here, if it is left out.
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
    /// The directory of the Rust SDK (`plugins/sdk` of a checkout); the one beside which this program was built, if it is
    /// left out.
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// The plugin's direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum World {
    /// It reads what a partner sends.
    Inbound,
    /// It shapes what a subscriber receives.
    Outbound,
}

/// What it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    /// Needs cargo.
    Rust,
    /// Needs Node.js and npm.
    Js,
    /// Needs Python 3.
    Python,
}

pub(super) fn run(arguments: &NewArguments) -> Result<ExitCode, Failure> {
    let name = &arguments.name;
    if !is_slug(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(usage(format!(
            "{name}: a plugin's name is 1 to 63 of a-z, 0-9 and hyphens, begins with a letter and ends with a letter or digit"
        )));
    }
    let directory = arguments.path.clone().unwrap_or_else(|| PathBuf::from(name));
    let sdk = match (arguments.lang, &arguments.sdk) {
        (Language::Rust, given) => sdk(given.as_deref())?,
        (_, None) => String::new(),
        (_, Some(_)) => return Err(usage("--sdk is for Rust; plugins in other languages need no SDK")),
    };
    vacant(&directory)?;
    let files = template::files(name, &sdk, arguments.world, arguments.lang);
    for (path, text) in &files {
        write(&directory.join(path), text)?;
    }
    let shown = directory.display();
    if arguments.json {
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        print_json(&json!({ "directory": shown.to_string(), "files": paths }))?;
    } else {
        let (input, flags) = template::sample(arguments.world);
        let next = [
            format!("hookwright plugin test {shown}"),
            format!("echo '{input}' | hookwright plugin run {shown} {flags}"),
            format!("hookwright plugin push {name} {shown}"),
        ];
        print(&format!("{shown} is a plugin that builds as it is. Go on with\n  {}", next.join("\n  ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The SDK's directory, absolute, so that the plugin can lie anywhere.
fn sdk(given: Option<&Path>) -> Result<String, Failure> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/sdk");
    let place = given.unwrap_or(&built);
    if !place.join("Cargo.toml").is_file() {
        return Err(told(match given {
            Some(given) => format!("{} holds no SDK: give plugins/sdk of a checkout of Hookwright", given.display()),
            None => {
                "the SDK is not where this program was built: give plugins/sdk of a checkout with --sdk DIR".to_owned()
            }
        }));
    }
    let place = place.canonicalize().map_err(|error| told(format!("cannot find {}: {error}", place.display())))?;
    place
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| told(format!("{} is not Unicode, as Cargo.toml is", place.display())))
}

/// Nothing is written over.
fn vacant(directory: &Path) -> Result<(), Failure> {
    match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(told(format!("{} is not empty: give another directory with --path", directory.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(told(format!("cannot look into {}: {error}", directory.display()))),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = parent.and_then(|()| fs::write(path, text));
    written.map_err(|error| told(format!("cannot write {}: {error}", path.display())))
}
