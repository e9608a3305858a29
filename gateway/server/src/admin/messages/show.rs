//! Messages as the API shows them.

use crate::admin::content::Content;
use hookwright_core::message::{Message, Parsed, Reason};
use hookwright_core::timestamp::format_ms;
use hookwright_store::MessageRow;
use serde::Serialize;
use std::collections::BTreeMap;

/// A message in a list.
#[derive(Serialize)]
pub struct Row<'a> {
    id: String,
    source_id: String,
    method: &'a str,
    hook: &'a str,
    received_at: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_digest: Option<&'a str>,
    events: Vec<String>,
    metadata: BTreeMap<&'a str, &'a str>,
}

impl<'a> Row<'a> {
    /// A row of the store.
    pub fn of(row: &'a MessageRow) -> Self {
        Self {
            id: row.id.to_string(),
            source_id: row.source_id.to_string(),
            method: &row.method,
            hook: &row.hook,
            received_at: format_ms(row.received_at),
            status: row.status.as_str(),
            reason: row.reason.as_ref(),
            waiting_for: row.waiting_for.as_deref(),
            plugin_digest: row.plugin_digest.as_deref(),
            events: row.events.iter().map(ToString::to_string).collect(),
            metadata: by_name(&row.metadata),
        }
    }
}

/// A message, and where the caller may see it, what it holds.
#[derive(Serialize)]
pub struct Whole<'a> {
    id: String,
    source_id: String,
    method: &'a str,
    hook: &'a str,
    received_at: String,
    /// How its sender was authenticated.
    authentication: &'a str,
    /// Which of its source's secrets fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_digest: Option<&'a str>,
    events: Vec<String>,
    metadata: BTreeMap<&'a str, &'a str>,
    updated_at: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<&'a [(String, String)]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parsed: Option<&'a Parsed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<&'a [String]>,
}

impl<'a> Whole<'a> {
    /// A message of the store.
    pub fn of(message: &'a Message, with_bodies: bool) -> Self {
        let seen = with_bodies.then_some(message);
        let (body, body_base64) = seen.map(|message| Content::of(&message.raw.body).parts()).unwrap_or_default();
        Self {
            id: message.id.to_string(),
            source_id: message.raw.source_id.to_string(),
            method: &message.raw.method,
            hook: &message.raw.hook,
            received_at: format_ms(message.raw.received_at),
            authentication: &message.raw.tier,
            secret_id: message.raw.secret_id.map(|id| id.to_string()),
            status: message.status.as_str(),
            reason: message.reason.as_ref(),
            waiting_for: message.waiting_for.as_deref(),
            plugin_digest: message.plugin_digest.as_deref(),
            events: message.events.iter().map(ToString::to_string).collect(),
            metadata: by_name(&message.metadata),
            updated_at: format_ms(message.updated_at),
            redacted: !with_bodies,
            query: seen.map(|message| message.raw.query.as_str()),
            headers: seen.map(|message| message.raw.headers.as_slice()),
            body,
            body_base64,
            parsed: seen.and_then(|message| message.parsed.as_ref()),
            logs: seen.map(|message| message.logs.as_slice()),
        }
    }
}

fn by_name(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
