//! `plugin inspect`: what a component is.

use super::component;
use super::trial::{Trial, mib, ms};
use crate::cli::failure::Failure;
use crate::cli::output::{print, print_json};
use hookwright_plugin_host::PluginVersion;
use hookwright_plugin_host::build::BuildOptions;
use hookwright_plugin_host::fixture::Fixture;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InspectArguments {
    /// The component, or the plugin's directory, which is then built.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: InspectArguments) -> Result<ExitCode, Failure> {
    let component = component::load(&arguments.file, BuildOptions::default()).await?;
    // A cache of its own, which holds nothing, so that the compilation is a real one and the code can be measured.
    let cache = tempfile::tempdir()?;
    let trial = Trial::start(component.bytes, Some(cache.path().to_owned()), None).await?;
    let (version, compiled_bytes) = (&trial.version, compiled_bytes(cache.path())?);
    let fixtures: Vec<&str> = version.fixtures().iter().map(Fixture::name).collect();
    let metadata = version.metadata();
    if arguments.json {
        print_json(&json!({
            "world": version.world().as_str(),
            "contract": version.contract(),
            "name": metadata.name,
            "version": metadata.version,
            "description": metadata.description,
            "digest": version.digest().to_string(),
            "size_bytes": version.size_bytes(),
            "imports": version.imports(),
            "fixtures": fixtures,
            "compile_ms": ms(trial.compiled_in),
            "compiled_bytes": compiled_bytes,
        }))?;
    } else {
        print(&text(&trial, version, &fixtures, compiled_bytes))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(trial: &Trial, version: &PluginVersion, fixtures: &[&str], compiled_bytes: u64) -> String {
    let metadata = version.metadata();
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let list = |names: &[&str]| match names {
        [] => "none".to_owned(),
        names => format!("{}\n             {}", names.len(), names.join("\n             ")),
    };
    let imports: Vec<&str> = version.imports().iter().map(String::as_str).collect();
    let compiled = usize::try_from(compiled_bytes).unwrap_or(usize::MAX);
    [
        ("name", or_none(&metadata.name)),
        ("version", or_none(&metadata.version)),
        ("description", or_none(&metadata.description)),
        ("world", format!("{} (contract {})", version.world(), version.contract())),
        ("digest", version.digest().to_string()),
        ("size", format!("{} bytes", version.size_bytes())),
        ("compiled", format!("{} in {:.0} ms", mib(compiled), ms(trial.compiled_in))),
        ("imports", list(&imports)),
        ("fixtures", list(fixtures)),
    ]
    .map(|(name, value)| format!("{name:<12} {value}"))
    .join("\n")
}

fn compiled_bytes(cache: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(cache)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
