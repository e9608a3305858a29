//! Trials: what a version would make of messages and deliveries that are on record, compared with what happened then. Nothing follows from a trial.

use super::load::NoCode;
use super::shelf::Loaded;
use super::tally::{redacted, shown_values};
use super::{Plugins, TransformCall};
use crate::problem::chain;
use hookwright_core::delivery::{Attempt, Delivery};
use hookwright_core::event::Event;
use hookwright_core::message::{Message, Parsed};
use hookwright_core::plugin::PluginPolicy;
use hookwright_core::source::Source;
use hookwright_core::subscription::{Subscription, Transform};
use hookwright_plugin_host::fixture::{differences, shown_decision};
use hookwright_plugin_host::{Called, PluginVersion, World};
use hookwright_store::StoreError;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A version that is tried.
pub struct Tried {
    loaded: Arc<Loaded>,
    policy: PluginPolicy,
}

impl Tried {
    /// Its digest.
    pub fn digest(&self) -> String {
        self.loaded.digest()
    }

    /// Which direction it serves.
    pub fn world(&self) -> World {
        self.loaded.version.world()
    }

    /// Its code.
    pub(super) fn code(&self) -> &Arc<PluginVersion> {
        &self.loaded.version
    }
}

/// One message or delivery, tried.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The message or delivery.
    pub subject_id: String,
    /// The delivery's event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// What happened then.
    pub then: Side,
    /// What the tried version makes of it.
    pub now: Side,
    /// Whether both come to the same.
    pub equal: bool,
    /// Where they differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<String>,
}

/// One side of a comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// The version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What it came to: `accepted`, `ignored`, `refused`, `failed`, `send`, `skip`, `fault`, or `none` where nothing was called.
    pub outcome: String,
    /// How long the call took, in microseconds, where it was made now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micros: Option<u64>,
}

/// What a side came to, and the whole of it for comparing.
struct Came {
    side: Side,
    value: Value,
}

impl Plugins {
    /// A version of a plugin to be tried; it need not be one that serves, and may be in quarantine.
    pub async fn to_try(&self, plugin: &str, digest: &str) -> Result<Option<Tried>, StoreError> {
        let record = self.record(plugin).await?;
        let Some(record) = record else { return Ok(None) };
        match self.loaded(plugin, digest).await {
            Ok(loaded) => Ok(Some(Tried { loaded, policy: PluginPolicy { reuse: 1, ..record.policy } })),
            Err(NoCode::Store(error)) => Err(error),
            Err(error) => {
                tracing::warn!(plugin, digest, error = %chain(&error), "a version that was to be tried cannot be loaded");
                Ok(None)
            }
        }
    }

    /// Tries a message. With `reveal`, differences show values.
    pub async fn try_message(&self, tried: &Tried, source: &Source, message: &Message, reveal: bool) -> Trial {
        let subject_id = message.id.to_string();
        let called = self.read(&tried.loaded.version, tried.policy, source, &subject_id, &message.raw).await;
        let micros = micros(&called);
        let now = match self.understood(source, &tried.loaded.version, called, 0) {
            Ok(result) => parsed(&result.parsed, result.digest, Some(micros)),
            Err(busy) => Came {
                side: Side { digest: Some(tried.digest()), outcome: "busy".to_owned(), micros: None },
                value: json!({ "failed": busy.to_string() }),
            },
        };
        let then = match &message.parsed {
            Some(found) => parsed(found, message.plugin_digest.clone(), None),
            None => nothing(),
        };
        trial(subject_id, None, then, now, reveal)
    }

    /// Tries a delivery. What its request was then is not on record; the version of then is asked again, with the very same arguments, and answers the same.
    pub async fn try_delivery(
        &self,
        tried: &Tried,
        subscription: &Subscription,
        (delivery, attempts): (&Delivery, &[Attempt]),
        event: &Event,
        reveal: bool,
    ) -> Option<Trial> {
        let binding = subscription.transform.as_ref()?;
        let attempt = attempts.iter().rev().find(|attempt| attempt.plugin_digest.is_some());
        let call = call(subscription, binding, delivery, attempt, event);
        let now = self.shape(&tried.loaded.version, tried.policy, &call).await;
        let now = decided(&now, tried.digest());
        let then = match attempt {
            Some(attempt) => self.then(binding, attempt, &call, tried.policy).await,
            None => nothing(),
        };
        Some(trial(delivery.id.to_string(), Some(event.id.to_string()), then, now, reveal))
    }

