//! Reads a subscription as a body states it.

use super::binding::{self, Candidates};
use super::edit::with_activity;
use super::{header, legacy, options, secret, tls};
use crate::admin::body::{Faults, Object, child, kind_of};
use crate::app::App;
use crate::problem::Problem;
use hookwright_core::delivery_options::{DeliveryOptions, TlsOptions};
use hookwright_core::egress::{AddressPolicy, UrlFault, check_url};
use hookwright_core::id::{SecretId, SubscriptionId};
use hookwright_core::pattern::EventPattern;
use hookwright_core::retry::RetryPolicy;
use hookwright_core::secret::{LiveSecret, SigningKey};
use hookwright_core::signature::LegacySignature;
use hookwright_core::subscription::{Subscription, Transform};
use serde_json::Value;

/// Repeats after the first attempt, where nothing is said: with the default schedule, the last one is three days after the event.
const MAX_RETRIES_DEFAULT: u32 = 8;
const MAX_RETRIES_MAX: u32 = 50;
const RETRY_POLICIES: [(&str, RetryPolicy); 2] =
    [("none", RetryPolicy::None), ("exponential", RetryPolicy::Exponential)];
const TIMEOUT_MS_MIN: u32 = 100;
const TIMEOUT_MS_MAX: u32 = 60_000;
const IN_FLIGHT_MAX: u32 = 1000;
const PATTERNS_MAX: usize = 100;
const NAME_CHARACTERS_MAX: usize = 200;
const DESCRIPTION_CHARACTERS_MAX: usize = 2000;
const URL_CHARACTERS_MAX: usize = 2048;
/// What reads show and nobody can set.
const SET_BY_THE_GATEWAY: [&str; 7] =
    ["id", "secret_hint", "secrets", "disabled_reason", "created_at", "updated_at", "version"];

/// What a subscription is held against, and what it is where nothing is said.
struct Rules<'a> {
    addresses: AddressPolicy,
    candidates: Candidates,
    timeout_ms: u32,
    max_in_flight: u32,
    created_by: Option<&'a str>,
    legacy: &'a [LegacySignature],
    tls: Option<&'a TlsOptions>,
    now_ms: i64,
}

/// A subscription as a body states it.
#[derive(Debug)]
pub struct Wanted {
    /// The secret, if it is stated.
    pub secret: Option<SigningKey>,
    url: String,
    events: Vec<EventPattern>,
    active: bool,
    retry_policy: RetryPolicy,
    max_retries: u32,
    name: String,
    description: Option<String>,
    created_by: Option<String>,
    transform: Option<Transform>,
    headers: Vec<(String, String)>,
    timeout_ms: u32,
    max_in_flight: u32,
    options: DeliveryOptions,
}

/// Reads a body; `current` is the subscription that it changes.
pub async fn read(app: &App, body: &Value, current: Option<&Subscription>) -> Result<Wanted, Problem> {
    let delivery = &app.config.delivery;
    let rules = Rules {
        addresses: AddressPolicy { allow: app.config.egress_allow.clone() },
        candidates: Candidates::of(app, body).await?,
        timeout_ms: u32::try_from(delivery.timeout_default.as_millis()).unwrap_or(TIMEOUT_MS_MAX),
        max_in_flight: delivery.in_flight_default,
        created_by: current.map(|current| current.created_by.as_str()),
        legacy: current.map_or(&[], |current| &current.options.legacy_signatures),
        tls: current.and_then(|current| current.options.tls.as_ref()),
        now_ms: app.clock.now_ms(),
    };
    by_rules(body, &rules)
}

fn by_rules(body: &Value, rules: &Rules<'_>) -> Result<Wanted, Problem> {
    let mut faults = Faults::default();
    let wanted = Object::read(body, "", &mut faults).and_then(|object| fields(object, rules, &mut faults));
    faults.finish()?;
    wanted.ok_or_else(|| Problem::unexpected(&"a subscription without a fault could not be read"))
}

