//! `serve`: runs the gateway until it is told to stop.

use super::failure::Failure;
use super::settings::SettingsArguments;
use crate::serve::{self, Options, log};
use std::process::ExitCode;

pub(super) async fn run(arguments: &SettingsArguments) -> Result<ExitCode, Failure> {
    let loaded = arguments.load()?;
    log::start(&loaded.config.log);
    let running = serve::start(loaded.config, Options::default()).await?;
    if let Some(path) = &running.made_key {
        eprintln!("hookwright: {}", serve::word_about_key(path));
    }
    tracing::info!(public = %running.public, admin = %running.admin, "the gateway is up");
    serve::told_to_stop().await?;
    tracing::info!("stopping: what is under way is finished first; a second signal ends at once");
    tokio::select! {
        () = running.stop() => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        // As safe as a crash: what was acknowledged is on disk, and goes on after the next start.
        told = serve::told_to_stop() => {
            told?;
            tracing::warn!("stopped at once");
            Ok(ExitCode::FAILURE)
        }
    }
}
