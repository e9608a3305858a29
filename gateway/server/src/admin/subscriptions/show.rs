//! Subscriptions as the API shows them.

use super::{legacy, secret, tls};
use hookwright_core::delivery_options::{DeliveryMethod, HeadOfLine, Ordering};
use hookwright_core::retry::RetryPolicy;
use hookwright_core::secret::SigningKey;
use hookwright_core::subscription::{Subscription, Transform};
use hookwright_core::timestamp::format_ms;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What stands for a header's value before those who may not see it: it may be a receiver's credential.
const HIDDEN: &str = "…";

/// A subscription, its secrets as hints.
#[derive(Serialize)]
pub struct Shown<'a> {
    id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_hint: Option<String>,
    secrets: Vec<secret::Shown>,
    events: Vec<String>,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<&'a str>,
    retry_policy: RetryPolicy,
    max_retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    transform: Option<&'a Transform>,
    headers: BTreeMap<&'a str, &'a str>,
    timeout_ms: u32,
    max_in_flight: u32,
    method: DeliveryMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_per_second: Option<u32>,
    ordering: Ordering,
    head_of_line: HeadOfLine,
    permanent_statuses: &'a [u16],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age_seconds: Option<u64>,
    legacy_signatures: Vec<legacy::Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<tls::Shown<'a>>,
    created_by: &'a str,
    created_at: String,
    updated_at: String,
    version: i64,
}

impl<'a> Shown<'a> {
    /// A subscription; its headers' values only where the caller could have set them.
    pub fn of(subscription: &'a Subscription, with_values: bool, now_ms: i64) -> Self {
        let value = |value: &'a str| if with_values { value } else { HIDDEN };
        let headers = subscription.headers.iter().map(|(name, text)| (name.as_str(), value(text))).collect();
        Self {
            id: subscription.id.to_string(),
            name: &subscription.name,
            description: subscription.description.as_deref(),
            url: &subscription.url,
            secret: None,
            secret_hint: subscription.secrets.first().map(|newest| newest.key.hint()),
            secrets: secret::shown(&subscription.secrets, now_ms),
            events: subscription.events.iter().map(ToString::to_string).collect(),
            active: subscription.active,
            disabled_reason: subscription.disabled_reason.as_deref(),
            retry_policy: subscription.retry_policy,
            max_retries: subscription.max_retries,
            transform: subscription.transform.as_ref(),
            headers,
            timeout_ms: subscription.timeout_ms,
            max_in_flight: subscription.max_in_flight,
            method: subscription.options.method,
            rate_per_second: subscription.options.rate_per_second,
            ordering: subscription.options.ordering,
            head_of_line: subscription.options.head_of_line,
            permanent_statuses: &subscription.options.permanent_statuses,
            max_age_seconds: subscription.options.max_age_secs,
            legacy_signatures: legacy::shown(&subscription.options.legacy_signatures),
            tls: subscription.options.tls.as_ref().map(tls::Shown::of),
            created_by: &subscription.created_by,
            created_at: format_ms(subscription.created_at),
            updated_at: format_ms(subscription.updated_at),
            version: subscription.version,
        }
    }

    /// A subscription whose secret was made just now, with that secret: the one time it is shown.
    pub fn with_secret(subscription: &'a Subscription, key: &SigningKey, now_ms: i64) -> Self {
        Self { secret: Some(key.reveal().to_string()), ..Self::of(subscription, true, now_ms) }
    }
}

/// A subscription as it could be put: what a merge patch is applied to.
pub fn document(subscription: &Subscription) -> Value {
    let headers: BTreeMap<&str, &str> =
        subscription.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    json!({
        "name": subscription.name,
        "description": subscription.description,
        "url": subscription.url,
        "events": subscription.events,
        "active": subscription.active,
        "retry_policy": subscription.retry_policy,
        "max_retries": subscription.max_retries,
        "transform": subscription.transform,
        "headers": headers,
        "timeout_ms": subscription.timeout_ms,
        "max_in_flight": subscription.max_in_flight,
        "method": subscription.options.method,
        "rate_per_second": subscription.options.rate_per_second,
        "ordering": subscription.options.ordering,
        "head_of_line": subscription.options.head_of_line,
        "permanent_statuses": subscription.options.permanent_statuses,
        "max_age_seconds": subscription.options.max_age_secs,
        "legacy_signatures": legacy::document(&subscription.options.legacy_signatures),
        "tls": tls::document(subscription.options.tls.as_ref()),
        "created_by": subscription.created_by,
    })
}
