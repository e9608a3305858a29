//! Words that say of what kind something is: they belong to the partner's interface, and are nobody's.

/// The longest word that is believed to be one.
const BYTES_MAX: usize = 64;
/// What keys of such words end with.
const KEYS: [&str; 14] = [
    "action", "category", "channel", "class", "code", "event", "kind", "mode", "outcome", "reason", "state", "status",
    "topic", "type",
];

/// At least two words joined by points or underscores: `video_call.completed`.
pub(super) fn is_word(text: &str) -> bool {
    text.len() <= BYTES_MAX
        && text.contains(['.', '_'])
        && text.split(['.', '_']).all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// Whether a key says that its value is a kind: `event`, `eventType`, `order-status`, `event_name`, `types`.
pub(super) fn is_named_by(key: &str) -> bool {
    let words = words(key);
    let mut from_last = words.iter().rev().map(String::as_str);
    match (from_last.next(), from_last.next()) {
        (Some("name" | "names"), Some("event" | "action")) => true,
        (Some(last), _) => KEYS.iter().any(|key| last == *key || last.strip_suffix('s') == Some(*key)),
        (None, _) => false,
    }
}

/// The words of a key, in lower case, whichever way they are joined.
fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut begins = true;
    for c in key.chars() {
        if !c.is_ascii_alphanumeric() {
            begins = true;
            continue;
        }
        begins |= c.is_ascii_uppercase();
        match words.last_mut() {
            Some(word) if !begins => word.push(c),
            _ => words.push(c.to_ascii_lowercase().to_string()),
        }
        begins = false;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whether_its_value_is_a_kind() {
        for key in ["event", "eventType", "event_type", "order-status", "Type", "types", "event_name", "resourceType"] {
            assert!(is_named_by(key), "{key}");
        }
        for key in
            ["", "name", "patient", "patient_id", "event_id", "username", "subtypes", "reasoned_by", "eventful", "s"]
        {
            assert!(!is_named_by(key), "{key}");
        }
    }

    #[test]
    fn a_word_is_two_words() {
        for text in ["video_call.completed", "order.placed", "in_progress"] {
            assert!(is_word(text), "{text}");
        }
        for text in ["ada", "US", "US-TX", "", "a.b2", "Video_call", "_a", "a__b", "a.b c", "."] {
            assert!(!is_word(text), "{text}");
        }
        assert!(!is_word(&format!("a_{}", "b".repeat(64))));
    }
}
