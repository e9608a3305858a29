//! What verification needs of a request, in one piece.

use std::borrow::Cow;

use serde_json::Value;

use super::headers::single;
use super::{Flaw, HEADER_MAX, Headers, Place, SIGNATURES_MAX, VerifyError, fields};

/// A request as it came, with what is known around it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, as it was sent.
    pub method: &'a str,
    /// The path below the source's own, as it was sent: empty, or with a leading slash.
    pub path: &'a str,
    /// The query without its `?`, as it was sent.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a dyn Headers,
    /// The body, byte for byte: not decompressed, not decoded.
    pub body: &'a [u8],
    /// Where the partner posts to, as it knows the source's own path: never made from what a request says of itself.
    pub public_url: Option<&'a str>,
    /// The certificate the client showed, DER, where the listener asked for one and checked it.
    pub peer_certificate: Option<&'a [u8]>,
    /// The present time, unix seconds.
    pub now_secs: i64,
}

impl<'a> Request<'a> {
    /// A `POST` of a body with headers and nothing else.
    pub const fn new(headers: &'a dyn Headers, body: &'a [u8], now_secs: i64) -> Self {
        Self { method: "POST", path: "", query: "", headers, body, public_url: None, peer_certificate: None, now_secs }
    }

    /// The fields of the body, where it says that it is a form.
    pub(super) fn is_form(&self) -> bool {
        let form = |value: &&[u8]| {
            let essence = value.split(|b| *b == b';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        };
        matches!(self.headers.values("content-type").as_slice(), [value] if form(value))
    }
}

/// The one text at a place.
pub(crate) fn text_at<'a>(request: &Request<'a>, place: &Place) -> Result<Cow<'a, [u8]>, VerifyError> {
    let value = match place {
        Place::Header(name) => return single(request.headers, name).map(Cow::Borrowed),
        Place::NumberedHeaders(_) => return Err(VerifyError::missing(place)),
        Place::Query(name) => field(request.query.as_bytes(), name, place)?,
        Place::Form(name) => field(request.body, name, place)?,
        Place::Body(pointer) => {
            // A body that is no JSON has nothing at any pointer.
            let document: Option<Value> = serde_json::from_slice(request.body).ok();
            match document.as_ref().and_then(|document| document.pointer(pointer)) {
                Some(Value::String(text)) => Cow::Owned(text.clone().into_bytes()),
                _ => return Err(VerifyError::missing(place)),
            }
        }
    };
    match value.len() {
        0 => Err(VerifyError::at(place, Flaw::Empty)),
        1..=HEADER_MAX => Ok(value),
        _ => Err(VerifyError::at(place, Flaw::TooLong)),
    }
}

fn field<'a>(text: &'a [u8], name: &str, place: &Place) -> Result<Cow<'a, [u8]>, VerifyError> {
    let fields = fields::read(text).map_err(|_| VerifyError::at(place, Flaw::TooMany))?;
    let mut named = fields.into_iter().filter(|(own, _)| **own == *name.as_bytes());
    match (named.next(), named.next()) {
        (None, _) => Err(VerifyError::missing(place)),
        (Some((_, value)), None) => Ok(value),
        (Some(_), Some(_)) => Err(VerifyError::at(place, Flaw::Duplicate)),
    }
}

/// Whether anything at all stands at a place, broken or whole.
pub(super) fn is_offered(request: &Request<'_>, place: &Place) -> bool {
    match place {
        // Where the first is missing, what is left of them is broken and decides all the same.
        Place::NumberedHeaders(start) => {
            (1..=SIGNATURES_MAX).any(|number| !request.headers.values(&format!("{start}{number}")).is_empty())
        }
        Place::Header(name) => !request.headers.values(name).is_empty(),
        Place::Query(_) | Place::Form(_) | Place::Body(_) => !matches!(
            text_at(request, place),
            Err(VerifyError::MissingHeader { .. } | VerifyError::MissingField { .. })
        ),
    }
}
