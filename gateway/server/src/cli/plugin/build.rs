//! `plugin build`: a directory becomes one component file.

use super::component;
use crate::cli::failure::{Failure, told};
use crate::cli::output::print;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BuildArguments {
    /// The crate's directory.
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// The file to write; `NAME.wasm` by the directory's name if it is left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(arguments: BuildArguments) -> Result<ExitCode, Failure> {
    let BuildArguments { directory, output } = arguments;
    let component = component::build(directory.clone()).await?;
    let output = output.unwrap_or_else(|| default_output(&directory));
    std::fs::write(&output, &component).map_err(|error| told(format!("cannot write {}: {error}", output.display())))?;
    print(&format!("{}: {} bytes", output.display(), component.len()))?;
    Ok(ExitCode::SUCCESS)
}

fn default_output(directory: &Path) -> PathBuf {
    let whole = directory.canonicalize().unwrap_or_default();
    let name = whole.file_name().map_or("plugin".into(), |name| name.to_string_lossy());
    PathBuf::from(format!("{name}.wasm"))
}
