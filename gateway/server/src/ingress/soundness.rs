//! What no plugin is trusted to notice: JSON that two readers could read differently, or that costs more to read than to send.

use hookwright_core::json::{self, Limits};
use hookwright_core::message::Reason;
use http::{HeaderMap, header};

/// Levels of nesting.
const DEPTH_MAX: usize = 64;
/// Values in all, or one for so many bytes if that is more: clinical bundles have one for 15 to 25.
const NODES_MAX: usize = 50_000;
const BYTES_PER_NODE: usize = 10;
/// Some senders begin with a byte order mark, which RFC 8259 lets readers ignore, and which the plugin's kit does.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a body that is JSON, or claims to be, is not sound; `None` for sound ones and for other formats, which are the plugin's business.
pub(super) fn fault(headers: &HeaderMap, body: &[u8]) -> Option<Reason> {
    if !is_json(headers, body) {
        return None;
    }
    let text = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let nodes = NODES_MAX.max(text.len() / BYTES_PER_NODE);
    let mut fault = json::check(text, Limits { depth: DEPTH_MAX, nodes, bytes: text.len() }).err()?;
    fault.offset += body.len() - text.len();
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
    let text = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    says_so || matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
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
    fn a_byte_order_mark_is_passed_over() {
        let marked = |text: &str| [BYTE_ORDER_MARK, text.as_bytes()].concat();
        assert_eq!(place("application/json", &marked("{\"a\":1}")), None);
        assert_eq!(place("text/plain", &marked("{\"a\":}")), Some("/a".to_owned()));
        assert_eq!(place("application/json", &marked("{\"a\":1} x")), Some("byte 11".to_owned()));
        assert_eq!(place("application/json", &marked("\u{feff}{}")), Some("byte 3".to_owned()));
    }

    #[test]
    fn as_many_values_are_allowed_as_large_bodies_have() {
        let of = |text: &str, count: usize| format!("[{}0]", format!("{text},").repeat(count)).into_bytes();
        // As many bytes for each value as in a bundle of observations.
        let bundle = of("{\"system\":\"http://loinc.org\",\"code\":\"8302-2\"}", 20_000);
        assert_eq!(place("application/json", &bundle), None);
        assert!(place("application/json", &of("0", 60_000)).is_some());
        assert!(place("application/json", &of("[]", 400_000)).is_some());
    }

    #[test]
    fn a_compressed_body_is_left_to_the_plugin() {
        let mut headers = headers("application/json");
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(fault(&headers, b"\x1f\x8b"), None);
    }
}
