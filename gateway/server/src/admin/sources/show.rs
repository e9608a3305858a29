//! Sources as the API shows them.

use super::fetch;
use hookwright_core::handshake::Handshake;
use hookwright_core::signature::Scheme;
use hookwright_core::source::{Ack, OnPluginFailure, Source};
use hookwright_core::timestamp::format_ms;
use serde::Serialize;
use serde_json::{Value, json};

/// A source, its secrets as hints.
#[derive(Serialize)]
pub struct Shown<'a> {
    id: String,
    slug: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<&'a str>,
    verification: &'a Scheme,
    #[serde(skip_serializing_if = "<[Handshake]>::is_empty")]
    handshakes: &'a [Handshake],
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<&'a str>>,
    secret_hints: Vec<String>,
    secret_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<&'a str>,
    plugin: &'a str,
    settings: &'a Value,
    methods: &'a [String],
    on_error: OnPluginFailure,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_ms: Option<u32>,
    updates_customers: bool,
    ack: Ack,
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fetch: Option<Value>,
    active: bool,
    created_at: String,
    updated_at: String,
    version: i64,
}

impl<'a> Shown<'a> {
    /// A source of the store.
    pub fn of(source: &'a Source) -> Self {
        Self {
            id: source.id.to_string(),
            slug: &source.slug,
            name: &source.name,
            preset: source.preset.as_deref(),
            verification: &source.verification,
            handshakes: &source.handshakes,
            secret: None,
            secrets: None,
            secret_hints: source.secrets.iter().map(|named| named.secret.hint()).collect(),
            secret_ids: source.secrets.iter().map(|named| named.id.to_string()).collect(),
            public_url: source.public_url.as_deref(),
            plugin: &source.plugin,
            settings: &source.settings,
            methods: &source.methods,
            on_error: source.on_error,
            deadline_ms: source.deadline_ms,
            updates_customers: source.updates_customers,
            ack: source.ack,
            heartbeat_seconds: source.heartbeat_seconds,
            fetch: source.fetch.as_ref().map(fetch::shown),
            active: source.active,
            created_at: format_ms(source.created_at),
            updated_at: format_ms(source.updated_at),
            version: source.version,
        }
    }

    /// A source that was made just now, with its secrets: the one time they are shown. `secret` is the newest of them.
    pub fn with_secrets(source: &'a Source) -> Self {
        let secrets: Vec<&str> = source.secrets.iter().map(|named| named.secret.reveal()).collect();
        Self { secret: secrets.first().copied(), secrets: (!secrets.is_empty()).then_some(secrets), ..Self::of(source) }
    }
}

/// A source as it could be put: what a merge patch is applied to.
pub fn document(source: &Source) -> Value {
    json!({
        "slug": source.slug,
        "name": source.name,
        "preset": source.preset,
        "verification": source.verification,
        "handshakes": source.handshakes,
        "public_url": source.public_url,
        "plugin": source.plugin,
        "settings": source.settings,
        "methods": source.methods,
        "on_error": source.on_error,
        "deadline_ms": source.deadline_ms,
        "updates_customers": source.updates_customers,
        "ack": source.ack,
        "heartbeat_seconds": source.heartbeat_seconds,
        "fetch": source.fetch.as_ref().map(fetch::document),
        "active": source.active,
    })
}
