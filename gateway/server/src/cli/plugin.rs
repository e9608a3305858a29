//! `plugin`: from an empty folder to a version that serves. One file a command.

mod build;
mod component;
mod list;
mod push;

use super::failure::Failure;
use std::process::ExitCode;

/// Build plugins and push them.
#[derive(Debug, clap::Subcommand)]
pub(super) enum PluginCommand {
    /// Build a plugin's crate into one component file.
    Build(build::BuildArguments),
    /// Make a version the one that serves, without a restart and without losing a request.
    Push(push::PushArguments),
    /// List the plugins and the version of each that serves.
    List(list::ListArguments),
}

pub(super) async fn run(command: PluginCommand) -> Result<ExitCode, Failure> {
    match command {
        PluginCommand::Build(arguments) => build::run(arguments).await,
        PluginCommand::Push(arguments) => push::run(arguments).await,
        PluginCommand::List(arguments) => list::run(arguments).await,
    }
}

/// The first characters of a digest: enough to tell versions apart.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
