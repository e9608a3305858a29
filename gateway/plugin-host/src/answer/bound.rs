//! Bounds of texts and lists.

use crate::context::Attributes;

/// Ids of the partner's and of plugins' choosing, in bytes.
pub(super) const ID_BYTES_MAX: usize = 256;
/// Names, places and other short text, in bytes.
pub(super) const TEXT_BYTES_MAX: usize = 512;
/// Codes in kebab-case, and the names of attributes and metadata, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 64;
const ATTRIBUTES_MAX: usize = 64;
const ATTRIBUTE_BYTES_MAX: usize = 4096;
const METADATA_MAX: usize = 32;
const METADATA_BYTES_MAX: usize = 256;

/// A part of an answer that the contract does not allow. It names the field, never its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) field: String,
    pub(crate) problem: String,
}

impl Invalid {
    pub(super) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }

    /// The same, seen from the record that the field is in.
    pub(super) fn within(mut self, record: &str) -> Self {
        self.field = format!("{record}.{}", self.field);
        self
    }
}

/// A text of at least one character, without control characters.
pub(super) fn text(field: &str, value: String, bytes_max: usize) -> Result<String, Invalid> {
    if value.trim().is_empty() {
        return Err(Invalid::new(field, "must not be empty"));
    }
    if value.len() > bytes_max {
        return Err(Invalid::new(field, format!("must have at most {bytes_max} bytes")));
    }
    if value.chars().any(char::is_control) {
        return Err(Invalid::new(field, "must not have control characters"));
    }
    Ok(value)
}

/// The same, if there is one.
pub(super) fn optional(field: &str, value: Option<String>, bytes_max: usize) -> Result<Option<String>, Invalid> {
    value.map(|value| text(field, value, bytes_max)).transpose()
}

/// A code in kebab-case.
pub(super) fn code(value: String) -> Result<String, Invalid> {
    let value = text("code", value, NAME_BYTES_MAX)?;
    let kebab = value
        .split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    if kebab { Ok(value) } else { Err(Invalid::new("code", "must be in kebab-case")) }
}

/// Refuses a list that is too long.
pub(super) fn at_most<T>(field: &str, list: &[T], max: usize) -> Result<(), Invalid> {
    if list.len() > max { Err(Invalid::new(field, format!("must have at most {max} entries"))) } else { Ok(()) }
}

/// Names and values for which the contract has no field.
pub(super) fn attributes(attributes: Attributes) -> Result<Attributes, Invalid> {
    pairs("attributes", attributes, ATTRIBUTES_MAX, ATTRIBUTE_BYTES_MAX)
}

/// What messages may be searched by.
pub(super) fn metadata(metadata: Vec<(String, String)>) -> Result<Vec<(String, String)>, Invalid> {
    pairs("metadata", metadata, METADATA_MAX, METADATA_BYTES_MAX)
}

fn pairs(
    field: &str,
    pairs: Vec<(String, String)>,
    count_max: usize,
    value_bytes_max: usize,
) -> Result<Vec<(String, String)>, Invalid> {
    at_most(field, &pairs, count_max)?;
    for (name, value) in &pairs {
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(Invalid::new(field, format!("must have names of 1 to {NAME_BYTES_MAX} printable bytes")));
        }
        if value.len() > value_bytes_max || value.contains('\0') {
            return Err(Invalid::new(field, format!("must have values of at most {value_bytes_max} bytes")));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_printable() {
        assert!(text("id", "a b".to_owned(), 3).is_ok());
        for bad in ["", "   ", "abcd", "a\nb", "a\0"] {
            assert!(text("id", bad.to_owned(), 3).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn codes_are_in_kebab_case() {
        assert!(code("rate-limited".to_owned()).is_ok() && code("e404".to_owned()).is_ok());
        for bad in ["", "Bad", "a_b", "-a", "a--b", "a "] {
            assert!(code(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lists_of_pairs_are_bounded() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert!(metadata(vec![pair("unit", "cardiology")]).is_ok());
        assert!(metadata(vec![pair("", "x")]).is_err());
        assert!(metadata(vec![pair("a", &"x".repeat(257))]).is_err());
        assert!(metadata(vec![pair("a", "x"); 33]).is_err());
    }
}
