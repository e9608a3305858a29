//! A delivery's pass through the plugin that its subscription names.

use super::decide::SKIPPED_BY_PLUGIN;
use super::outgoing::Shaped;
use crate::plugins::{Plugins, SendRequest, TransformCall, Transformed};
use hookwright_core::delivery::{AttemptError, Pending};
use hookwright_core::event::Event;
use hookwright_core::subscription::{Subscription, Transform};
use http::{HeaderValue, Method};

/// What a plugin made of a delivery.
pub(super) enum Reshaped {
    /// This is to be sent.
    Send(Shaped),
    /// Nothing is to be sent, for the plugin's reason.
    Skip(AttemptError),
    /// The plugin failed, or there is none.
    Failed {
        /// How.
        error: AttemptError,
        /// Whether the plugin itself says that it will not do better later.
        permanent: bool,
    },
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

/// Asks the plugin, on the plugin host's own threads.
pub(super) async fn reshape(
    plugins: &Plugins,
    subscription: &Subscription,
    binding: &Transform,
    event: &Event,
    pending: &Pending,
    started_at: i64,
) -> Reshaping {
    let call = TransformCall {
        binding,
        event,
        subscription_id: subscription.id,
        subscription_name: &subscription.name,
        delivery_id: pending.id,
        attempt: pending.attempts.saturating_add(1),
        started_at,
    };
    let result = plugins.transform(call).await;
    let outcome = match result.outcome {
        Transformed::Send(request) => shaped(request),
        Transformed::Skip { reason } => {
            Reshaped::Skip(AttemptError { kind: SKIPPED_BY_PLUGIN.to_owned(), detail: reason })
        }
        Transformed::Fault { code, detail, permanent } => {
            Reshaped::Failed { error: AttemptError { kind: code.to_owned(), detail }, permanent }
        }
    };
    Reshaping { outcome, digest: result.digest, logs: result.logs }
}

/// The host has checked method and header values; what does not fit all the same is the plugin's failure.
fn shaped(request: SendRequest) -> Reshaped {
    let method = Method::from_bytes(request.method.as_bytes());
    let content_type = HeaderValue::from_str(&request.content_type);
    let (Ok(method), Ok(content_type)) = (method, content_type) else {
        let detail = "the plugin's request cannot be written as HTTP".to_owned();
        let error = AttemptError { kind: "plugin_output".to_owned(), detail };
        return Reshaped::Failed { error, permanent: false };
    };
    Reshaped::Send(Shaped { method, content_type, headers: request.headers, body: request.body })
}
