//! Redaction: what a partner sent, with every value replaced by another of the same shape, so that it can lie in a repository.
//!
//! Structure, keys, `true`, `false`, `null`, 0 and 1 stay. Words such as `video_call.completed` stay where their key says that they name a kind (`event`, `status`); anywhere
//! else `ada_example` is as likely. Letters become other letters of the same case, digits other digits, dates other dates; punctuation and lengths stay. The same value gets
//! the same replacement wherever it occurs, so that ids that refer to each other still do. Replacements come from a keyed hash whose key is thrown away: nobody can find out
//! a value by trying.

mod dice;
mod hl7;
mod kind;
mod moment;
mod number;
mod shape;

use dice::Dice;
use hmac::{Hmac, KeyInit};
use serde_json::{Map, Value};
use sha2::Sha256;
use std::collections::{HashMap, HashSet};

/// The key of one recording; never kept.
pub type RedactionKey = [u8; 64];

/// Longer values are replaced without being remembered.
const REMEMBERED_BYTES_MAX: usize = 256;
const REMEMBERED_MAX: usize = 100_000;
/// Replacements that are tried until one is not another value's already. Short values may have to share.
const TRIES_MAX: u8 = 16;

/// Replaces the values of one recording.
pub(super) struct Redactor {
    mac: Hmac<Sha256>,
    /// JSON pointers to what stays.
    keep: HashSet<String>,
    given: HashMap<String, String>,
    taken: HashSet<String>,
}

/// A body, redacted, as a fixture has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// There is none.
    Empty,
    /// JSON.
    Json(Value),
    /// Text of any other kind.
    Text(String),
    /// Bytes that are no text.
    Bytes(Vec<u8>),
}

impl Redactor {
    /// One for a recording; what is at the pointers `keep` of a body or of an event's data stays.
    pub(super) fn new(key: &RedactionKey, keep: impl IntoIterator<Item = String>) -> Self {
        let keep = keep.into_iter().collect();
        Self { mac: Hmac::new(key.into()), keep, given: HashMap::new(), taken: HashSet::new() }
    }

    /// A body, whatever it is.
    pub(super) fn body(&mut self, bytes: &[u8]) -> Body {
        if bytes.is_empty() {
            return Body::Empty;
        }
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            return Body::Json(self.json(&value));
        }
        if let Ok(text) = str::from_utf8(bytes) {
            return Body::Text(hl7::redacted(self, text).unwrap_or_else(|| self.text(text)));
        }
        let mut dice = self.dice(bytes, 0);
        Body::Bytes(bytes.iter().map(|_| dice.byte()).collect())
    }

    /// A JSON value.
    pub(super) fn json(&mut self, value: &Value) -> Value {
        self.json_at("", "", value)
    }

    /// `key` is that of the field that the value is in, or its list.
    fn json_at(&mut self, pointer: &str, key: &str, value: &Value) -> Value {
        if self.keep.contains(pointer) {
            return value.clone();
        }
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(found) => Value::Number(number::redacted(self, found)),
            Value::String(text) => Value::String(self.value(key, text)),
            Value::Array(values) => {
                let each = values.iter().enumerate();
                each.map(|(index, value)| self.json_at(&format!("{pointer}/{index}"), key, value)).collect()
            }
            Value::Object(fields) => {
                let mut redacted = Map::new();
                for (key, value) in fields {
                    let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                    redacted.insert(key.clone(), self.json_at(&at, key, value));
                }
                Value::Object(redacted)
            }
        }
    }

    /// A text under a key, be it of JSON or of a query.
    pub(super) fn value(&mut self, key: &str, text: &str) -> String {
        if kind::is_named_by(key) && kind::is_word(text) { text.to_owned() } else { self.text(text) }
    }

    /// A text.
    fn text(&mut self, text: &str) -> String {
        if let Some(other) = moment::redacted(text, &mut self.dice(text.as_bytes(), 0)) {
            return other;
        }
        if text.contains(char::is_whitespace) {
            return self.replaced(text);
        }
        // `Patient/7` refers to the one whose id is 7.
        text.split_inclusive(is_joint)
            .map(|part| {
                let id = part.trim_end_matches(is_joint);
                self.replaced(id) + &part[id.len()..]
            })
            .collect()
    }

    /// A path below a source: its words stay, for they say what the message is; ids in it do not.
    pub(super) fn path(&mut self, path: &str) -> String {
        let segments: Vec<String> =
            path.split('/').map(|part| if is_plain(part) { part.to_owned() } else { self.replaced(part) }).collect();
        segments.join("/")
    }

    /// The replacement of a value: always the same one, and as far as its length allows no other value's.
    fn replaced(&mut self, value: &str) -> String {
        if let Some(given) = self.given.get(value) {
            return given.clone();
        }
        let mut replacement = String::new();
        for attempt in 0..TRIES_MAX {
            replacement = shape::redacted(value, &mut self.dice(value.as_bytes(), attempt));
            if !self.taken.contains(&replacement) {
                break;
            }
        }
        if value.len() <= REMEMBERED_BYTES_MAX && self.given.len() < REMEMBERED_MAX {
            self.given.insert(value.to_owned(), replacement.clone());
            self.taken.insert(replacement.clone());
        }
        replacement
    }

    fn dice(&self, value: &[u8], attempt: u8) -> Dice {
        Dice::new(self.mac.clone(), value, attempt)
    }
}

fn is_joint(c: char) -> bool {
    matches!(c, '/' | ':' | '|' | '#' | '?' | '=' | '&')
}

/// Segments of a path without anything that looks like an id: `video-call-completed`, `v1`.
fn is_plain(segment: &str) -> bool {
    let is_version = segment
        .strip_prefix('v')
        .is_some_and(|rest| (1..=2).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit()));
    is_version || segment.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests;
