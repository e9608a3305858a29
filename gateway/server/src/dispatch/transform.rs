//! A delivery's pass through the plugin that its subscription names.

use super::outgoing::Shaped;
use crate::plugins::Plugins;
use hookwright_core::delivery::{AttemptError, Pending};
use hookwright_core::event::Event;
use hookwright_core::subscription::{Subscription, Transform};

/// What a plugin made of a delivery.
pub(super) enum Reshaped {
    /// This is to be sent.
    Send(Shaped),
    /// Nothing is to be sent.
    Skip,
    /// The plugin failed, or there is none.
    Failed(AttemptError),
}

/// What a plugin made of a delivery, and what is kept of the call.
pub(super) struct Reshaping {
    /// What it made.
    pub(super) outcome: Reshaped,
    /// Which version did.
    pub(super) digest: Option<String>,
    /// What it wrote.
    pub(super) logs: Vec<String>,
}

/// Asks the plugin.
pub(super) async fn reshape(
    _plugins: &Plugins,
    _subscription: &Subscription,
    _binding: &Transform,
    _event: &Event,
    _envelope: &[u8],
    _pending: &Pending,
) -> Reshaping {
    Reshaping {
        outcome: Reshaped::Failed(AttemptError {
            kind: "plugin_missing".to_owned(),
            detail: "there is no such plugin".to_owned(),
        }),
        digest: None,
        logs: Vec::new(),
    }
}
