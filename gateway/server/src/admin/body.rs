//! Bodies of requests: bounded in size and time, of the type that was asked for, and sound JSON before anything else looks at them.

mod fields;

pub use fields::{Faults, Object, child, kind_of};

use crate::app::App;
use crate::ingress::body::discard;
use crate::problem::{FieldFault, Problem};
use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use hookwright_core::json::{self, Limits};
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

/// The media types of a JSON body.
pub const JSON: &[&str] = &["application/json"];
/// The media types of a merge patch.
pub const MERGE_PATCH: &[&str] = &["application/merge-patch+json", "application/json"];
/// The media type of a component.
pub const WASM: &[&str] = &["application/wasm"];

/// What a body that states one record may be at most.
const RECORD: Limits = Limits { depth: 64, nodes: 10_000, bytes: 1024 * 1024 };

/// Reads a body of one of the media types `accepted`, whatever it holds.
pub async fn raw(app: &App, request: Request, accepted: &[&str], bytes_max: usize) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    check_type(&parts.headers, accepted)?;
    read(app, &parts.headers, body, bytes_max).await
}

/// Reads a JSON body and checks that it is sound, without making anything of it yet.
pub async fn sound_json(app: &App, request: Request, accepted: &[&str]) -> Result<Bytes, Problem> {
    let limits = Limits { bytes: RECORD.bytes.min(app.config.admin.body_bytes_max), ..RECORD };
    sound_json_within(app, request, accepted, limits).await
}

/// The same, within limits of its own.
pub async fn sound_json_within(
    app: &App,
    request: Request,
    accepted: &[&str],
    limits: Limits,
) -> Result<Bytes, Problem> {
    let bytes = raw(app, request, accepted, limits.bytes).await?;
    check_sound(&bytes, limits)?;
    Ok(bytes)
}

/// The same as [`sound_json`] for requests that may come without a body, and then without a type.
pub async fn optional_json(app: &App, request: Request) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read(app, &parts.headers, body, RECORD.bytes).await?;
    if !bytes.is_empty() {
        check_type(&parts.headers, JSON)?;
        check_sound(&bytes, RECORD)?;
    }
    Ok(bytes)
}

/// For requests that say everything in their path: reads to the end, and refuses what is there.
pub async fn none(app: &App, request: Request) -> Result<(), Problem> {
    let (parts, body) = request.into_parts();
    let bytes = read(app, &parts.headers, body, RECORD.bytes).await?;
    let empty = bytes.is_empty() || bytes.trim_ascii() == b"{}";
    if empty { Ok(()) } else { Err(Problem::field("", "this request takes no body")) }
}

/// The value of a body that was found sound.
pub fn value(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| malformed("", format!("is not JSON at line {}, column {}", error.line(), error.column())))
}

async fn read(app: &App, headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|told| told > bytes_max as u64) {
        discard(body, &app.config.admin).await;
        return Err(too_large(bytes_max));
    }
    let mut body = body;
    let whole = Limited::new(&mut body, bytes_max).collect();
    let collected = tokio::time::timeout(app.config.admin.body_timeout, whole).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body, &app.config.admin).await;
            Err(too_large(bytes_max))
        }
        Ok(Err(_)) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "the body ended before it was complete"))
        }
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body took too long to arrive")),
    }
}

fn too_large(bytes_max: usize) -> Problem {
    let detail = format!("the body is larger than {bytes_max} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn check_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = told.split(';').next().unwrap_or_default().trim();
    if accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(media_type)) {
        return Ok(());
    }
    let detail = format!("expected Content-Type: {}", accepted.join(" or "));
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

fn check_sound(bytes: &[u8], limits: Limits) -> Result<(), Problem> {
    if bytes.trim_ascii().is_empty() {
        return Err(malformed("", "expected a JSON body, found nothing"));
    }
    json::check(bytes, limits).map_err(|fault| malformed(fault.pointer.clone(), fault.to_string()))
}

/// 400: the body is not the JSON it should be.
fn malformed(pointer: impl Into<String>, detail: impl Into<String>) -> Problem {
    let detail = detail.into();
    let errors = vec![FieldFault { pointer: pointer.into(), detail: detail.clone() }];
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail).errors(errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
        headers
    }

    #[test]
    fn only_the_accepted_types_pass() {
        for text in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(check_type(&typed(text), JSON).is_ok(), "{text}");
        }
        for text in ["text/plain", "application/json-patch+json", "application/x-www-form-urlencoded"] {
            assert_eq!(check_type(&typed(text), JSON).unwrap_err().status(), 415, "{text}");
        }
        assert_eq!(check_type(&HeaderMap::new(), JSON).unwrap_err().code(), "unsupported_media_type");
        assert!(check_type(&typed("application/merge-patch+json"), MERGE_PATCH).is_ok());
    }

    #[test]
    fn unsound_json_is_refused() {
        for body in ["", "  ", "{", "{\"a\":1,\"a\":2}", "nul"] {
            assert_eq!(check_sound(body.as_bytes(), RECORD).unwrap_err().code(), "malformed_json", "{body}");
        }
        assert_eq!(check_sound(b"{\"a\":\"\xff\"}", RECORD).unwrap_err().status(), 400);
        assert_eq!(check_sound("[".repeat(10_000).as_bytes(), RECORD).unwrap_err().status(), 400);
        assert!(check_sound(b"{\"a\":[1]}", RECORD).is_ok());
    }
}