fn fields(mut object: Object<'_>, rules: &Rules<'_>, faults: &mut Faults) -> Option<Wanted> {
    let name = object.required_text("name", NAME_CHARACTERS_MAX, faults);
    let url = url(&mut object, &rules.addresses, faults);
    let events = events(&mut object, faults);
    let secret = secret::read(&mut object, faults);
    let active = object.flag("active", faults);
    let retry_policy = object.word("retry_policy", &RETRY_POLICIES, faults);
    let max_retries = object.number("max_retries", 0..=MAX_RETRIES_MAX, faults);
    let description = object.text("description", DESCRIPTION_CHARACTERS_MAX, faults);
    let created_by = created_by(&mut object, rules.created_by, faults);
    let transform = object.object("transform", faults);
    let transform = transform.and_then(|binding| binding::read(binding, &rules.candidates, faults));
    let headers = object.map("headers", faults).map(|members| header::read(members, "/headers", faults));
    let timeout_ms = object.number("timeout_ms", TIMEOUT_MS_MIN..=TIMEOUT_MS_MAX, faults);
    let max_in_flight = object.number("max_in_flight", 1..=IN_FLIGHT_MAX, faults);
    let mut options = options::read(&mut object, faults);
    options.legacy_signatures = legacy::read(&mut object, rules.legacy, faults);
    options.tls = tls::read(&mut object, rules.tls, rules.now_ms, faults);
    object.finish(&SET_BY_THE_GATEWAY, faults);
    Some(Wanted {
        secret,
        url: url?,
        events: events?,
        active: active.unwrap_or(true),
        retry_policy: retry_policy.unwrap_or_default(),
        max_retries: max_retries.unwrap_or(MAX_RETRIES_DEFAULT),
        name: name?.to_owned(),
        description: description.map(str::to_owned),
        created_by,
        transform,
        headers: headers.unwrap_or_default(),
        timeout_ms: timeout_ms.unwrap_or(rules.timeout_ms),
        max_in_flight: max_in_flight.unwrap_or(rules.max_in_flight),
        options,
    })
}

fn url(object: &mut Object<'_>, addresses: &AddressPolicy, faults: &mut Faults) -> Option<String> {
    let text = object.required_text("url", URL_CHARACTERS_MAX, faults)?;
    let Err(error) = check_url(text, addresses) else { return Some(text.to_owned()) };
    let hint = match error {
        UrlFault::Address(_) | UrlFault::Plaintext => "; the setting egress.allow lists the ranges that are",
        _ => "",
    };
    faults.add("/url", format!("{error}{hint}"));
    None
}

fn events(object: &mut Object<'_>, faults: &mut Faults) -> Option<Vec<EventPattern>> {
    object.require("events", "a list of event types or patterns, such as [\"order.*\"]", faults);
    let list = object.list("events", PATTERNS_MAX, faults)?;
    if list.is_empty() {
        faults.add("/events", "must name at least one event type or pattern");
    }
    let mut patterns: Vec<EventPattern> = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let pointer = child("/events", &index.to_string());
        let Value::String(text) = value else {
            faults.add(pointer, format!("expected text, found {}", kind_of(value)));
            continue;
        };
        match text.parse::<EventPattern>() {
            Err(error) => faults.add(pointer, error.to_string()),
            Ok(pattern) if patterns.contains(&pattern) => faults.add(pointer, "is there twice"),
            Ok(pattern) => patterns.push(pattern),
        }
    }
    Some(patterns)
}

/// Who made a subscription can be said when it is made, and repeated later.
fn created_by(object: &mut Object<'_>, recorded: Option<&str>, faults: &mut Faults) -> Option<String> {
    let told = object.text("created_by", NAME_CHARACTERS_MAX, faults)?;
    if recorded.is_some_and(|recorded| recorded != told) {
        faults.add("/created_by", "cannot be changed");
    }
    Some(told.to_owned())
}

impl Wanted {
    /// A new subscription, as old as its secret.
    pub fn into_new(self, id: SubscriptionId, secret: LiveSecret, actor: String) -> Subscription {
        let (active, now_ms) = (self.active, secret.created_at);
        let subscription = Subscription {
            id,
            url: self.url,
            secrets: vec![secret],
            events: self.events,
            active: true,
            retry_policy: self.retry_policy,
            max_retries: self.max_retries,
            name: self.name,
            description: self.description,
            created_by: self.created_by.unwrap_or(actor),
            transform: self.transform,
            headers: self.headers,
            timeout_ms: self.timeout_ms,
            max_in_flight: self.max_in_flight,
            options: self.options,
            created_at: now_ms,
            updated_at: now_ms,
            disabled_reason: None,
            version: 1,
        };
        with_activity(subscription, active)
    }

    /// A subscription that is there, as the body states it. A secret in the body takes the place of all others, at once; without one it keeps its own.
    pub fn into_changed(self, current: &Subscription, secret_id: SecretId, now_ms: i64) -> Subscription {
        let active = self.active;
        let replaced = |key| vec![LiveSecret::lasting(secret_id, key, now_ms)];
        let subscription = Subscription {
            url: self.url,
            secrets: self.secret.map_or_else(|| current.secrets.clone(), replaced),
            events: self.events,
            retry_policy: self.retry_policy,
            max_retries: self.max_retries,
            name: self.name,
            description: self.description,
            transform: self.transform,
            headers: self.headers,
            timeout_ms: self.timeout_ms,
            max_in_flight: self.max_in_flight,
            options: self.options,
            ..current.clone()
        };
        with_activity(subscription, active)
    }
}

#[cfg(test)]
mod tests;
