//! Headers that a subscription adds to its deliveries.

use crate::admin::body::{Faults, child, kind_of};
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The most headers a subscription may add.
const COUNT_MAX: usize = 20;
const VALUE_BYTES_MAX: usize = 4096;

/// What the gateway or the connection itself sets.
const RESERVED: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "http2-settings",
];
const RESERVED_BEGINNINGS: [&str; 3] = ["webhook-", "proxy-", "sec-"];

/// Reads an object of header names and values; names come out in lower case.
pub fn read(members: &Map<String, Value>, at: &str, faults: &mut Faults) -> Vec<(String, String)> {
    if members.len() > COUNT_MAX {
        faults.add(at, format!("must have at most {COUNT_MAX} headers"));
        return Vec::new();
    }
    let mut headers = BTreeMap::new();
    for (name, value) in members {
        let pointer = child(at, name);
        match one(name, value) {
            Err(detail) => faults.add(pointer, detail),
            Ok((name, value)) => {
                if headers.insert(name, value).is_some() {
                    faults.add(pointer, "is there twice: the case of a header's name does not matter");
                }
            }
        }
    }
    headers.into_iter().collect()
}

/// Writes the names in a patch's `headers` as they are kept, so that a patch finds them whatever their case. A name that is there twice is left for [`read`] to refuse.
pub fn unify_case(patch: &mut Value) {
    let Some(Value::Object(members)) = patch.get_mut("headers") else { return };
    let distinct: BTreeSet<String> = members.keys().map(|name| name.to_ascii_lowercase()).collect();
    if distinct.len() == members.len() {
        *members =
            std::mem::take(members).into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    }
}

/// The name of a header that may be set, in lower case.
pub fn name(name: &str) -> Result<String, String> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "is not a legal header name".to_owned())?;
    let name = name.as_str();
    if RESERVED.contains(&name) || RESERVED_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) {
        return Err("is set by the gateway and cannot be set here".to_owned());
    }
    Ok(name.to_owned())
}

fn one(name: &str, value: &Value) -> Result<(String, String), String> {
    let name = self::name(name)?;
    let Value::String(text) = value else { return Err(format!("expected text, found {}", kind_of(value))) };
    let visible = HeaderValue::from_str(text).is_ok_and(|value| value.to_str().is_ok());
    if text.len() > VALUE_BYTES_MAX || !visible || text.trim() != text {
        return Err(format!("must be at most {VALUE_BYTES_MAX} visible ASCII characters without blanks at either end"));
    }
    Ok((name, text.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Vec<(String, String)>, crate::problem::Problem> {
        let mut faults = Faults::default();
        let headers = super::read(body.as_object().unwrap(), "/headers", &mut faults);
        faults.finish().map(|()| headers)
    }

    #[test]
    fn names_come_out_in_lower_case() {
        let headers = read(&json!({"X-Api-Key": "a b", "Authorization": "Bearer x"})).unwrap();
        assert_eq!(headers, [("authorization".into(), "Bearer x".into()), ("x-api-key".into(), "a b".into())]);
    }

    #[test]
    fn a_patch_names_headers_in_any_case() {
        let mut patch = json!({"headers": {"X-A": null, "x-b": "1"}, "Name": "x"});
        unify_case(&mut patch);
        assert_eq!(patch, json!({"headers": {"x-a": null, "x-b": "1"}, "Name": "x"}));
        let mut twice = json!({"headers": {"X-A": "1", "x-a": "2"}});
        unify_case(&mut twice);
        assert_eq!(twice["headers"].as_object().unwrap().len(), 2);
        let mut other = json!({"headers": null});
        unify_case(&mut other);
        assert_eq!(other, json!({"headers": null}));
    }

    #[test]
    fn what_is_reserved_or_not_legal_is_refused() {
        for name in ["Host", "content-length", "Webhook-Id", "webhook-signature", "Connection", "a b", "", "x:y", "é"]
        {
            assert!(read(&json!({name: "x"})).is_err(), "{name}");
        }
        for value in [json!("a\r\nb: c"), json!(" a"), json!("é"), json!(7), json!("\u{0}"), json!("x".repeat(4097))] {
            assert!(read(&json!({"x-a": value})).is_err());
        }
        assert!(read(&json!({"x-a": "1", "X-A": "2"})).is_err());
        let many: Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("1"))).collect();
        assert!(read(&Value::Object(many)).is_err());
    }
}
