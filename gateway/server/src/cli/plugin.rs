//! `plugin`: from an empty folder to a version that serves. One file a command.

mod activate;
mod bench;
mod build;
mod canary;
mod component;
mod inspect;
mod limits;
mod list;
mod new;
mod order;
mod pack;
mod push;
mod record;
mod reprocess;
mod rollback;
mod run;
mod set;
mod show;
mod snapshot;
mod test;
mod trial;
mod try_version;
mod versions;

use super::failure::Failure;
use std::process::ExitCode;

/// Make plugins, build and test them, and push them to a running gateway.
#[derive(Debug, clap::Subcommand)]
pub(super) enum PluginCommand {
    /// Make the directory of a new plugin, which builds as it is.
    New(new::NewArguments),
    /// Build a plugin's directory into one component file.
    Build(build::BuildArguments),
    /// Ask a plugin what its fixtures ask, in the host and within the limits that the gateway has.
    Test(test::TestArguments),
    /// Give a plugin one request or event, and print what it answers.
    ///
    /// The exit code is 0 for any answer, a refusal, a fault and a skipped delivery too, and 1 if the plugin failed and gave
    /// none. What it logs goes to standard error.
    Run(run::RunArguments),
    /// Measure plugins: size, compilation, and calls by the second.
    Bench(bench::BenchArguments),
    /// Show what a component is: world, imports, metadata, size, digest, fixtures.
    Inspect(inspect::InspectArguments),
    /// Put fixtures and metadata into a component, whichever toolchain made it.
    Pack(pack::PackArguments),
    /// Make a version the one that serves, without a restart and without losing a request.
    Push(push::PushArguments),
    /// List the plugins and the version of each that serves.
    List(list::ListArguments),
    /// Show where a plugin's pointers stand, how it is run, and what troubles it.
    Show(show::ShowArguments),
    /// List the versions that are kept of a plugin.
    Versions(versions::VersionsArguments),
    /// Make a kept version the one that serves.
    Activate(activate::ActivateArguments),
    /// Make the version that served before serve again.
    Rollback(rollback::RollbackArguments),
    /// Change how a plugin is run.
    Set(set::SetArguments),
    #[command(subcommand)]
    Canary(canary::CanaryCommand),
    /// Show what a version would make of what is on record, without any effect.
    Try(try_version::TryArguments),
    /// Take up the quarantined messages of a plugin's sources again.
    Reprocess(reprocess::ReprocessArguments),
    /// Write fixtures made of what is on record, with every value replaced.
    Record(record::RecordArguments),
}

pub(super) async fn run(command: PluginCommand) -> Result<ExitCode, Failure> {
    match command {
        PluginCommand::New(arguments) => new::run(&arguments),
        PluginCommand::Build(arguments) => build::run(arguments).await,
        PluginCommand::Test(arguments) => test::run(arguments).await,
        PluginCommand::Run(arguments) => run::run(arguments).await,
        PluginCommand::Bench(arguments) => bench::run(arguments).await,
        PluginCommand::Inspect(arguments) => inspect::run(arguments).await,
        PluginCommand::Pack(arguments) => pack::run(&arguments),
        PluginCommand::Push(arguments) => push::run(arguments).await,
        PluginCommand::List(arguments) => list::run(arguments).await,
        PluginCommand::Show(arguments) => show::run(arguments).await,
        PluginCommand::Versions(arguments) => versions::run(arguments).await,
        PluginCommand::Activate(arguments) => activate::run(arguments).await,
        PluginCommand::Rollback(arguments) => rollback::run(arguments).await,
        PluginCommand::Set(arguments) => set::run(arguments).await,
        PluginCommand::Canary(command) => canary::run(command).await,
        PluginCommand::Try(arguments) => try_version::run(arguments).await,
        PluginCommand::Reprocess(arguments) => reprocess::run(arguments).await,
        PluginCommand::Record(arguments) => record::run(arguments).await,
    }
}

/// The first characters of a digest: enough to tell versions apart.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
