//! The id of a request: taken from its sender or made, told in every answer, and written beside everything the request does.

use super::Problem;
use crate::chance;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a sender, in bytes.
pub const LENGTH_MAX: usize = 128;

/// The id of a request, among its extensions: 1 to 128 characters of visible ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// The sender's id where it is well-formed, a new one otherwise.
    pub fn of(headers: &HeaderMap) -> Self {
        given(headers).unwrap_or_else(Self::make)
    }

    fn make() -> Self {
        Self(format!("req_{}", hex::encode(chance::bytes::<12>())))
    }
}

fn given(headers: &HeaderMap) -> Option<RequestId> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=LENGTH_MAX).contains(&text.len()) && visible).then(|| RequestId(text.to_owned()))
}

/// Middleware: gives every request its id, writes problems out with it, and tells it in the answer.
pub async fn carry(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let response = next.run(request).await;
    told(response, &id)
}

/// The answer to the request of an id: a problem is written out with it, and it is told in any answer.
pub fn told(mut response: Response, id: &RequestId) -> Response {
    // A router's own refusal of a method is bare.
    let bare = response.status() == StatusCode::METHOD_NOT_ALLOWED && response.headers().get(CONTENT_TYPE).is_none();
    let refusal = bare.then(Problem::method_not_allowed);
    if let Some(problem) = response.extensions_mut().remove::<Problem>().or(refusal) {
        response = problem.answer(&id.0);
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(value).unwrap());
        RequestId::of(&headers).0
    }

    #[test]
    fn a_well_formed_id_is_kept_and_any_other_is_replaced() {
        assert_eq!(of(b"abc-123"), "abc-123");
        assert_eq!(of(&[b'x'; 128]).len(), 128);
        for bad in [&b""[..], b"two words", b"caf\xc3\xa9", &[b'x'; 129]] {
            assert!(of(bad).starts_with("req_"), "{bad:?}");
        }
    }

    #[test]
    fn two_requests_have_two_ids() {
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}
