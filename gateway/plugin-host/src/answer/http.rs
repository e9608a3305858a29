//! Methods, headers and replies.

use super::bound::{Invalid, at_most};
use crate::bindings::inbound::hookwright::plugin::call;
use crate::context::Reply;

const HEADERS_MAX: usize = 64;
const HEADER_NAME_BYTES_MAX: usize = 128;
const HEADER_VALUE_BYTES_MAX: usize = 8192;

/// Headers that frame the message or belong to the connection (RFC 9110 section 7.6.1, RFC 9112), and the two that have
/// a field of their own or a meaning for the exchange as such.
const FRAMING: [&str; 12] = [
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// One of the methods allowed, in upper case.
pub(super) fn method(value: &str, allowed: &[&str]) -> Result<String, Invalid> {
    if allowed.contains(&value) {
        return Ok(value.to_owned());
    }
    Err(Invalid::new("method", format!("must be one of {}", allowed.join(", "))))
}

/// Whether this is a token (RFC 9110 section 5.6.2).
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A header value: visible ASCII, spaces and tabs, none at the ends.
pub(super) fn value(field: &str, value: String) -> Result<String, Invalid> {
    let legal = value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
    if legal && value.len() <= HEADER_VALUE_BYTES_MAX && value.trim() == value {
        return Ok(value);
    }
    Err(Invalid::new(field, "must have header values of visible ASCII"))
}

/// A media type, as a header value with a slash in it.
pub(super) fn content_type(content_type: String) -> Result<String, Invalid> {
    let content_type = value("content-type", content_type)?;
    if content_type.contains('/') && content_type.len() <= 256 {
        return Ok(content_type);
    }
    Err(Invalid::new("content-type", "must be a media type"))
}

/// Headers with their names in lower case. Names that start with one of the prefixes are the gateway's own.
pub(super) fn headers(
    headers: Vec<(String, String)>,
    reserved_prefixes: &[&str],
) -> Result<Vec<(String, String)>, Invalid> {
    at_most("headers", &headers, HEADERS_MAX)?;
    let mut checked = Vec::with_capacity(headers.len());
    for (mut name, text) in headers {
        name.make_ascii_lowercase();
        if !is_token(&name) || name.len() > HEADER_NAME_BYTES_MAX {
            return Err(Invalid::new("headers", "must have names that are HTTP tokens"));
        }
        if FRAMING.contains(&name.as_str()) || reserved_prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(Invalid::new("headers", format!("must not have {name}, which the gateway sets")));
        }
        checked.push((name, value("headers", text)?));
    }
    Ok(checked)
}

/// A reply to the partner, if there is one.
pub(super) fn reply(reply: Option<call::Reply>) -> Result<Option<Reply>, Invalid> {
    reply.map(|reply| checked_reply(reply).map_err(|invalid| invalid.within("reply"))).transpose()
}

fn checked_reply(reply: call::Reply) -> Result<Reply, Invalid> {
    if reply.status.is_some_and(|status| !(200..=599).contains(&status)) {
        return Err(Invalid::new("status", "must be from 200 to 599"));
    }
    if matches!(reply.status, Some(204 | 205 | 304)) && !reply.body.is_empty() {
        return Err(Invalid::new("body", "must be empty with this status"));
    }
    super::bound::attributes(reply.attributes)?;
    Ok(Reply {
        status: reply.status,
        content_type: reply.content_type.map(content_type).transpose()?,
        headers: headers(reply.headers, &[])?,
        body: reply.body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn names_come_out_in_lower_case() {
        assert_eq!(headers(pair("X-Revision", "2024"), &[]).ok(), Some(pair("x-revision", "2024")));
    }

    #[test]
    fn illegal_and_reserved_headers_are_refused() {
        for (name, value) in
            [("", "x"), ("a b", "x"), ("a", "x\r\ny"), ("a", "\u{e9}"), ("a", " x"), ("Host", "x"), ("Webhook-Id", "x")]
        {
            assert!(headers(pair(name, value), &["webhook-"]).is_err(), "{name:?}: {value:?}");
        }
        assert!(headers(vec![("a".to_owned(), "x".to_owned()); 65], &[]).is_err());
    }

    #[test]
    fn replies_are_final_answers() {
        let reply = |status, body: &[u8]| call::Reply {
            status: Some(status),
            content_type: None,
            headers: Vec::new(),
            body: body.to_vec(),
            attributes: Vec::new(),
        };
        assert!(checked_reply(reply(200, b"MSA|AA|1")).is_ok() && checked_reply(reply(204, b"")).is_ok());
        for (status, body) in [(0, ""), (101, ""), (199, ""), (600, ""), (204, "x")] {
            assert!(checked_reply(reply(status, body.as_bytes())).is_err(), "{status}");
        }
    }
}
