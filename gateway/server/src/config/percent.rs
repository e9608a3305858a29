//! What stands percent-encoded in a URL.

/// The text that is meant; `None` where that is no UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        let escaped = (*byte == b'%').then(|| after.split_at_checked(2)).flatten();
        let value = escaped.and_then(|(digits, after)| Some((hex::decode(digits).ok()?[0], after)));
        let (value, after) = value.unwrap_or((*byte, after));
        bytes.push(value);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// As it may stand anywhere in a URL, with the characters of `plain` as they are, besides letters and digits.
pub(super) fn encoded(text: &str, plain: &str) -> String {
    let one = |byte: u8| {
        if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(one).collect()
}
