//! Who may do what: keys, their scopes, and what is open while no key exists.

use crate::app::App;
use crate::problem::Problem;
use hookwright_core::secret::ApiKey;
use hookwright_store::{KeyRecord, KeyScope};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::net::IpAddr;

/// Whoever makes a request, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// `key:<id>`, or `local` where no key is needed; the audit's name for them.
    pub actor: String,
    scopes: Vec<KeyScope>,
}

impl Caller {
    /// Whoever uses this machine while no key exists.
    pub fn local() -> Self {
        Self::named("local")
    }

    /// Somebody of that name who may do everything.
    pub fn named(actor: &str) -> Self {
        Self { actor: actor.to_owned(), scopes: vec![KeyScope::Admin] }
    }

    /// The holder of a key.
    pub fn of_key(record: &KeyRecord) -> Self {
        Self { actor: format!("key:{}", record.id), scopes: record.scopes.clone() }
    }

    /// Whether they may do what needs this scope. `admin` is every scope, and whoever may read bodies may read the records around them.
    pub fn may(&self, scope: KeyScope) -> bool {
        self.scopes.iter().any(|held| match held {
            KeyScope::Admin => true,
            KeyScope::Phi => matches!(scope, KeyScope::Phi | KeyScope::Read),
            held => *held == scope,
        })
    }

    /// A refusal that names the scope, unless they may.
    pub fn must(&self, scope: KeyScope) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        let detail = format!("this needs a key with the scope {}", scope.as_str());
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}

/// The scope that a request needs. What is not named here needs `admin`.
pub fn needed(method: &Method, path: &str) -> KeyScope {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (method.as_str(), segments.as_slice()) {
        (_, ["admin", "keys", ..]) => KeyScope::Admin,
        ("GET" | "HEAD", _) => KeyScope::Read,
        ("POST", ["admin", "events"]) => KeyScope::Publish,
        (
            "POST",
            ["admin", "deliveries", _, "retry"]
            | ["admin", "messages", _, "reprocess"]
            | ["admin", "subscriptions", _, "pause" | "resume" | "test"]
            | ["admin", "plugins", _, "activate" | "rollback" | "canary" | "try" | "reprocess" | "record"],
        )
        | ("DELETE", ["admin", "plugins", _, "canary"])
        | ("PATCH", ["admin", "plugins", _]) => KeyScope::Operate,
        _ => KeyScope::Admin,
    }
}

/// Finds out who makes a request.
pub fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let keys = app.store.keys();
    if !keys.is_empty() {
        return holder(&keys, headers, app.clock.now_ms());
    }
    if !app.config.admin.address.ip().is_loopback() {
        return Err(unauthorized("no API key exists yet; make one with `hookwright keys create`"));
    }
    check_local(headers)?;
    Ok(Caller::local())
}

fn holder(keys: &[KeyRecord], headers: &HeaderMap, now_ms: i64) -> Result<Caller, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unauthorized("exactly one Authorization header with an API key is needed: Bearer hwk_…"));
    };
    let text = bearer(value).ok_or_else(|| unauthorized("expected Authorization: Bearer hwk_…"))?;
    let key = ApiKey::parse(text).map_err(|error| unauthorized(error.to_string()))?;
    let record = keys.iter().find(|record| record.id == key.id());
    // An unknown id is compared, too, so that an answer's time does not tell which ids exist.
    let matches = key.matches(&record.map_or([0; 32], |record| record.hash));
    let Some(record) = record.filter(|record| matches && !record.revoked) else {
        return Err(unauthorized("this API key is not known or was revoked"));
    };
    if record.expires_at.is_some_and(|expires_at| expires_at <= now_ms) {
        return Err(unauthorized("this API key has expired"));
    }
    Ok(Caller::of_key(record))
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn unauthorized(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).challenge("Bearer realm=\"hookwright\"")
}

/// While no key is needed, a page in a browser on this machine could ask in its user's name, by its own origin or by a name that it had resolve to this machine.
fn check_local(headers: &HeaderMap) -> Result<(), Problem> {
    let local = |name: &header::HeaderName| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(|text| is_local(host_of(text))))
    };
    if local(&header::HOST) && local(&header::ORIGIN) {
        return Ok(());
    }
    let detail =
        "without an API key only requests to this machine by its own name (localhost, 127.0.0.1, [::1]) are answered";
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

/// The host of `http://host:port`, `host:port` or `host`.
fn host_of(text: &str) -> &str {
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    }
}

fn is_local(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
