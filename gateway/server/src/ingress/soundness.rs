//! What no plugin is trusted to notice: JSON that two readers could read differently, or that costs more to read than to send.

use hookwright_core::json::{self, Limits};
use hookwright_core::message::Reason;
use http::{HeaderMap, header};

/// Levels of nesting.
const DEPTH_MAX: usize = 64;
/// Values in all.
const NODES_MAX: usize = 50_000;

/// Why a body that is JSON, or claims to be, is not sound; `None` for sound ones and for other formats, which are the plugin's business.
pub(super) fn fault(headers: &HeaderMap, body: &[u8]) -> Option<Reason> {
    if !is_json(headers, body) {
        return None;
    }
    let limits = Limits { depth: DEPTH_MAX, nodes: NODES_MAX, bytes: body.len() };
    let fault = json::check(body, limits).err()?;
    let location = if fault.pointer.is_empty() { format!("byte {}", fault.offset) } else { fault.pointer.clone() };
    Some(Reason::new("malformed", fault.to_string()).at(location))
}

/// An empty body is no JSON, whatever its type says: some partners announce changes so. A compressed one is not looked into.
fn is_json(headers: &HeaderMap, body: &[u8]) -> bool {
    if body.is_empty() || headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = told.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let says_so = media_type.ends_with("/json") || media_type.ends_with("+json");
    says_so || matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(content_type: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers
    }

    fn place(content_type: &'static str, body: &[u8]) -> Option<String> {
        fault(&headers(content_type), body).map(|reason| reason.location)
    }

    #[test]
    fn json_is_known_by_its_type_or_its_beginning() {
        for content_type in ["application/json", "application/fhir+json; charset=utf-8", "APPLICATION/JSON"] {
            assert_eq!(place(content_type, b"MSH|"), Some("byte 0".to_owned()), "{content_type}");
            assert_eq!(place(content_type, b""), None);
        }
        assert_eq!(place("text/plain", b" {\"a\":}"), Some("/a".to_owned()));
        assert_eq!(place("text/plain", b"MSH|^~\\&|"), None);
        assert_eq!(place("application/xml", b"<a/>"), None);
    }

    #[test]
    fn what_is_unsound_is_told_with_its_place() {
        let deep = [b"[".repeat(65), b"]".repeat(65)].concat();
        for (body, location) in [
            (&br#"{"patient":{"id":1,"id":2}}"#[..], "/patient/id"),
            (b"{\"a\":\"\xff\"}", "/a"),
            (b"{\"a\":1} x", "byte 8"),
        ] {
            assert_eq!(place("application/json", body).as_deref(), Some(location));
        }
        assert!(fault(&headers("application/json"), &deep).is_some_and(|reason| reason.code == "malformed"));
        assert_eq!(place("application/json", br#"{"a":[1,2,{"b":null}]}"#), None);
    }

    #[test]
    fn a_compressed_body_is_left_to_the_plugin() {
        let mut headers = headers("application/json");
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(fault(&headers, b"\x1f\x8b"), None);
    }
}
