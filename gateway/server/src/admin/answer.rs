//! Answers: JSON bodies, lists, and what was stored under an idempotency key.

use crate::problem::Problem;
use axum::response::{IntoResponse, Response};
use hookwright_core::idempotency::StoredAnswer;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A page of a list.
#[derive(Serialize)]
struct List<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// What the headers of an answer are made from.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    /// A number for what operators edit; an author's own text for a version of a plugin.
    version: Option<serde_json::Value>,
    /// What plugins call theirs.
    revision: Option<i64>,
}

/// 200 with a body.
pub fn ok<T: Serialize>(body: &T) -> Result<Response, Problem> {
    Ok(stored(&store(StatusCode::OK, body)?, ""))
}

/// 200 with a page of a list.
pub fn list<T: Serialize>(data: Vec<T>, next_cursor: Option<impl ToString>) -> Result<Response, Problem> {
    let list = List { data, next_cursor: next_cursor.map(|cursor| cursor.to_string()) };
    Ok(plain(StatusCode::OK, to_json(&list)?))
}

/// An answer as it is remembered under an idempotency key.
pub fn store<T: Serialize>(status: StatusCode, body: &T) -> Result<StoredAnswer, Problem> {
    Ok(StoredAnswer { status: status.as_u16(), body: to_json(body)? })
}

/// An answer that was made by [`store`], now or earlier, to a request for `path`. `Location` and `ETag` follow from its body, so that a repeat has them, too.
pub fn stored(answer: &StoredAnswer, path: &str) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = plain(status, answer.body.clone());
    let Ok(head) = serde_json::from_slice::<Head<'_>>(&answer.body) else { return response };
    let headers = response.headers_mut();
    if let Some(version) = head.revision.or_else(|| head.version.and_then(|version| version.as_i64()))
        && let Ok(value) = HeaderValue::from_str(&format!("\"{version}\""))
    {
        headers.insert(header::ETAG, value);
    }
    if status == StatusCode::CREATED
        && let Some(id) = head.id
        && let Ok(value) = HeaderValue::from_str(&format!("{}/{id}", path.trim_end_matches('/')))
    {
        headers.insert(header::LOCATION, value);
    }
    response
}

/// The same answer, marked as one that was given before.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// A body of JSON, as it is.
pub fn plain(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

/// JSON text that goes into an answer as it is; it was checked before it was stored.
pub fn verbatim(text: &str) -> Result<&RawValue, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::unexpected(&error))
}

fn to_json<T: Serialize>(body: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| Problem::unexpected(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_answer_has_its_headers_again() {
        let answer = StoredAnswer { status: 201, body: br#"{"id":"sub_1","name":"x","version":3}"#.to_vec() };
        let response = replayed(stored(&answer, "/admin/subscriptions"));
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["location"], "/admin/subscriptions/sub_1");
        assert_eq!(response.headers()["etag"], "\"3\"");
        assert_eq!(response.headers()["idempotency-replayed"], "true");
    }

    #[test]
    fn an_answer_without_an_id_or_version_is_left_as_it_is() {
        let answer = StoredAnswer { status: 202, body: br#"{"data":[]}"#.to_vec() };
        let response = stored(&answer, "/admin/events");
        assert!(response.headers().get("location").is_none());
        assert!(response.headers().get("etag").is_none());
    }
}
