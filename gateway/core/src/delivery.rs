//! A delivery: one event on its way to one subscription, and the attempts made for it.

use crate::event::Event;
use crate::id::{AttemptId, DeliveryId, EventId, SubscriptionId};
use std::fmt;
use std::sync::Arc;

/// A delivery that is not settled: one row of the small table that a restart reads.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its id.
    pub id: DeliveryId,
    /// The event to deliver.
    pub event_id: EventId,
    /// Where it goes.
    pub subscription_id: SubscriptionId,
    /// Attempts made so far, over all budgets. The next attempt has this number plus one, and only a finish that names it is accepted.
    pub attempts: u32,
    /// Attempts that were made before the present retry budget began; an operator's retry begins a new one.
    pub budget_from: u32,
    /// When the next attempt is due, unix milliseconds.
    pub due_at: i64,
    /// What it keeps its order with, as [`crate::event::order_of`] has it.
    pub order: Option<i64>,
    /// The event itself where it was committed a moment ago; otherwise it is loaded by its id.
    pub event: Option<Arc<Event>>,
}

impl Pending {
    /// Attempts made within the present retry budget.
    pub const fn budget_used(&self) -> u32 {
        self.attempts.saturating_sub(self.budget_from)
    }
}

/// The state of a delivery, in the words of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// No attempt was made yet.
    Pending,
    /// A 2xx was received.
    Delivered,
    /// It ended without one.
    Failed,
    /// An attempt failed, another is due.
    Retrying,
}

impl DeliveryStatus {
    /// The word used in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Retrying => "retrying",
        }
    }

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed, Self::Retrying].into_iter().find(|s| s.as_str() == word)
    }
}

/// One HTTP exchange, or plugin failure, for a delivery. Immutable.
#[derive(Clone)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The delivery it was made for.
    pub delivery_id: DeliveryId,
    /// The event of that delivery.
    pub event_id: EventId,
    /// The subscription of that delivery.
    pub subscription_id: SubscriptionId,
    /// Its number, from 1.
    pub number: u32,
    /// When it began, unix milliseconds.
    pub started_at: i64,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// The status that came back, if an answer did.
    pub response_code: Option<u16>,
    /// What went wrong, where no answer came or the plugin failed: a stable code such as `connect`, `timeout`, `plugin_trap`.
    pub error: Option<AttemptError>,
    /// The request's headers; the signature and whatever an operator or a plugin set are named without their values.
    pub request_headers: Vec<(String, String)>,
    /// The answer's headers, those on the allow-list.
    pub response_headers: Vec<(String, String)>,
    /// The answer's body, up to the cap.
    pub response_body: Vec<u8>,
    /// Whether the body was longer than the cap.
    pub response_truncated: bool,
    /// The plugin version that reshaped the event, as a hexadecimal digest.
    pub plugin_digest: Option<String>,
    /// The plugin's log lines.
    pub logs: Vec<String>,
}

/// Bodies, headers and log lines may hold a patient's data: they never reach a log.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("delivery_id", &self.delivery_id)
            .field("number", &self.number)
            .field("response_code", &self.response_code)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Why an attempt has no answer that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptError {
    /// A stable code.
    pub kind: String,
    /// A sentence for a person, without any value of the event.
    pub detail: String,
}

/// What follows from an attempt, decided by pure code and applied in the transaction that records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A 2xx: the delivery is settled.
    Delivered,
    /// It ends without a 2xx.
    Failed {
        /// A stable code: `retries_exhausted`, `gone`, `dead_letter`, …
        reason: String,
    },
    /// Another attempt.
    Retry {
        /// When, unix milliseconds.
        due_at: i64,
    },
}

/// An attempt together with what follows from it: what the outbox is asked to commit.
#[derive(Clone, Debug)]
pub struct Finish {
    /// The attempt to record.
    pub attempt: Attempt,
    /// What becomes of the delivery.
    pub next: Next,
    /// The budget that the attempt was made within, as [`Pending::budget_from`]: what a failure comes to is decided by it, and an operator may have begun another meanwhile.
    pub budget_from: u32,
    /// Why the subscription is switched off with it, e.g. after a 410.
    pub disable_subscription: Option<String>,
}

/// A delivery as the API shows it: joined from the pending table or the settled record.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where it goes.
    pub subscription_id: SubscriptionId,
    /// The event.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts made.
    pub attempts: u32,
    /// The status of the last answer.
    pub response_code: Option<u16>,
    /// When the next attempt is due, unix milliseconds.
    pub next_retry_at: Option<i64>,
    /// When it was delivered, unix milliseconds.
    pub delivered_at: Option<i64>,
    /// Why it ended, where it failed.
    pub reason: Option<String>,
    /// Creation, unix milliseconds.
    pub created_at: i64,
}
