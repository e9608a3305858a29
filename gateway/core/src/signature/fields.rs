//! Queries and form bodies (`application/x-www-form-urlencoded`), decoded to bytes: nothing is replaced where it is no UTF-8, so that two
//! bodies never look the same to verification.

use std::borrow::Cow;

/// The most fields that are looked at.
const FIELDS_MAX: usize = 1024;

/// There are more fields than any honest request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

/// A field's name and value.
pub(super) type Field<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// Every field, in its order. A `&` with nothing on either side is none.
pub(super) fn read(text: &[u8]) -> Result<Vec<Field<'_>>, TooMany> {
    let mut fields = Vec::new();
    for field in text.split(|b| *b == b'&').filter(|field| !field.is_empty()) {
        if fields.len() == FIELDS_MAX {
            return Err(TooMany);
        }
        let at = field.iter().position(|b| *b == b'=');
        let (name, value) = at.map_or((field, &[] as &[u8]), |at| (&field[..at], &field[at + 1..]));
        fields.push((decode(name), decode(value)));
    }
    Ok(fields)
}

/// Every field's name with its value behind it, sorted, each pair once: as Twilio signs a form.
pub(super) fn sorted(text: &[u8]) -> Result<Vec<u8>, TooMany> {
    let mut fields = read(text)?;
    fields.sort();
    fields.dedup();
    let mut joined = Vec::with_capacity(text.len());
    for (name, value) in &fields {
        joined.extend_from_slice(name);
        joined.extend_from_slice(value);
    }
    Ok(joined)
}

/// A `%` without two hexadecimal digits stands for itself, as browsers have it.
fn decode(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let escaped = tail.first_chunk::<2>().filter(|_| *first == b'%').and_then(|digits| byte(*digits));
        decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(decoded)
}

fn byte(digits: [u8; 2]) -> Option<u8> {
    let mut byte = [0];
    hex::decode_to_slice(digits, &mut byte).ok().map(|()| byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, String)> {
        let lossless = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
        read(text.as_bytes()).unwrap().iter().map(|(k, v)| (lossless(k), lossless(v))).collect()
    }

    #[test]
    fn fields_are_split_once_and_decoded_to_bytes() {
        let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        assert_eq!(shown("a=1&b=c%3Dd&&e=f=g&h"), [pair("a", "1"), pair("b", "c=d"), pair("e", "f=g"), pair("h", "")]);
        assert_eq!(shown("a+b=%2B+%2b"), [pair("a b", "+ +")]);
        assert_eq!(shown("a=%&b=%4&c=%zz"), [pair("a", "%"), pair("b", "%4"), pair("c", "%zz")]);
        assert_ne!(shown("a=%FF"), shown("a=%FE"));
        assert_eq!(shown("&"), []);
    }

    #[test]
    fn the_number_of_fields_is_bounded() {
        assert!(read("a&".repeat(FIELDS_MAX).as_bytes()).is_ok());
        assert_eq!(read("a&".repeat(FIELDS_MAX + 1).as_bytes()), Err(TooMany));
    }
}
