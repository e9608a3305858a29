//! A request's headers: as verification reads them, and as they are kept.

use hookwright_core::signature::{self, Place, Scheme};
use http::HeaderMap;

/// Headers that are kept; a request may not have more.
pub(super) const HEADERS_MAX: usize = 64;
/// Headers with one of these in their name carry credentials: several vendors send the secret itself as a "signature".
const SECRET_WORDS: [&str; 9] =
    ["authorization", "cookie", "signature", "token", "secret", "password", "api-key", "api_key", "apikey"];
/// What stands in the place of a credential's value in a query that is kept.
const REDACTED: &str = "redacted";

/// The headers of a request on the wire.
pub(super) struct Wire<'a>(pub &'a HeaderMap);

impl signature::Headers for Wire<'_> {
    fn values(&self, name: &str) -> Vec<&[u8]> {
        self.0.get_all(name).iter().map(http::HeaderValue::as_bytes).collect()
    }
}

/// The headers that are kept with a message: names in lower case, each byte of a value the character of that number, credentials left out.
pub(super) fn kept(headers: &HeaderMap, scheme: &Scheme) -> Vec<(String, String)> {
    let places = scheme.places();
    let harmless = headers.iter().filter(|(name, _)| !is_secret(name.as_str(), &places)).take(HEADERS_MAX);
    harmless.map(|(name, value)| (name.as_str().to_owned(), latin1(value.as_bytes()))).collect()
}

/// The query that is kept with a message: as it came, but for the values of parameters that carry credentials.
pub(super) fn kept_query(query: &str, scheme: &Scheme) -> String {
    let places = scheme.places();
    let kept = |part: &str| {
        let (written, _) = part.split_once('=')?;
        let (name, _) = url::form_urlencoded::parse(part.as_bytes()).next()?;
        let holds = |place: &Place| matches!(place, Place::Query(own) if *own == name);
        let lower = name.to_lowercase();
        let secret = places.iter().any(holds) || SECRET_WORDS.iter().any(|word| lower.contains(word));
        secret.then(|| format!("{written}={REDACTED}"))
    };
    let parts: Vec<_> = query.split('&').map(|part| kept(part).unwrap_or_else(|| part.to_owned())).collect();
    parts.join("&")
}

fn is_secret(name: &str, places: &[Place]) -> bool {
    let signed_in = |place: &Place| match place {
        Place::Header(own) => own.eq_ignore_ascii_case(name),
        Place::NumberedHeaders(start) => name.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)),
        Place::Query(_) | Place::Form(_) | Place::Body(_) => false,
    };
    places.iter().any(signed_in) || SECRET_WORDS.iter().any(|word| name.contains(word))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[test]
    fn credentials_are_left_out_and_the_rest_is_kept_in_order() {
        let scheme: Scheme = serde_json::from_str(r#"{"type":"hmac","header":"X-Checksum"}"#).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer s"),
            ("cookie", "s"),
            ("proxy-authorization", "s"),
            ("webhook-signature", "v1,s"),
            ("x-drchrono-signature", "s"),
            ("verification-token", "s"),
            ("x-api-key", "s"),
            ("x-checksum", "s"),
            ("content-type", "application/json"),
            ("webhook-id", "msg_1"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers.append("x-note", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        let kept = kept(&headers, &scheme);
        let names: Vec<_> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "webhook-id", "x-note"]);
        assert_eq!(kept[2].1, "café");
    }

    #[test]
    fn the_headers_of_every_scheme_s_signature_are_left_out() {
        let mut headers = HeaderMap::new();
        for name in ["x-sum-1", "x-sum-2", "x-check", "x-note"] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("s"));
        }
        for (scheme, expected) in [
            (r#"{"type":"hmac","location":"headers:X-Sum-"}"#, &["x-check", "x-note"][..]),
            (r#"{"type":"token","location":"header:X-Check"}"#, &["x-sum-1", "x-sum-2", "x-note"]),
            (
                r#"{"type":"strongest","schemes":[{"type":"ed25519","header":"X-Check"},{"type":"hmac","header":"X-Note"}]}"#,
                &["x-sum-1", "x-sum-2"],
            ),
        ] {
            let kept = kept(&headers, &serde_json::from_str(scheme).unwrap());
            assert_eq!(kept.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected, "{scheme}");
        }
    }

    #[test]
    fn credentials_in_a_query_are_redacted_and_the_rest_is_as_it_came() {
        let scheme: Scheme = serde_json::from_str(r#"{"type":"token","location":"query:key"}"#).unwrap();
        for (query, kept) in [
            ("", ""),
            ("a=%20b&&c", "a=%20b&&c"),
            ("a=1&key=s&b=2", "a=1&key=redacted&b=2"),
            ("k%65y=s=t&keys=1", "k%65y=redacted&keys=1"),
            ("hub.verify_token=s&verification-token=s", "hub.verify_token=redacted&verification-token=redacted"),
            ("Access_Token=s&X-Signature=s&api_key=s", "Access_Token=redacted&X-Signature=redacted&api_key=redacted"),
        ] {
            assert_eq!(kept_query(query, &scheme), kept);
        }
    }

    #[test]
    fn verification_sees_every_value_in_any_case() {
        use hookwright_core::signature::Headers;
        let mut headers = HeaderMap::new();
        headers.append("webhook-id", HeaderValue::from_static("a"));
        headers.append("webhook-id", HeaderValue::from_static("b"));
        assert_eq!(Wire(&headers).values("Webhook-Id"), [b"a", b"b"]);
    }
}
