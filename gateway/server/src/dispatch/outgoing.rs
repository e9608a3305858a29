//! The request of one attempt: its bytes, signed, and what of it goes on record.

use super::endpoint::{Endpoint, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, custom};
use bytes::Bytes;
use hookwright_core::delivery_options::DeliveryMethod;
use hookwright_core::id::EventId;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::Full;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What stands on record for a value that is nobody's to read: a signature, or what may be a credential.
const REDACTED: &str = "[redacted]";

/// What a transform made of the envelope.
pub(super) struct Shaped {
    /// The method.
    pub(super) method: Method,
    /// The content type.
    pub(super) content_type: HeaderValue,
    /// Further headers.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: Bytes,
}

impl Shaped {
    /// The envelope as it is, by the method that the subscription asks for.
    pub(super) fn envelope(endpoint: &Endpoint, body: Vec<u8>) -> Self {
        let method = match endpoint.subscription().options.method {
            DeliveryMethod::Post => Method::POST,
            DeliveryMethod::Put => Method::PUT,
            DeliveryMethod::Patch => Method::PATCH,
        };
        Self { method, content_type: JSON, headers: Vec::new(), body: body.into() }
    }
}

/// The request of one attempt.
pub(super) struct Outgoing {
    method: Method,
    path: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Outgoing {
    /// Signs what is to be sent: exactly these bytes, at this time, under the event's id.
    pub(super) fn sign(endpoint: &Endpoint, event: EventId, shaped: Shaped, now_ms: i64) -> Self {
        let id = event.to_string();
        let seconds = now_ms.div_euclid(1000);
        let mut signature = value(&endpoint.signer().sign(&id, now_ms, &shaped.body));
        signature.set_sensitive(true);
        let mut headers = endpoint.common_headers().clone();
        for (name, value) in custom(&shaped.headers) {
            // What the operator set for this subscription stands above what its plugin says.
            if !endpoint.common_headers().contains_key(&name) {
                headers.append(name, value);
            }
        }
        for (name, signer) in endpoint.legacy() {
            let mut value = value(&signer.sign(&id, now_ms, &shaped.body));
            value.set_sensitive(signer.has_signature());
            headers.insert(name.clone(), value);
        }
        headers.insert(CONTENT_TYPE, shaped.content_type);
        headers.insert(WEBHOOK_ID, value(&id));
        headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(seconds));
        headers.insert(WEBHOOK_SIGNATURE, signature);
        Self { method: shaped.method, path: endpoint.path(), headers, body: shaped.body }
    }

    /// The request itself.
    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Its headers as they go on record.
    pub(super) fn record(&self) -> Vec<(String, String)> {
        self.headers.iter().filter(|(name, _)| *name != HOST).map(recorded).collect()
    }
}

fn recorded((name, value): (&HeaderName, &HeaderValue)) -> (String, String) {
    let shown = if value.is_sensitive() { REDACTED } else { value.to_str().unwrap_or_default() };
    (name.as_str().to_owned(), shown.to_owned())
}

/// A header's value from a text that holds visible ASCII alone: ids and signatures are made of nothing else.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
