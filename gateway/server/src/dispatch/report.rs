//! What an attempt was and what follows from it, as the store is asked to keep it.

use super::client::Exchange;
use super::decide::Decision;
use super::failure::Failure;
use super::lane::{Reply, Settled};
use super::outgoing::Outgoing;
use hookwright_core::delivery::{Attempt, AttemptError, Finish, Next, Pending};
use hookwright_core::id::AttemptId;
use http::header::{self, HeaderMap, HeaderName};

/// The answer's headers that are kept.
const KEPT: [HeaderName; 9] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::DATE,
    header::SERVER,
    header::RETRY_AFTER,
    header::VIA,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
];
/// The longest value of an answer's header that is kept, in bytes.
const VALUE_BYTES_MAX: usize = 512;

/// What an attempt was and what follows from it.
pub(super) struct Report {
    /// The attempt's id.
    pub(super) id: AttemptId,
    /// When it began, unix milliseconds.
    pub(super) started_at: i64,
    /// How long it took, in milliseconds.
    pub(super) duration_ms: u32,
    /// What was sent, or would have been.
    pub(super) outgoing: Option<Outgoing>,
    /// What came of it.
    pub(super) exchange: Exchange,
    /// What went wrong before anything was sent.
    pub(super) error: Option<AttemptError>,
    /// The plugin version that reshaped the event.
    pub(super) plugin_digest: Option<String>,
    /// The plugin's log lines.
    pub(super) logs: Vec<String>,
    /// What follows.
    pub(super) decision: Decision,
}

impl Report {
    /// What the store is asked to commit. It is made anew for each time the store has to be asked.
    pub(super) fn finish(&self, pending: &Pending) -> Finish {
        let broken = || self.exchange.failure.as_ref().map(Failure::to_record);
        let attempt = Attempt {
            id: self.id,
            delivery_id: pending.id,
            event_id: pending.event_id,
            subscription_id: pending.subscription_id,
            number: pending.attempts.saturating_add(1),
            started_at: self.started_at,
            duration_ms: self.duration_ms,
            response_code: self.exchange.status,
            error: self.error.clone().or_else(broken),
            request_headers: self.outgoing.as_ref().map(Outgoing::record).unwrap_or_default(),
            response_headers: kept(&self.exchange.headers),
            response_body: self.exchange.body.clone(),
            response_truncated: self.exchange.truncated,
            plugin_digest: self.plugin_digest.clone(),
            logs: self.logs.clone(),
        };
        Finish {
            attempt,
            next: self.decision.next.clone(),
            budget_from: pending.budget_from,
            disable_subscription: self.decision.disable.map(str::to_owned),
        }
    }

    /// What it says about the subscriber.
    pub(super) fn reply(&self) -> Reply {
        match &self.decision {
            Decision { disable: Some(_), .. } => Reply::Gone,
            Decision { throttled: Some(asked), .. } => Reply::Throttled(*asked),
            Decision { next: Next::Delivered, .. } => Reply::Delivered,
            // Nothing was sent: that is the plugin's doing.
            _ if self.outgoing.is_none() => Reply::Other,
            _ => Reply::Failed,
        }
    }

    /// What follows for the delivery in memory, once it is on record.
    pub(super) fn settled(&self) -> Settled {
        match self.decision.next {
            Next::Retry { due_at } => Settled::Retry { due_at },
            Next::Delivered | Next::Failed { .. } => Settled::Done,
        }
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(VALUE_BYTES_MAX)]).into_owned();
    KEPT.iter()
        .filter_map(|name| headers.get(name).map(|value| (name.as_str().to_owned(), text(value.as_bytes()))))
        .collect()
}
