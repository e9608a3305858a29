//! `/admin/keys`: who may call.

use super::answer;
use super::body::{self, Faults, Object, child, kind_of};
use super::call::Call;
use super::query::{self, Query};
use crate::app::App;
use crate::chance;
use crate::problem::Problem;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use hookwright_core::id::KeyId;
use hookwright_core::secret::ApiKey;
use hookwright_core::timestamp::{format_ms, parse_rfc3339};
use hookwright_store::{Change, KeyRecord, KeyScope};
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

const NAME_CHARACTERS_MAX: usize = 200;

/// A key; its text only when it is made.
#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    name: &'a str,
    scopes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(record: &'a KeyRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: &record.name,
            scopes: record.scopes.iter().map(|scope| scope.as_str()).collect(),
            expires_at: record.expires_at.map(format_ms),
            created_at: format_ms(record.created_at),
            key: None,
        }
    }
}

/// A key as a body states it.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    name: String,
    scopes: Vec<KeyScope>,
    expires_at: Option<i64>,
}

/// `GET /admin/keys`.
pub async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let page = query.page::<KeyId>();
    query.finish()?;
    let all = app.store.keys();
    let (rows, next) = query::page_of(&all, |record| record.id.get(), page);
    answer::list(rows.into_iter().map(Shown::of).collect(), query::cursor::<KeyId>(next))
}

/// `POST /admin/keys`.
pub async fn create(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::sound_json(&app, request, body::JSON).await?;
    if let Some(response) = call.replay(&app, &bytes).await? {
        return Ok(response);
    }
    let wanted = read(&body::value(&bytes)?, call.now_ms)?;
    let key = ApiKey::generate(app.ids.next(), chance::bytes());
    let record = KeyRecord {
        id: key.id(),
        name: wanted.name,
        hash: key.hash(),
        scopes: wanted.scopes,
        expires_at: wanted.expires_at,
        revoked: false,
        created_at: call.now_ms,
    };
    let shown = Shown { key: Some(key.reveal()), ..Shown::of(&record) };
    let scopes = shown.scopes.join(",");
    let fresh = answer::store(StatusCode::CREATED, &shown)?;
    let change = Change {
        audit: call.audit("key.created", &record.id, format!("scopes={scopes}")),
        claim: call.claim(&bytes).map(|claim| (claim, fresh.clone())),
    };
    Ok(call.settle(app.store.create_key(record, change).await?, &fresh)?.0)
}

/// `GET /admin/keys/{id}`.
pub async fn get(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id: KeyId = id.parse().map_err(|_| Problem::not_found("key"))?;
    let keys = app.store.keys();
    let record = keys.iter().find(|record| record.id == id).ok_or_else(|| Problem::not_found("key"))?;
    answer::ok(&Shown::of(record))
}

/// `DELETE /admin/keys/{id}`: revokes it.
pub async fn revoke(
    State(app): State<App>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: KeyId = id.parse().map_err(|_| Problem::not_found("key"))?;
    if !app.store.revoke_key(id, call.change("key.revoked", &id, "")).await? {
        return Err(Problem::not_found("key"));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn read(body: &Value, now_ms: i64) -> Result<Wanted, Problem> {
    let mut faults = Faults::default();
    let wanted = Object::read(body, "", &mut faults).and_then(|mut object| {
        let name = object.required_text("name", NAME_CHARACTERS_MAX, &mut faults);
        let scopes = scopes(&mut object, &mut faults);
        let expires_at = object.text("expires_at", 64, &mut faults);
        let expires_at = expires_at.and_then(|text| expiry(text, now_ms, &mut faults));
        object.finish(&["id", "created_at", "key"], &mut faults);
        Some(Wanted { name: name?.to_owned(), scopes: scopes?, expires_at })
    });
    faults.finish()?;
    wanted.ok_or_else(|| Problem::unexpected(&"a key without a fault could not be read"))
}

fn scopes(object: &mut Object<'_>, faults: &mut Faults) -> Option<Vec<KeyScope>> {
    let words = KeyScope::ALL.map(KeyScope::as_str).join(", ");
    object.require("scopes", &format!("a list of {words}"), faults);
    let list = object.list("scopes", KeyScope::ALL.len(), faults)?;
    if list.is_empty() {
        faults.add("/scopes", "must name at least one scope: a key without any opens nothing");
    }
    let mut scopes = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let pointer = child("/scopes", &index.to_string());
        match value.as_str().map(KeyScope::from_word) {
            Some(Some(scope)) if scopes.contains(&scope) => faults.add(pointer, "is there twice"),
            Some(Some(scope)) => scopes.push(scope),
            Some(None) => faults.add(pointer, format!("expected one of {words}")),
            None => faults.add(pointer, format!("expected text, found {}", kind_of(value))),
        }
    }
    Some(scopes)
}

fn expiry(text: &str, now_ms: i64, faults: &mut Faults) -> Option<i64> {
    match parse_rfc3339(text) {
        Ok(at) if at <= now_ms => faults.add("/expires_at", "must be in the future"),
        Ok(at) => return Some(at),
        Err(error) => faults.add("/expires_at", error.to_string()),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(body: &Value) -> String {
        String::from_utf8(read(body, 1_767_565_800_000).unwrap_err().body("r")).unwrap()
    }

    #[test]
    fn a_key_is_read() {
        let wanted = read(
            &json!({"name": "ci", "scopes": ["read", "phi"], "expires_at": "2026-01-04T22:30:01Z"}),
            1_767_565_800_000,
        );
        let scopes = vec![KeyScope::Read, KeyScope::Phi];
        let expected = Wanted { name: "ci".into(), scopes, expires_at: Some(1_767_565_801_000) };
        assert_eq!(wanted.unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, pointer) in [
            (json!({"scopes": ["read"]}), "/name"),
            (json!({"name": "x"}), "/scopes"),
            (json!({"name": "x", "scopes": []}), "/scopes"),
            (json!({"name": "x", "scopes": ["root"]}), "/scopes/0"),
            (json!({"name": "x", "scopes": ["read", "read"]}), "/scopes/1"),
            (json!({"name": "x", "scopes": [1]}), "/scopes/0"),
            (json!({"name": "x", "scopes": ["read"], "expires_at": "2026-01-04T22:30:00Z"}), "/expires_at"),
            (json!({"name": "x", "scopes": ["read"], "expires_at": "soon"}), "/expires_at"),
            (json!({"name": "x", "scopes": ["read"], "expire": "soon"}), "/expire"),
        ] {
            assert!(faults(&body).contains(&format!("\"{pointer}\"")), "{body}");
        }
    }
}
