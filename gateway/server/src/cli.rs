//! The command line: what can be asked for, and with which exit code it ends (0 done, 1 failed, 2 not a valid command).

mod api;
mod body;
mod check_config;
mod demo;
mod failure;
mod keys;
mod migrate;
mod output;
mod plugin;
mod progress;
mod scheme;
mod serve;
mod settings;
mod sign;
mod sink;
mod subscriptions;
mod table;
mod verify;

pub(crate) use sign::quote;

use clap::{Parser, Subcommand};
use failure::{Failure, Usage};
use hookwright_plugin_host::child::main_if_child;
use std::process::ExitCode;

/// A WebAssembly-extensible webhook gateway: partners post, plugins read, subscribers receive.
#[derive(Debug, Parser)]
#[command(name = "hookwright", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway until it is told to stop (SIGTERM or Ctrl-C).
    Serve(settings::SettingsArguments),
    /// Show everything at work: a partner's call becomes a signed delivery, on a fresh database in a temporary place.
    Demo(demo::DemoArguments),
    /// Check the configuration and print what is in effect, secrets left out.
    CheckConfig(check_config::CheckConfigArguments),
    /// Create the database or bring its schema up to date; or move all records to PostgreSQL.
    Migrate(migrate::MigrateArguments),
    /// Manage API keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Manage the subscriptions of a running gateway.
    #[command(subcommand)]
    Subscriptions(subscriptions::SubscriptionsCommand),
    /// Receive webhooks: verify and print them, and answer as told.
    Sink(sink::SinkArguments),
    /// Sign a body as a partner would.
    Sign(sign::SignArguments),
    /// Verify a request's headers and body.
    Verify(verify::VerifyArguments),
    /// Build plugins and push them to a running gateway.
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    // First of all: this program is also the compiler that it starts.
    if let Some(ended) = main_if_child() {
        return ended;
    }
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::from(error)),
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(code) => code,
        Err(failure) => fail(&failure),
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(arguments) => serve::run(&arguments).await,
        Command::Demo(arguments) => demo::run(&arguments).await,
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Subscriptions(command) => subscriptions::run(command).await,
        Command::Sink(arguments) => sink::run(arguments).await,
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Plugin(command) => plugin::run(command).await,
    }
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("hookwright: {}", failure::chain(failure.as_ref()));
    ExitCode::from(if failure.is::<Usage>() { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