    async fn then(
        &self,
        binding: &Transform,
        attempt: &Attempt,
        call: &TransformCall<'_>,
        policy: PluginPolicy,
    ) -> Came {
        let digest = attempt.plugin_digest.clone().unwrap_or_default();
        let failed = attempt.error.as_ref().filter(|error| error.kind.starts_with("plugin_"));
        if let Some(error) = failed.filter(|error| !error.kind.starts_with("plugin_fault")) {
            let side = Side { digest: Some(digest), outcome: error.kind.clone(), micros: None };
            return Came { side, value: json!({ "failure": { "kind": error.kind } }) };
        }
        match self.loaded(&binding.plugin, &digest).await {
            Ok(loaded) => {
                let mut came = decided(&self.shape(&loaded.version, policy, call).await, digest);
                came.side.micros = None;
                came
            }
            Err(error) => {
                let side = Side { digest: Some(digest), outcome: "unknown".to_owned(), micros: None };
                Came { side, value: json!({ "unknown": chain(&error) }) }
            }
        }
    }
}

fn call<'a>(
    subscription: &'a Subscription,
    binding: &'a Transform,
    delivery: &Delivery,
    attempt: Option<&Attempt>,
    event: &'a Event,
) -> TransformCall<'a> {
    TransformCall {
        binding,
        event,
        subscription_id: subscription.id,
        subscription_name: &subscription.name,
        delivery_id: delivery.id,
        attempt: attempt.map_or(1, |attempt| attempt.number),
        started_at: attempt.map_or(event.created_at, |attempt| attempt.started_at),
    }
}

fn trial(subject_id: String, event_id: Option<String>, then: Came, now: Came, reveal: bool) -> Trial {
    let found = differences(&then.value, &now.value);
    let differences = if reveal { shown_values(&found) } else { redacted(&found) };
    Trial { subject_id, event_id, then: then.side, now: now.side, equal: found.is_empty(), differences }
}

fn nothing() -> Came {
    Came { side: Side { digest: None, outcome: "none".to_owned(), micros: None }, value: Value::Null }
}

fn parsed(parsed: &Parsed, digest: Option<String>, micros: Option<u64>) -> Came {
    let outcome = match parsed {
        Parsed::Accepted { .. } => "accepted",
        Parsed::Ignored { .. } => "ignored",
        Parsed::NeedFetch(_) => "need_fetch",
        Parsed::Refused(_) => "refused",
        Parsed::Failed(_) => "failed",
    };
    // Its fields are texts, numbers and lists: it cannot fail to be JSON.
    let value = serde_json::to_value(parsed).unwrap_or_default();
    Came { side: Side { digest, outcome: outcome.to_owned(), micros }, value }
}

fn decided(called: &Called<hookwright_plugin_host::outbound::Decision>, digest: String) -> Came {
    let value = shown_decision(&called.result);
    let outcome = match &called.result {
        Ok(_) => value.as_object().and_then(|object| object.keys().next().cloned()).unwrap_or_default(),
        Err(failure) => super::verdict::code_of(failure).to_owned(),
    };
    Came { side: Side { digest: Some(digest), outcome, micros: Some(micros(called)) }, value }
}

fn micros<T>(called: &Called<T>) -> u64 {
    u64::try_from(called.duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::message::Reason;

    #[test]
    fn a_trial_tells_where_the_sides_differ_and_only_on_demand_what() {
        let refused = |location: &str| Parsed::Refused(Reason::new("malformed", "expected a text").at(location));
        let sides = || {
            let then = parsed(&refused("/patient/Ada"), Some("a".to_owned()), None);
            (then, parsed(&refused("/patient/id"), Some("b".to_owned()), Some(7)))
        };
        let ((then, now), (again, anew)) = (sides(), sides());
        let hidden = trial("msg_1".to_owned(), None, then, now, false);
        assert!(!hidden.equal && hidden.now.outcome == "refused");
        assert!(!format!("{:?}", hidden.differences).contains("Ada"));
        let shown = trial("msg_1".to_owned(), None, again, anew, true);
        assert!(format!("{:?}", shown.differences).contains("/patient/Ada"));
    }
}
