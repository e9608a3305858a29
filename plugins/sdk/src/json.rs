//! Reading JSON so that every failure says where it is and none repeats a value.
//!
//! ```
//! use hookwright_plugin_sdk::json::Document;
//!
//! let document = Document::body(br#"{"call": {"minutes": "15"}}"#)?;
//! let call = document.root().get("call");
//! assert_eq!(call.get("minutes").number(0.0..=1440.0, "minutes from 0 to 1440")?, 15.0);
//! assert_eq!(call.get("id").text().unwrap_err().location, "/call/id");
//! # Ok::<(), hookwright_plugin_sdk::json::Mismatch>(())
//! ```

mod node;
mod unique;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use node::{Node, is_patient_id};

use crate::inbound::Context;
use crate::outbound::Event;

/// A place where JSON is not what was expected. It becomes a refusal or a fault by `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// `malformed`, or `settings` if the operator's settings are to blame.
    pub code: &'static str,
    /// A JSON pointer, or `line 3 column 7` where the text is no JSON at all.
    pub location: String,
    /// What was expected there.
    pub expected: &'static str,
}

impl Mismatch {
    /// The location; none if it is the document as a whole.
    pub(crate) fn into_location(self) -> Option<String> {
        Some(self.location).filter(|location| !location.is_empty())
    }
}

/// A JSON text that has been read.
pub struct Document {
    value: Value,
    code: &'static str,
}

/// A guest's memory is thrown away as a whole after its call. To take a large document apart before would cost about as
/// much as to read it.
#[cfg(target_arch = "wasm32")]
impl Drop for Document {
    fn drop(&mut self) {
        std::mem::forget(std::mem::take(&mut self.value));
    }
}

impl Document {
    /// Reads the body of a request. Keys must be unique in their object.
    pub fn body(body: &[u8]) -> Result<Self, Mismatch> {
        Self::read(body, "malformed", &|_| true)
    }

    /// Reads the body of a request as far as it is looked at: the values of these keys, at any depth. All else must be
    /// JSON with unique keys, too, and is as if it were not there. Large bodies are read several times as fast.
    pub fn skimmed(body: &[u8], looked_at: impl Fn(&str) -> bool) -> Result<Self, Mismatch> {
        Self::read(body, "malformed", &looked_at)
    }

    /// Reads the data of an event.
    pub fn data(event: &Event) -> Result<Self, Mismatch> {
        Self::read(event.data.as_bytes(), "malformed", &|_| true)
    }

    /// Reads the settings of the binding.
    pub fn settings(context: &Context) -> Result<Self, Mismatch> {
        Self::read(context.settings.as_bytes(), "settings", &|_| true)
    }

    fn read(text: &[u8], code: &'static str, looked_at: unique::LookedAt<'_>) -> Result<Self, Mismatch> {
        // Some senders begin with a byte order mark, which RFC 8259 lets readers ignore.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        match unique::parse(text, looked_at) {
            Ok(value) => Ok(Self { value, code }),
            Err(error) => {
                let location = format!("line {} column {}", error.line(), error.column());
                Err(Mismatch { code, location, expected: unique::expected(&error) })
            }
        }
    }

    /// The outermost value.
    pub fn root(&self) -> Node<'_> {
        Node::root(&self.value, self.code)
    }

    /// Reads the whole into a type of the plugin's own. A failure is located; what was expected there is not told as
    /// exactly as [`Node`] tells it.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Mismatch> {
        serde_path_to_error::deserialize(&self.value).map_err(|error| {
            let mut location = pointer(error.path());
            // The path of a missing field ends at the object around it. The name comes from the plugin's type.
            let message = error.inner().to_string();
            if let Some((field, _)) = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
                node::push(&mut location, field);
            }
            Mismatch { code: self.code, location, expected: "a value of the documented type" }
        })
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => node::push(&mut pointer, &index.to_string()),
            Segment::Map { key } => node::push(&mut pointer, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(body: &str) -> Option<(String, &'static str)> {
        Document::body(body.as_bytes()).err().map(|mismatch| (mismatch.location, mismatch.expected))
    }

    #[test]
    fn what_is_no_json_is_located() {
        assert_eq!(failure("{\n  \"a\": ?\n}"), Some(("line 2 column 8".to_owned(), "JSON")));
        assert_eq!(failure(""), Some(("line 1 column 0".to_owned(), "the rest of the JSON text")));
        assert_eq!(failure("{} x"), Some(("line 1 column 4".to_owned(), "JSON")));
        let mismatch = Document::body(b"{\"a\": \"\xff\"}").err().unwrap();
        assert_eq!((mismatch.code, mismatch.expected), ("malformed", "JSON"));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(failure("\u{feff}{}"), None);
    }

    #[test]
    fn duplicate_keys_are_refused_at_any_depth() {
        let (location, expected) = failure(r#"{"a": [{"b": 1, "b": 2}]}"#).unwrap();
        assert_eq!(expected, "each key once in its object");
        assert!(location.starts_with("line 1 column"), "{location}");
        assert_eq!(failure(r#"{"a": {"b": 1}, "c": {"b": 2}}"#), None);
    }

    #[test]
    fn what_nobody_looks_at_is_read_for_its_form() {
        let skimmed = |body: &str| {
            let read = Document::skimmed(body.as_bytes(), |key| key == "a" || key == "b\n");
            read.map(|document| document.root().value().cloned().unwrap()).map_err(|mismatch| mismatch.expected)
        };
        let body = r#"{"x": {"a": [1, null]}, "a": [{"a": 1, "y": [{"z": 2}], "b\n": "s"}, 7, "t", true], "w": 1.5e3}"#;
        assert_eq!(skimmed(body), Ok(serde_json::json!({ "a": [{ "a": 1, "b\n": "s" }, 7, "t", true] })));
        let many: Vec<_> = (0..40).map(|at| format!("\"k{at}\": {{}}")).collect();
        assert!(skimmed(&format!("{{{}}}", many.join(","))).is_ok());
        for (bad, expected) in [
            (format!("{{{}, \"k39\": 0}}", many.join(",")), "each key once in its object"),
            (r#"{"x": 1, "x": 2}"#.to_owned(), "each key once in its object"),
            (r#"{"x": [{"y": 1, "\u0079": 2}]}"#.to_owned(), "each key once in its object"),
            (r#"{"a": 1, "x": 2, "a": 2}"#.to_owned(), "each key once in its object"),
            (format!("{{\"x\": {}", "[".repeat(100_000)), "less nesting"),
            (r#"{"x": [1, 2}"#.to_owned(), "JSON"),
            (r#"{"x": "\ud800"}"#.to_owned(), "JSON"),
            (r#"{"x": "#.to_owned(), "the rest of the JSON text"),
        ] {
            assert_eq!(skimmed(&bad), Err(expected), "{bad}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert_eq!(failure(&deep).map(|(_, expected)| expected), Some("less nesting"));
    }

    #[test]
    fn types_of_the_plugins_own_are_located_too() {
        #[derive(Debug, serde::Deserialize)]
        struct Call {
            #[expect(dead_code, reason = "only its presence is tested")]
            minutes: u32,
        }
        let locate = |body: &str| Document::body(body.as_bytes()).unwrap().decode::<Vec<Call>>().unwrap_err().location;
        assert_eq!(locate(r#"[{"minutes": 1}, {"minutes": "secret"}]"#), "/1/minutes");
        assert_eq!(locate(r#"[{"hours": 1}]"#), "/0/minutes");
    }
}
