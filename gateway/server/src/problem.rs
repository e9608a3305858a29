//! Problem answers (RFC 9457): what is wrong, and where. Never a value of the request.
//!
//! A handler answers with a [`Problem`]; [`request_id::carry`], which both listeners put around their routers, writes it out with the request's id.

pub mod request_id;

pub use request_id::RequestId;

use axum::response::{IntoResponse, Response};
use hookwright_core::id::MessageId;
use hookwright_store::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::borrow::Cow;

/// One bad field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// JSON pointer (RFC 6901) into the request's body, `?name` for a query parameter, or a header's name.
    pub pointer: String,
    /// What is wrong with it, for a person.
    pub detail: String,
}

/// An answer that says what is wrong.
///
/// Boxed, because every handler returns it and few requests are refused.
#[derive(Clone, Debug)]
pub struct Problem(Box<Facts>);

#[derive(Clone, Debug)]
struct Facts {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    errors: Vec<FieldFault>,
    retry_after_secs: Option<u32>,
    allow: Option<String>,
    challenge: Option<&'static str>,
    message_id: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[FieldFault]>::is_empty")]
    errors: &'a [FieldFault],
}

impl Problem {
    /// A problem with a stable code and a sentence for a person.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_secs: None,
            allow: None,
            challenge: None,
            message_id: None,
        }))
    }

    /// 500: what must not happen did. The cause goes to the log, not to the client.
    pub fn unexpected(cause: &impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::internal()
    }

    fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the gateway failed; the request id finds it in the log",
        )
    }

    /// 405; the router names in `Allow` what would be.
    pub fn method_not_allowed() -> Self {
        let detail = "this path does not take this method; Allow names those it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    /// 404: there is no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// 422 with one pointer per bad field.
    pub fn invalid(errors: Vec<FieldFault>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are not valid", many.len()),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).errors(errors)
    }

    /// 422 for one bad field.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldFault { pointer: pointer.into(), detail: detail.into() }])
    }

    /// The same problem, to be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, secs: u32) -> Self {
        self.0.retry_after_secs = Some(secs);
        self
    }

    /// The same problem, naming the methods that are allowed.
    #[must_use]
    pub fn allow(mut self, methods: impl Into<String>) -> Self {
        self.0.allow = Some(methods.into());
        self
    }

    /// The same problem, naming the way to authenticate, as in `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(mut self, scheme: &'static str) -> Self {
        self.0.challenge = Some(scheme);
        self
    }

    /// The same problem, naming the message that was kept.
    #[must_use]
    pub fn message(mut self, id: MessageId) -> Self {
        self.0.message_id = Some(id.to_string());
        self
    }

    /// The same problem with these bad fields.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldFault>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Its stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Its status.
    pub const fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The body it is sent with.
    pub fn body(&self, request_id: &str) -> Vec<u8> {
        let body = Body {
            kind: "about:blank",
            title: self.0.status.canonical_reason().unwrap_or("Error"),
            status: self.0.status.as_u16(),
            code: &self.0.code,
            detail: &self.0.detail,
            request_id,
            message_id: self.0.message_id.as_deref(),
            errors: &self.0.errors,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The whole answer.
    pub fn answer(&self, request_id: &str) -> Response {
        let mut response = (self.0.status, self.body(request_id)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(secs) = self.0.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        if let Some(Ok(allow)) = self.0.allow.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(scheme) = self.0.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        response
    }
}

/// A bare answer that carries the problem along; [`request_id::carry`] writes it out.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A store's refusal as an answer. The cause goes to the log, not to the client.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Busy => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", "too much is waiting; come again in a moment")
                    .retry_after(1)
            }
            StoreError::Unavailable(_) | StoreError::NotWritable(_) | StoreError::Closed => {
                tracing::error!(error = %chain(&error), "store unavailable");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", "nothing was recorded; come again")
                    .retry_after(5)
            }
            StoreError::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "changed_meanwhile",
                "the record was changed since you read it; read it again",
            ),
            StoreError::Taken { what } => Self::new(StatusCode::CONFLICT, "taken", format!("this {what} is taken")),
            StoreError::Corrupt { .. } | StoreError::Sealed { .. } | StoreError::Unsuitable(_) => {
                tracing::error!(error = %chain(&error), "store failure");
                Self::internal()
            }
        }
    }
}

/// An error and its sources in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text.push_str(": ");
        text.push_str(&next.to_string());
        source = next.source();
    }
    text
}

#[cfg(test)]
mod tests;
