//! `plugin pack`: fixtures and metadata go into a component that some other toolchain made.

use super::{component, short};
use crate::cli::failure::{Failure, told};
use crate::cli::output::{print, print_json};
use hookwright_plugin_host::build::pack;
use hookwright_plugin_host::{Digest, PluginMetadata, fixture};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PackArguments {
    /// The component.
    file: PathBuf,
    /// The directory of the fixtures. They take the place of those that the component carries; without this flag those
    /// stay.
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// The file to write; the component itself if it is left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The plugin's name.
    #[arg(long)]
    name: Option<String>,
    /// The plugin's version.
    #[arg(long)]
    version: Option<String>,
    /// What the plugin does, in a line.
    #[arg(long)]
    description: Option<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &PackArguments) -> Result<ExitCode, Failure> {
    let bytes = component::file_bytes(&arguments.file)?;
    let fixtures = match &arguments.fixtures {
        Some(directory) if !directory.is_dir() => {
            return Err(told(format!("{} is no directory", directory.display())));
        }
        Some(directory) => fixture::read_dir(directory)?,
        None => fixture::unpack(&bytes)?,
    };
    let metadata = PluginMetadata {
        name: arguments.name.clone(),
        version: arguments.version.clone(),
        description: arguments.description.clone(),
    };
    let packed = pack(&bytes, &metadata, &fixtures)?;
    let output = arguments.output.as_ref().unwrap_or(&arguments.file);
    std::fs::write(output, &packed).map_err(|error| told(format!("cannot write {}: {error}", output.display())))?;
    let digest = Digest::of(&packed).to_string();
    let (size, count) = (packed.len(), fixtures.len());
    if arguments.json {
        let file = output.display().to_string();
        print_json(&json!({ "file": file, "size_bytes": size, "digest": digest, "fixtures": count }))?;
    } else {
        print(&format!("{}: {size} bytes, {count} fixtures, digest {}", output.display(), short(&digest)))?;
    }
    Ok(ExitCode::SUCCESS)
}
