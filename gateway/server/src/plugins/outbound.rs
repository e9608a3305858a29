//! Asking a subscription's plugin to reshape an event.

use super::{PINNED_MAX, Plugins, kept_log, verdict};
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, SubscriptionId};
use hookwright_core::subscription::Transform;
pub use hookwright_plugin_host::outbound::SendRequest;
use hookwright_plugin_host::outbound::{Decision, OutboundDelivery, OutboundEvent};
use hookwright_plugin_host::{CallContext, CallFailure, PluginVersion};
use std::sync::{Arc, PoisonError};

/// The version of a binding that follows the plugin's active one.
const ACTIVE: &str = "active";

/// What is to be reshaped, for whom.
#[derive(Clone, Copy, Debug)]
pub struct TransformCall<'a> {
    /// The plugin and its settings.
    pub binding: &'a Transform,
    /// The event.
    pub event: &'a Event,
    /// Where it goes.
    pub subscription_id: SubscriptionId,
    /// What that is called.
    pub subscription_name: &'a str,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The attempt's number, from 1.
    pub attempt: u32,
}

/// What became of it.
#[derive(Debug)]
pub struct TransformResult {
    /// What to do.
    pub outcome: Transformed,
    /// The version that was asked.
    pub digest: Option<String>,
    /// What it wrote, for the sealed record.
    pub logs: Vec<String>,
}

/// What to do with a delivery.
#[derive(Debug)]
pub enum Transformed {
    /// Send this.
    Send(SendRequest),
    /// Send nothing.
    Skip {
        /// Why, in the plugin's words.
        reason: String,
    },
    /// No decision was reached.
    Fault {
        /// A stable code, such as `plugin_trap` or `plugin_fault`.
        code: &'static str,
        /// A sentence without any value of the event.
        detail: String,
        /// Whether the same may succeed later.
        retryable: bool,
    },
}

impl Plugins {
    /// Asks the binding's plugin to shape a request for an event. Whatever the plugin does, there is a result.
    pub async fn transform(&self, call: TransformCall<'_>) -> TransformResult {
        let version = match self.bound(call.binding).await {
            Ok(version) => version,
            Err(outcome) => return TransformResult { outcome, digest: None, logs: Vec::new() },
        };
        let context = CallContext {
            plugin: call.binding.plugin.clone(),
            binding_id: call.subscription_id.to_string(),
            binding_name: call.subscription_name.to_owned(),
            subject_id: call.delivery_id.to_string(),
            attempt: call.attempt,
            now_ms: self.clock.now_ms(),
            settings: call.binding.settings.to_string(),
            attributes: Vec::new(),
        };
        let event = OutboundEvent {
            id: call.event.id.to_string(),
            event_type: call.event.event_type.as_str().to_owned(),
            created_at_ms: call.event.created_at,
            data: call.event.data.to_string(),
            attributes: Vec::new(),
        };
        let delivery = OutboundDelivery {
            id: call.delivery_id.to_string(),
            subscription_id: call.subscription_id.to_string(),
            subscription_name: call.subscription_name.to_owned(),
            attributes: Vec::new(),
        };
        let called = self.host.transform(&version, context, event, delivery, self.outbound_limits).await;
        let mut logs = kept_log(called.log, called.log_truncated);
        let outcome = match called.result {
            Ok(Decision::Send(request)) => Transformed::Send(request),
            Ok(Decision::Skip { reason }) => Transformed::Skip { reason },
            Err(failure) => {
                logs.push(format!("host: {failure}"));
                fault(failure)
            }
        };
        TransformResult { outcome, digest: Some(version.digest().to_string()), logs }
    }

    /// The version that a binding names.
    async fn bound(&self, binding: &Transform) -> Result<Arc<PluginVersion>, Transformed> {
        if binding.version == ACTIVE {
            return self.active(&binding.plugin).ok_or_else(missing);
        }
        let active = self.active(&binding.plugin);
        if let Some(active) = active.filter(|active| active.digest().to_string() == binding.version) {
            return Ok(active);
        }
        if let Some(version) = self.recall(&binding.version) {
            return Ok(version);
        }
        match self.load(&binding.version).await {
            Ok(Ok(version)) => {
                self.remember(&binding.version, &version);
                Ok(version)
            }
            Ok(Err(why)) => {
                self.trouble(&format!("{}@{}", binding.plugin, binding.version), why);
                Err(missing())
            }
            Err(error) => {
                tracing::error!(error = %crate::problem::chain(&error), "a pinned plugin version cannot be read");
                let detail = "the plugin's version cannot be read from the store at the moment".to_owned();
                Err(Transformed::Fault { code: "plugin_unavailable", detail, retryable: true })
            }
        }
    }

    fn recall(&self, digest: &str) -> Option<Arc<PluginVersion>> {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let at = pinned.iter().position(|(known, _)| known == digest)?;
        let entry = pinned.remove(at);
        let version = Arc::clone(&entry.1);
        pinned.push(entry);
        Some(version)
    }

    fn remember(&self, digest: &str, version: &Arc<PluginVersion>) {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        // Two deliveries may have compiled it at the same time.
        if pinned.iter().any(|(known, _)| known == digest) {
            return;
        }
        if pinned.len() == PINNED_MAX {
            pinned.remove(0);
        }
        pinned.push((digest.to_owned(), Arc::clone(version)));
    }
}

fn missing() -> Transformed {
    let detail = "the subscription's plugin, or the version it names, is not there".to_owned();
    Transformed::Fault { code: "plugin_missing", detail, retryable: true }
}

fn fault(failure: CallFailure) -> Transformed {
    let code = verdict::code_of(&failure);
    // A plugin that crashes on an event today may be replaced tomorrow: only what the plugin itself calls final is final.
    let retryable = !matches!(&failure, CallFailure::Fault(fault) if !fault.retryable);
    let detail = match failure {
        CallFailure::Fault(fault) => {
            let place = fault.location.map(|location| format!(" at {location}")).unwrap_or_default();
            format!("{}: {}{place}", fault.code, fault.message)
        }
        CallFailure::Trap { .. } => "the plugin crashed".to_owned(),
        other => other.to_string(),
    };
    Transformed::Fault { code, detail, retryable }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_plugin_host::outbound;

    fn own(retryable: bool) -> CallFailure {
        CallFailure::Fault(outbound::Fault {
            code: "malformed".to_owned(),
            message: "an order has no lines".to_owned(),
            location: Some("/lines".to_owned()),
            retryable,
            attributes: Vec::new(),
        })
    }

    #[test]
    fn only_what_the_plugin_calls_final_is_final() {
        let cases = [
            (own(false), "plugin_fault", false),
            (own(true), "plugin_fault", true),
            (CallFailure::QueueFull, "plugin_busy", true),
            (CallFailure::Trap { message: "unreachable".to_owned() }, "plugin_trap", true),
        ];
        for (failure, expected, again) in cases {
            let Transformed::Fault { code, retryable, detail } = fault(failure) else { panic!("a failure is a fault") };
            assert_eq!((code, retryable), (expected, again), "{detail}");
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let Transformed::Fault { detail, .. } = fault(own(false)) else { panic!("a failure is a fault") };
        assert_eq!(detail, "malformed: an order has no lines at /lines");
    }
}
