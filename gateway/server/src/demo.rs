//! The demonstration: a partner's call becomes a signed delivery, on real parts, before one's eyes.
//!
//! Everything goes over HTTP as it would in production: the demo is a partner, an operator, the platform and a subscriber at once. Only the process is shared.

mod guests;
mod narrator;
mod paint;
mod report;
mod stage;
mod story;
mod suggestions;

use crate::client::ClientError;
use crate::config::BadConfig;
use crate::serve::ServeError;
use hookwright_plugin_host::build::BuildError;
use http::StatusCode;
use narrator::Narrator;
use std::path::PathBuf;

pub use report::{Received, Report};

/// How the demo is run.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    /// End after the story instead of staying up.
    pub once: bool,
    /// Say nothing; the report is for a program.
    pub silent: bool,
    /// Take the plugins' components from here instead of building them.
    pub components: Option<PathBuf>,
}

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The plugins' crates are nowhere to be found.
    #[error(
        "the plugins' source is not here: run the demo inside the checkout, or name a directory with their components (--components)"
    )]
    NoCheckout,
    /// A plugin cannot be built.
    #[error("cannot build the plugins")]
    Build(#[from] BuildError),
    /// A component cannot be read.
    #[error("cannot read {}", path.display())]
    Component {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A background task died.
    #[error("a task of the demo died")]
    Task {
        /// Of what.
        #[source]
        source: tokio::task::JoinError,
    },
    /// The temporary place cannot be had, or a port.
    #[error("cannot {what}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The demo's own configuration is not valid.
    #[error("the demo's configuration is not valid")]
    Config(#[from] BadConfig),
    /// The gateway does not start.
    #[error("the gateway does not start")]
    Serve(#[from] ServeError),
    /// A request has no answer.
    #[error("a request of the demo has no answer")]
    Client(#[from] ClientError),
    /// A request has an answer that the demo did not count on.
    #[error("{what}: the gateway answered {status}: {detail}")]
    Answer {
        /// What was attempted.
        what: &'static str,
        /// The status.
        status: StatusCode,
        /// What the gateway said.
        detail: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s")]
    Late {
        /// What.
        what: &'static str,
        /// How long the demo waited.
        seconds: u64,
    },
}

/// Runs the demo: to its end with `once`, otherwise until the process is told to stop.
pub async fn run(options: DemoOptions) -> Result<Report, DemoError> {
    let mut narrator = Narrator::new(options.silent);
    let mut stage = stage::Stage::set(&options, &mut narrator).await?;
    let report = story::tell(&mut stage, &mut narrator).await;
    if let (Ok(report), false) = (&report, options.once) {
        suggestions::print(&stage, report, &narrator);
        stage.stay(&narrator).await?;
    }
    stage.end().await;
    report
}
