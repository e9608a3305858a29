//! A fixture's file with another expectation: everything else in it stays as it was typed.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The file's text with `expected` in place of what it expected.
pub(super) fn with_expected(text: &str, expected: &Value) -> Result<String, serde_json::Error> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let Some(old) = fields.get("expected") else { return Ok(text.to_owned()) };
    // The raw value borrows from the text.
    let start = old.get().as_ptr().addr() - text.as_ptr().addr();
    let end = start + old.get().len();
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indentation: String = text[line_start..start].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
    let new = serde_json::to_string_pretty(expected)?.replace('\n', &format!("\n{indentation}"));
    Ok([&text[..start], &new, &text[end..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_expectation_changes() {
        let text =
            "{\n  \"world\": \"outbound\",\n  \"expected\": {\"skip\": {}},\n  \"input\": {\"expected\": 1.50}\n}\n";
        let new = with_expected(text, &json!({"skip": {"reason": "none"}})).unwrap();
        let expected = "{\n  \"world\": \"outbound\",\n  \"expected\": {\n    \"skip\": {\n      \"reason\": \"none\"\n    }\n  },\n  \"input\": {\"expected\": 1.50}\n}\n";
        assert_eq!(new, expected);
        assert_eq!(with_expected(&new, &json!({"skip": {"reason": "none"}})).unwrap(), new);
    }

    #[test]
    fn one_line_stays_legible() {
        let new = with_expected("{\"expected\": 1, \"world\": \"inbound\"}", &json!({"a": 1})).unwrap();
        assert_eq!(new, "{\"expected\": {\n  \"a\": 1\n}, \"world\": \"inbound\"}");
    }
}
