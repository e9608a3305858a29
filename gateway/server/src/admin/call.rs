//! One request to the administration: who makes it, why, and whether it was made before.

use super::access::{self, Caller};
use super::answer;
use super::in_flight::{InFlight, Underway};
use super::query::Query;
use crate::app::App;
use crate::problem::{FieldFault, Problem, RequestId};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hookwright_core::audit::AuditDraft;
use hookwright_core::idempotency::{self, Claim, Claimed, StoredAnswer};
use hookwright_store::{Change, KeyScope};
use http::{HeaderMap, Method, StatusCode, header};
use std::sync::Arc;

const REASON_HEADER: &str = "x-audit-reason";
const REASON_CHARACTERS_MAX: usize = 500;
const KEY_HEADER: &str = "idempotency-key";

/// One request: what goes into the audit, and into the claim on an idempotency key.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who makes it.
    pub caller: Caller,
    /// Its id.
    pub request_id: String,
    /// Why, in the caller's words.
    pub reason: Option<String>,
    /// When it came, unix milliseconds.
    pub now_ms: i64,
    method: Method,
    path: String,
    key: Option<String>,
}

/// Middleware: finds out who calls, refuses what they may not do and what they are having done already, and puts the [`Call`] among the request's extensions.
pub async fn admit(State((app, in_flight)): State<(App, InFlight)>, mut request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    match admitted(&app, &in_flight, &request, id) {
        Ok((call, underway)) => {
            request.extensions_mut().insert(Arc::new(call));
            let response = next.run(request).await;
            drop(underway);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// Finds out who calls, and refuses what they may not do and what they are having done already. The second of the answer is to live for as long as the request.
pub fn admitted(
    app: &App,
    in_flight: &InFlight,
    request: &Request,
    request_id: String,
) -> Result<(Call, Option<Underway>), Problem> {
    let call = permitted(app, request, request_id)?;
    let underway = call.claim_key().map(|key| in_flight.begin(key)).transpose()?;
    Ok((call, underway))
}

fn permitted(app: &App, request: &Request, request_id: String) -> Result<Call, Problem> {
    let headers = request.headers();
    let path = request.uri().path();
    let caller = access::authenticate(app, headers)?;
    caller.must(access::needed(request.method(), path))?;
    if !is_text(path) {
        return Err(Problem::not_found("path"));
    }
    if headers.contains_key(header::IF_MATCH) && !has_versions(path) {
        return Err(unversioned());
    }
    if !takes_query(request.method(), path) {
        Query::of(request.uri()).finish()?;
    }
    Ok(Call {
        caller,
        request_id,
        reason: reason(headers)?,
        now_ms: app.clock.now_ms(),
        method: request.method().clone(),
        path: path.to_owned(),
        // Other methods may be repeated as they are.
        key: if *request.method() == Method::POST { key(headers)? } else { None },
    })
}

/// Lists take query parameters, and so does a push, whose body is the component. Nothing else does.
fn takes_query(method: &Method, path: &str) -> bool {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    matches!(
        (method.as_str(), segments.as_slice()),
        ("GET" | "HEAD", [_, _] | ["admin", "plugins", _, "versions" | "history"]) | ("PUT", ["admin", "plugins", _])
    )
}

/// Whether a path is UTF-8 once its escapes are undone.
fn is_text(path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut undone = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let value = escaped.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        undone.push(value.unwrap_or(*byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    str::from_utf8(&undone).is_ok()
}

/// What operators edit has versions to be named in `If-Match`.
fn has_versions(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    matches!(
        segments.as_slice(),
        ["admin", "subscriptions" | "sources", ..]
            | ["admin", "plugins", _]
            | ["admin", "plugins", _, "activate" | "rollback" | "canary"]
    )
}

/// 412: a condition that nothing can meet, which must not be passed over.
fn unversioned() -> Problem {
    let detail = "what is here has no versions to match; leave If-Match out";
    Problem::new(StatusCode::PRECONDITION_FAILED, "no_version", detail)
}

fn reason(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let bad = |why: &str| Problem::field("X-Audit-Reason", why);
    let Some(value) = headers.get(REASON_HEADER) else { return Ok(None) };
    let text = str::from_utf8(value.as_bytes()).map_err(|_| bad("must be UTF-8"))?.trim();
    if text.chars().count() > REASON_CHARACTERS_MAX {
        return Err(bad("must be at most 500 characters long"));
    }
    if text.chars().any(char::is_control) {
        return Err(bad("must not hold control characters"));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(KEY_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad = |why: &str| Problem::field("Idempotency-Key", why);
    if values.next().is_some() {
        return Err(bad("must be there once"));
    }
    match value.to_str() {
        Ok(text) if is_key(text) => Ok(Some(text.to_owned())),
        _ => Err(bad("must be 1 to 255 characters of visible ASCII")),
    }
}

/// Whether a text can be an idempotency key.
pub fn is_key(text: &str) -> bool {
    (1..=idempotency::KEY_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Call {
    /// The claim on the key that the request names, if it names one.
    pub fn claim(&self, body: &[u8]) -> Option<Claim> {
        Some(Claim { key: self.claim_key()?, body_hash: idempotency::hash(&[body]) })
    }

    /// The key that the request names, as this caller's for this route.
    fn claim_key(&self) -> Option<[u8; 32]> {
        let key = self.key.as_ref()?;
        let parts = [self.caller.actor.as_str(), self.method.as_str(), &self.path, key].map(str::as_bytes);
        Some(idempotency::hash(&parts))
    }

    /// What the audit says of it.
    pub fn audit(&self, action: &str, target: &impl std::fmt::Display, detail: impl Into<String>) -> AuditDraft {
        AuditDraft {
            at: self.now_ms,
            actor: self.caller.actor.clone(),
            action: action.to_owned(),
            target: target.to_string(),
            reason: self.reason.clone(),
            request_id: Some(self.request_id.clone()),
            detail: detail.into(),
        }
    }

    /// A change that no key is claimed for.
    pub fn change(&self, action: &str, target: &impl std::fmt::Display, detail: impl Into<String>) -> Change {
        Change { audit: self.audit(action, target, detail), claim: None }
    }

    /// Whether the caller may read bodies.
    pub fn sees_bodies(&self) -> bool {
        self.caller.may(KeyScope::Phi)
    }

    /// Records that the caller reads a body, before they do.
    pub async fn record_reading(
        &self,
        app: &App,
        action: &str,
        target: &impl std::fmt::Display,
    ) -> Result<(), Problem> {
        Ok(app.store.record(self.audit(action, target, "")).await?)
    }

    /// The answer that was given to this request before, if it was made before.
    pub async fn replay(&self, app: &App, body: &[u8]) -> Result<Option<Response>, Problem> {
        let Some(claim) = self.claim(body) else { return Ok(None) };
        match app.store.claimed(claim).await? {
            None | Some(Claimed::Fresh(())) => Ok(None),
            Some(Claimed::Replayed(stored)) => Ok(Some(self.replayed(&stored))),
            Some(Claimed::Mismatch) => Err(key_reused()),
        }
    }

    /// What a claimed change came to, and the answer to it: `fresh` where it took place just now.
    pub fn settle<T>(&self, claimed: Claimed<T>, fresh: &StoredAnswer) -> Result<(Response, Option<T>), Problem> {
        match claimed {
            Claimed::Fresh(outcome) => Ok((answer::stored(fresh, &self.path), Some(outcome))),
            Claimed::Replayed(stored) => Ok((self.replayed(&stored), None)),
            Claimed::Mismatch => Err(key_reused()),
        }
    }

    fn replayed(&self, stored: &StoredAnswer) -> Response {
        answer::replayed(answer::stored(stored, &self.path))
    }
}

/// 422: the key came with another body before.
pub fn key_reused() -> Problem {
    let detail = "this idempotency key was used with another body before";
    let errors = vec![FieldFault { pointer: "Idempotency-Key".to_owned(), detail: detail.to_owned() }];
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail).errors(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(name: &'static str, value: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        headers
    }

    #[test]
    fn a_reason_is_short_text() {
        assert_eq!(reason(&HeaderMap::new()).unwrap(), None);
        assert_eq!(reason(&with(REASON_HEADER, "wieder möglich".as_bytes())).unwrap().unwrap(), "wieder möglich");
        assert_eq!(reason(&with(REASON_HEADER, &[b'x'; 500])).unwrap().unwrap().len(), 500);
        for bad in [&[b'x'; 501][..], b"\xff", b"a\tb"] {
            assert_eq!(reason(&with(REASON_HEADER, bad)).unwrap_err().code(), "invalid");
        }
    }

    #[test]
    fn a_key_is_visible_ascii() {
        assert_eq!(key(&with(KEY_HEADER, b"order-1")).unwrap().unwrap(), "order-1");
        for bad in [&b""[..], b"two words", b"caf\xc3\xa9", &[b'x'; 256]] {
            assert_eq!(key(&with(KEY_HEADER, bad)).unwrap_err().code(), "invalid");
        }
        let mut twice = with(KEY_HEADER, b"a");
        twice.append(KEY_HEADER, HeaderValue::from_static("a"));
        assert!(key(&twice).is_err());
    }

    #[test]
    fn a_path_is_text_once_its_escapes_are_undone() {
        for good in ["/admin/events", "/admin/customers/caf%C3%A9", "/admin/customers/100%", "/admin/customers/%zz%2"] {
            assert!(is_text(good), "{good}");
        }
        for bad in ["/admin/customers/%FF", "/admin/customers/%C3", "/admin/%ed%a0%80"] {
            assert!(!is_text(bad), "{bad}");
        }
    }

    #[test]
    fn only_what_operators_edit_has_versions() {
        assert!(has_versions("/admin/subscriptions/sub_1") && has_versions("/admin/sources/src_1"));
        assert!(!has_versions("/admin/customers/cus_1") && !has_versions("/admin/events/sources"));
        assert!(has_versions("/admin/plugins/emr/rollback") && !has_versions("/admin/plugins/emr/try"));
    }

    #[test]
    fn only_lists_take_query_parameters() {
        assert!(takes_query(&Method::GET, "/admin/events") && takes_query(&Method::GET, "/admin/plugins/emr/versions"));
        assert!(takes_query(&Method::PUT, "/admin/plugins/emr"));
        assert!(!takes_query(&Method::GET, "/admin/events/evt_1") && !takes_query(&Method::POST, "/admin/events"));
    }

    #[test]
    fn a_claim_is_of_one_caller_and_route_and_body() {
        let call = |actor: &str, path: &str| Call {
            caller: Caller::named(actor),
            request_id: String::new(),
            reason: None,
            now_ms: 0,
            method: Method::POST,
            path: path.to_owned(),
            key: Some("k".to_owned()),
        };
        let claim = call("key:1", "/admin/events").claim(b"{}").unwrap();
        assert_eq!(call("key:1", "/admin/events").claim(b"{}").unwrap(), claim);
        assert_ne!(call("key:2", "/admin/events").claim(b"{}").unwrap().key, claim.key);
        assert_ne!(call("key:1", "/admin/sources").claim(b"{}").unwrap().key, claim.key);
        let other = call("key:1", "/admin/events").claim(b"[]").unwrap();
        assert!(other.key == claim.key && other.body_hash != claim.body_hash);
    }
}
