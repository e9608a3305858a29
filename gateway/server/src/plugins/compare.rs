//! A candidate in the shadow: it gets the calls of its share beside the version that serves, and its answers are compared and thrown away.

use super::Plugins;
use super::observe::is_error;
use super::outbound::TransformCall;
use super::shelf::{Beside, Candidate, Choice};
use super::tally::{Sample, Went, redacted};
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, SubscriptionId};
use hookwright_core::message::RawMessage;
use hookwright_core::source::Source;
use hookwright_core::subscription::Transform;
use hookwright_plugin_host::fixture::{differences, shown_decision, shown_outcome};
use hookwright_plugin_host::inbound::Outcome;
use hookwright_plugin_host::outbound::Decision;
use hookwright_plugin_host::{CallFailure, Called};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// What the version that serves made of the call.
struct Original {
    shown: Value,
    failed: bool,
    took: Duration,
}

impl Plugins {
    /// Gives a message to the candidate, too, if its share has it. The caller does not wait for it.
    pub(super) fn compare_parse(
        &self,
        choice: &Choice,
        source: &Source,
        subject_id: &str,
        raw: &RawMessage,
        called: &Called<Outcome>,
    ) {
        let Some((plugins, candidate)) = self.begin(choice) else { return };
        let original = original(called, shown_outcome);
        let (source, subject_id, raw, policy) = (source.clone(), subject_id.to_owned(), raw.clone(), choice.policy);
        tokio::spawn(async move {
            let version = &candidate.loaded.version;
            let second = plugins.read(version, policy, &source, &subject_id, &raw).await;
            plugins.compared(&candidate, &subject_id, &original, &second, shown_outcome);
        });
    }

    /// The same for a delivery.
    pub(super) fn compare_transform(&self, choice: &Choice, call: &TransformCall<'_>, called: &Called<Decision>) {
        let Some((plugins, candidate)) = self.begin(choice) else { return };
        let original = original(called, shown_decision);
        let (owned, policy) = (OwnedCall::of(call), choice.policy);
        tokio::spawn(async move {
            let call = owned.borrowed();
            let second = plugins.shape(&candidate.loaded.version, policy, &call).await;
            let subject_id = call.event.id.to_string();
            plugins.compared(&candidate, &subject_id, &original, &second, shown_decision);
        });
    }

    fn begin(&self, choice: &Choice) -> Option<(Arc<Self>, Arc<Candidate>)> {
        let Beside::Compares(candidate) = &choice.beside else { return None };
        if !candidate.tally.begin_comparison() {
            candidate.tally.left_out();
            return None;
        }
        Some((self.me.upgrade()?, Arc::clone(candidate)))
    }

    fn compared<T>(
        &self,
        candidate: &Arc<Candidate>,
        subject_id: &str,
        original: &Original,
        second: &Called<T>,
        shown: impl Fn(&Result<T, CallFailure>) -> Value,
    ) {
        candidate.tally.end_comparison();
        let went = match &second.result {
            // The host had no room for it: that says nothing of the candidate.
            Err(CallFailure::QueueFull | CallFailure::Unavailable { .. }) => return candidate.tally.left_out(),
            Err(failure) if is_error(failure) && !original.failed => Went::Failed(self.sample(subject_id, failure)),
            result => match differences(&original.shown, &shown(result)) {
                found if found.is_empty() => Went::Equal,
                found => Went::Differs(Sample {
                    subject_id: subject_id.to_owned(),
                    at: self.clock.now_ms(),
                    differences: redacted(&found),
                }),
            },
        };
        self.breaker(&candidate.loaded, self.policy_of(&candidate.loaded.plugin), second.result.as_ref().err());
        self.judge(candidate, went, second.duration, Some(original.took));
    }

    fn policy_of(&self, plugin: &str) -> hookwright_core::plugin::PluginPolicy {
        self.shelf.load().get(plugin).map(|shelved| shelved.record.policy).unwrap_or_default()
    }
}

fn original<T>(called: &Called<T>, shown: impl Fn(&Result<T, CallFailure>) -> Value) -> Original {
    let failed = called.result.as_ref().err().is_some_and(is_error);
    Original { shown: shown(&called.result), failed, took: called.duration }
}

/// A call whose arguments outlive the delivery's own.
struct OwnedCall {
    binding: Transform,
    event: Event,
    subscription_id: SubscriptionId,
    subscription_name: String,
    delivery_id: DeliveryId,
    attempt: u32,
    started_at: i64,
}

impl OwnedCall {
    fn of(call: &TransformCall<'_>) -> Self {
        Self {
            binding: call.binding.clone(),
            event: call.event.clone(),
            subscription_id: call.subscription_id,
            subscription_name: call.subscription_name.to_owned(),
            delivery_id: call.delivery_id,
            attempt: call.attempt,
            started_at: call.started_at,
        }
    }

    fn borrowed(&self) -> TransformCall<'_> {
        TransformCall {
            binding: &self.binding,
            event: &self.event,
            subscription_id: self.subscription_id,
            subscription_name: &self.subscription_name,
            delivery_id: self.delivery_id,
            attempt: self.attempt,
            started_at: self.started_at,
        }
    }
}
