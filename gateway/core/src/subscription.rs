//! A subscription: an external system's registration to receive events.

use crate::delivery_options::DeliveryOptions;
use crate::id::SubscriptionId;
use crate::pattern::{EventPattern, EventType};
use crate::retry::RetryPolicy;
use crate::secret::LiveSecret;
use serde::{Deserialize, Serialize};

/// A subscription as stored. Its fields are those of `spec/webhooks-system.md`, plus what the design adds.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Where deliveries go.
    pub url: String,
    /// The signing secrets, newest first; at least one. Those whose overlap has ended go with the next change.
    pub secrets: Vec<LiveSecret>,
    /// What it wants.
    pub events: Vec<EventPattern>,
    /// Whether new events are delivered to it.
    pub active: bool,
    /// How failed deliveries are repeated.
    pub retry_policy: RetryPolicy,
    /// How many repeats after the first attempt, at most.
    pub max_retries: u32,
    /// A name for people, e.g. `Klaviyo`.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// The plugin that reshapes its deliveries, if any.
    pub transform: Option<Transform>,
    /// Headers added to every delivery.
    pub headers: Vec<(String, String)>,
    /// The deadline of one whole exchange, in milliseconds.
    pub timeout_ms: u32,
    /// How many deliveries may be on their way at once.
    pub max_in_flight: u32,
    /// What is said less often.
    pub options: DeliveryOptions,
    /// Creation, unix milliseconds.
    pub created_at: i64,
    /// Last change, unix milliseconds.
    pub updated_at: i64,
    /// Why it is not active, where the gateway or an operator said so.
    pub disabled_reason: Option<String>,
    /// Grows with every change; the `ETag`.
    pub version: i64,
}

impl Subscription {
    /// Whether an event of this type, committed now, goes to this subscription.
    pub fn wants(&self, event_type: &EventType) -> bool {
        self.active && self.events.iter().any(|pattern| pattern.matches(event_type))
    }
}

/// A subscription's binding to an outbound plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// The plugin's name.
    pub plugin: String,
    /// Which version: `active`, or a digest of one.
    #[serde(default = "active")]
    pub version: String,
    /// The plugin's settings for this binding, a JSON object.
    #[serde(default = "no_settings")]
    pub settings: serde_json::Value,
    /// What becomes of a delivery whose transform failed.
    #[serde(default)]
    pub on_error: OnError,
    /// The deadline of one call, in milliseconds, where it is not the gateway's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
}

fn active() -> String {
    "active".to_owned()
}

fn no_settings() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

/// What becomes of a delivery whose transform failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// An attempt like any other: repeated by the retry policy.
    #[default]
    Retry,
    /// The delivery fails at once and waits for an operator.
    DeadLetter,
    /// The envelope is sent as it would be without a plugin.
    PassThrough,
    /// The delivery ends, with the reason on record.
    Skip,
}
