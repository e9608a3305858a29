//! Attempts and what follows from them, as rows of the hot texts.

use crate::parcel::json;
use crate::planned::Contents;
use crate::queue::Abandon;
use crate::sealer::{Sealer, column};
use hookwright_core::delivery::{Attempt, Finish, Next};
use serde::{Deserialize, Serialize};

/// What becomes of a delivery, as the texts number it.
const DELIVERED: u8 = 0;
const FAILED: u8 = 1;
const RETRY: u8 = 2;
const ABANDONED: u8 = 3;

/// What an attempt exchanged, sealed as one; the answer's body follows it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) request_headers: Vec<(String, String)>,
    pub(crate) response_headers: Vec<(String, String)>,
    pub(crate) response_truncated: bool,
    pub(crate) error_detail: Option<String>,
    pub(crate) logs: Vec<String>,
}

impl Exchange {
    fn of(attempt: &Attempt) -> Self {
        Self {
            request_headers: attempt.request_headers.clone(),
            response_headers: attempt.response_headers.clone(),
            response_truncated: attempt.response_truncated,
            error_detail: attempt.error.as_ref().map(|error| error.detail.clone()),
            logs: attempt.logs.clone(),
        }
    }
}

/// Rows and contents of what ended or goes on.
#[derive(Debug)]
pub(crate) struct FinishRows {
    pub(crate) finished: String,
    pub(crate) exchanges: Vec<u8>,
}

impl FinishRows {
    pub(crate) fn of<'a>(
        finishes: impl Iterator<Item = &'a Finish>,
        abandoned: impl Iterator<Item = &'a Abandon>,
        sealer: &Sealer,
    ) -> Self {
        let mut exchanges = Contents::default();
        let mut rows: Vec<String> = finishes.map(|finish| row(finish, &mut exchanges, sealer)).collect();
        rows.extend(abandoned.map(|one| {
            let no_code: Option<u16> = None;
            json(&(one.id.get(), 0, ABANDONED, 0, &one.reason, no_code, one.at))
        }));
        Self { finished: format!("[{}]", rows.join(",")), exchanges: exchanges.0 }
    }
}

fn row(finish: &Finish, exchanges: &mut Contents, sealer: &Sealer) -> String {
    let attempt = &finish.attempt;
    let (kind, due_at, reason) = match &finish.next {
        Next::Delivered => (DELIVERED, 0, None),
        Next::Failed { reason } => (FAILED, 0, Some(reason.as_str())),
        Next::Retry { due_at } => (RETRY, *due_at, None),
    };
    let id = attempt.id.get();
    let exchange = sealer.seal_parcel(column::attempt_exchange(id), &Exchange::of(attempt), &attempt.response_body);
    let (at, length) = exchanges.push(&exchange);
    json(&(
        attempt.delivery_id.get(),
        attempt.number,
        kind,
        due_at,
        reason,
        attempt.response_code,
        attempt.started_at.saturating_add(i64::from(attempt.duration_ms)),
        id,
        attempt.event_id.get(),
        attempt.subscription_id.get(),
        attempt.started_at,
        attempt.duration_ms,
        attempt.error.as_ref().map(|error| error.kind.as_str()),
        attempt.plugin_digest.as_deref(),
        at,
        length,
    ))
}
