//! Deliveries and attempts as the API shows them.

use crate::admin::answer;
use crate::admin::content::Content;
use crate::problem::Problem;
use hookwright_core::delivery::{Attempt, Delivery};
use hookwright_core::timestamp::format_ms;
use serde::Serialize;
use serde_json::value::RawValue;

/// A delivery in a list, with the fields of the specification.
#[derive(Serialize)]
pub struct Row {
    id: String,
    subscription_id: String,
    event_id: String,
    event_type: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_code: Option<u16>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    created_at: String,
}

impl Row {
    /// A delivery without what was sent and answered.
    pub fn of(delivery: &Delivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            subscription_id: delivery.subscription_id.to_string(),
            event_id: delivery.event_id.to_string(),
            event_type: delivery.event_type.clone(),
            status: delivery.status.as_str(),
            response_code: delivery.response_code,
            attempts: delivery.attempts,
            next_retry_at: delivery.next_retry_at.map(format_ms),
            delivered_at: delivery.delivered_at.map(format_ms),
            reason: delivery.reason.clone(),
            created_at: format_ms(delivery.created_at),
        }
    }
}

/// A delivery with its attempts, and where the caller may see it, what was sent and answered.
#[derive(Serialize)]
pub struct Whole<'a> {
    id: String,
    subscription_id: String,
    event_id: String,
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<String>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    created_at: String,
    attempt_list: Vec<Record<'a>>,
}

impl<'a> Whole<'a> {
    /// A delivery; `envelope` is what its subscription gets unless a transform reshapes it.
    pub fn of(
        delivery: &'a Delivery,
        attempts: &'a [Attempt],
        envelope: Option<&'a [u8]>,
        with_bodies: bool,
    ) -> Result<Self, Problem> {
        let payload = match envelope.filter(|_| with_bodies) {
            Some(bytes) => Some(answer::verbatim(str::from_utf8(bytes).map_err(|error| Problem::unexpected(&error))?)?),
            None => None,
        };
        let last = attempts.last().filter(|attempt| with_bodies && attempt.response_code.is_some());
        Ok(Self {
            id: delivery.id.to_string(),
            subscription_id: delivery.subscription_id.to_string(),
            event_id: delivery.event_id.to_string(),
            event_type: &delivery.event_type,
            payload,
            redacted: !with_bodies,
            status: delivery.status.as_str(),
            response_code: delivery.response_code,
            response_body: last.map(|attempt| String::from_utf8_lossy(&attempt.response_body).into_owned()),
            attempts: delivery.attempts,
            next_retry_at: delivery.next_retry_at.map(format_ms),
            delivered_at: delivery.delivered_at.map(format_ms),
            reason: delivery.reason.as_deref(),
            created_at: format_ms(delivery.created_at),
            attempt_list: attempts.iter().map(|attempt| Record::of(attempt, with_bodies)).collect(),
        })
    }
}

/// One attempt.
#[derive(Serialize)]
struct Record<'a> {
    id: String,
    number: u32,
    started_at: String,
    duration_ms: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_digest: Option<&'a str>,
    response_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_headers: Option<&'a [(String, String)]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_headers: Option<&'a [(String, String)]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<&'a [String]>,
}

#[derive(Serialize)]
struct Failure<'a> {
    kind: &'a str,
    detail: &'a str,
}

impl<'a> Record<'a> {
    /// Headers, body and log lines may hold a patient's data.
    fn of(attempt: &'a Attempt, with_bodies: bool) -> Self {
        let seen = with_bodies.then_some(attempt);
        let body =
            seen.filter(|attempt| attempt.response_code.is_some()).map(|attempt| Content::of(&attempt.response_body));
        let (response_body, response_body_base64) = body.map(Content::parts).unwrap_or_default();
        Self {
            id: attempt.id.to_string(),
            number: attempt.number,
            started_at: format_ms(attempt.started_at),
            duration_ms: attempt.duration_ms,
            response_code: attempt.response_code,
            error: attempt.error.as_ref().map(|error| Failure { kind: &error.kind, detail: &error.detail }),
            plugin_digest: attempt.plugin_digest.as_deref(),
            response_truncated: attempt.response_truncated,
            request_headers: seen.map(|attempt| attempt.request_headers.as_slice()),
            response_headers: seen.map(|attempt| attempt.response_headers.as_slice()),
            response_body,
            response_body_base64,
            logs: seen.map(|attempt| attempt.logs.as_slice()),
        }
    }
}

#[cfg(test)]
mod tests;
