//! Asking a subscription's plugin to reshape an event.

use super::load::NoCode;
use super::shelf::{Beside, Choice, Loaded, NoVersion};
use super::{Plugins, kept_log, verdict};
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, SubscriptionId};
use hookwright_core::plugin::PluginPolicy;
use hookwright_core::subscription::Transform;
pub use hookwright_plugin_host::outbound::SendRequest;
use hookwright_plugin_host::outbound::{Decision, OutboundDelivery, OutboundEvent};
use hookwright_plugin_host::{CallContext, CallFailure, Called, PluginVersion, World};
use std::sync::Arc;

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
    /// When the attempt began, unix milliseconds; what the plugin is told as the time.
    pub started_at: i64,
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
        /// Whether the plugin itself says that it will not do better later.
        permanent: bool,
    },
}

impl Plugins {
    /// Asks the binding's plugin to shape a request for an event. Whatever the plugin does, there is a result.
    pub async fn transform(&self, call: TransformCall<'_>) -> TransformResult {
        let choice = match self.choose_outbound(&call).await {
            Ok(choice) => choice,
            Err(outcome) => return TransformResult { outcome, digest: None, logs: Vec::new() },
        };
        let called = self.shape(&choice.loaded.version, choice.policy, &call).await;
        let subject_id = call.event.id.to_string();
        self.observe(&choice, &subject_id, called.result.as_ref().err(), called.duration);
        self.compare_transform(&choice, &call, &called);
        let mut logs = kept_log(called.log, called.log_truncated);
        let outcome = match called.result {
            Ok(Decision::Send(request)) => Transformed::Send(request),
            Ok(Decision::Skip { reason }) => Transformed::Skip { reason },
            Err(failure) => {
                logs.push(format!("host: {failure}"));
                fault(failure)
            }
        };
        TransformResult { outcome, digest: Some(choice.loaded.digest()), logs }
    }

    /// Asks a version, whichever it is, with the very arguments of the delivery's own call. Nothing follows from it.
    pub(super) async fn shape(
        &self,
        version: &Arc<PluginVersion>,
        policy: PluginPolicy,
        call: &TransformCall<'_>,
    ) -> Called<Decision> {
        let context = CallContext {
            plugin: call.binding.plugin.clone(),
            binding_id: call.subscription_id.to_string(),
            binding_name: call.subscription_name.to_owned(),
            subject_id: call.delivery_id.to_string(),
            attempt: call.attempt,
            // The recorded time of the attempt, so that a repeated call has the same arguments.
            now_ms: call.started_at,
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
        let limits = self.limits(World::Outbound, call.binding.deadline_ms, policy.reuse);
        self.host.transform(version, context, event, delivery, limits).await
    }

    /// The version that a binding names.
    async fn choose_outbound(&self, call: &TransformCall<'_>) -> Result<Choice, Transformed> {
        let binding = call.binding;
        let shelved = self.shelf.load().get(&binding.plugin).cloned().ok_or_else(|| absent(NoVersion::Missing))?;
        if binding.version == ACTIVE {
            return shelved.choose(&call.subscription_id.to_string(), &call.event.id.to_string()).map_err(absent);
        }
        if shelved.quarantined.contains(&binding.version) {
            return Err(absent(NoVersion::Quarantined));
        }
        let active = shelved.active.clone().filter(|active| active.is(&binding.version));
        let loaded = match active.or_else(|| self.pinned.recall(&binding.plugin, &binding.version)) {
            Some(loaded) => loaded,
            None => self.load_pinned(&binding.plugin, &binding.version).await?,
        };
        Ok(Choice { loaded, policy: shelved.record.policy, beside: Beside::Nothing })
    }

    async fn load_pinned(&self, plugin: &str, digest: &str) -> Result<Arc<Loaded>, Transformed> {
        match self.loaded(plugin, digest).await {
            Ok(loaded) => {
                self.pinned.remember(&loaded);
                Ok(loaded)
            }
            Err(NoCode::Store(error)) => {
                tracing::error!(error = %crate::problem::chain(&error), "a pinned plugin version cannot be read");
                let detail = "the plugin's version cannot be read from the store at the moment".to_owned();
                Err(Transformed::Fault { code: "plugin_unavailable", detail, permanent: false })
            }
            Err(error) => {
                self.trouble(&format!("{plugin}@{digest}"), Some(digest.to_owned()), &error);
                Err(absent(NoVersion::Missing))
            }
        }
    }
}

fn absent(why: NoVersion) -> Transformed {
    let (code, detail) = match why {
        NoVersion::Missing => ("plugin_missing", "the subscription's plugin, or the version it names, is not there"),
        NoVersion::Quarantined => ("plugin_quarantined", "the version that the subscription names is in quarantine"),
    };
    Transformed::Fault { code, detail: detail.to_owned(), permanent: false }
}

fn fault(failure: CallFailure) -> Transformed {
    let code = verdict::code_of(&failure);
    // A plugin that crashes on an event today may be replaced tomorrow: only what the plugin itself calls final is final.
    let permanent = matches!(&failure, CallFailure::Fault(fault) if !fault.retryable);
    let detail = match failure {
        CallFailure::Fault(fault) => {
            let place = fault.location.map(|location| format!(" at {location}")).unwrap_or_default();
            format!("{}: {}{place}", fault.code, fault.message)
        }
        CallFailure::Trap { .. } => "the plugin crashed".to_owned(),
        other => other.to_string(),
    };
    Transformed::Fault { code, detail, permanent }
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
            (own(false), "plugin_fault_permanent", true),
            (own(true), "plugin_fault_retryable", false),
            (CallFailure::QueueFull, "plugin_busy", false),
            (CallFailure::Trap { message: "unreachable".to_owned() }, "plugin_trap", false),
        ];
        for (failure, expected, final_) in cases {
            let Transformed::Fault { code, permanent, detail } = fault(failure) else { panic!("a failure is a fault") };
            assert_eq!((code, permanent), (expected, final_), "{detail}");
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place() {
        let Transformed::Fault { detail, .. } = fault(own(false)) else { panic!("a failure is a fault") };
        assert_eq!(detail, "malformed: an order has no lines at /lines");
    }
}
