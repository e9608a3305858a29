//! `plugin build`: a directory becomes one component file.

use super::{component, short};
use crate::cli::failure::{Failure, told};
use crate::cli::output::{print, print_json};
use hookwright_plugin_host::Digest;
use hookwright_plugin_host::build::BuildOptions;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BuildArguments {
    /// The plugin's directory: a Rust crate, or a JavaScript or Python project with a section for Hookwright.
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// The file to write; `NAME.wasm` by the directory's name if it is left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The directory of the fixtures to pack, instead of the plugin's own.
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: BuildArguments) -> Result<ExitCode, Failure> {
    let BuildArguments { directory, output, fixtures, json } = arguments;
    let options = BuildOptions { fixtures, ..BuildOptions::default() };
    let built = component::build(&directory, options).await?;
    let output = output.unwrap_or_else(|| default_output(&directory));
    std::fs::write(&output, &built.component)
        .map_err(|error| told(format!("cannot write {}: {error}", output.display())))?;
    let digest = Digest::of(&built.component).to_string();
    let size = built.component.len();
    if json {
        print_json(&json!({
            "file": output.display().to_string(),
            "language": built.project.language.as_str(),
            "name": built.project.metadata.name,
            "version": built.project.metadata.version,
            "size_bytes": size,
            "digest": digest,
            "fixtures": built.fixtures,
        }))?;
    } else {
        let fixtures = built.fixtures;
        print(&format!("{}: {size} bytes, {fixtures} fixtures, digest {}", output.display(), short(&digest)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn default_output(directory: &Path) -> PathBuf {
    let whole = directory.canonicalize().unwrap_or_default();
    let name = whole.file_name().map_or("plugin".into(), |name| name.to_string_lossy());
    PathBuf::from(format!("{name}.wasm"))
}
