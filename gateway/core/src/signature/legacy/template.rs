//! How a header's value is written: text, and in braces what takes its place.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest template, in bytes.
const BYTES_MAX: usize = 200;

const PLACEHOLDERS: [(&str, Piece); 4] = [
    ("{id}", Piece::Id),
    ("{timestamp}", Piece::Timestamp),
    ("{sha256_hex}", Piece::Hex),
    ("{sha256_base64}", Piece::Base64),
];

/// Why a text is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// What stands in braces is none of the four, or a brace has no partner.
    #[error("what stands in braces must be {{id}}, {{timestamp}}, {{sha256_hex}} or {{sha256_base64}}")]
    Placeholder,
    /// The value would be the same for every delivery.
    #[error("must hold {{id}}, {{timestamp}}, {{sha256_hex}} or {{sha256_base64}}; for a fixed value, use headers")]
    Fixed,
    /// Not what a header's value can be.
    #[error("must be at most {BYTES_MAX} visible ASCII characters without blanks at either end")]
    Text,
}

/// How a header's value is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Vec<Piece>);

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// This text.
    Literal(String),
    /// The event's id.
    Id,
    /// The time of the attempt, in unix seconds.
    Timestamp,
    /// The signature in hexadecimal digits of lower case.
    Hex,
    /// The signature in padded base64.
    Base64,
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if text.is_empty() || text.len() > BYTES_MAX || !visible || text.trim() != text {
            return Err(BadTemplate::Text);
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (literal, behind) = rest.split_at(at);
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            let found = PLACEHOLDERS.iter().find_map(|(name, piece)| Some((behind.strip_prefix(name)?, piece.clone())));
            let (behind, piece) = found.ok_or(BadTemplate::Placeholder)?;
            pieces.push(piece);
            rest = behind;
        }
        if pieces.is_empty() {
            return Err(BadTemplate::Fixed);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Whether it holds a signature.
    pub fn has_signature(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Hex | Piece::Base64))
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(text),
            piece => {
                PLACEHOLDERS.iter().filter(|(_, other)| other == piece).try_for_each(|(name, _)| f.write_str(name))
            }
        })
    }
}

impl TryFrom<String> for Template {
    type Error = BadTemplate;

    fn try_from(text: String) -> Result<Self, BadTemplate> {
        Self::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_reads_back_as_it_was_written() {
        for text in ["{sha256_hex}", "t={timestamp},v1={sha256_hex}", "v1,{sha256_base64} x", "{id}{timestamp}"] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.to_string(), text);
            assert_eq!(template.has_signature(), text.contains("sha256"), "{text}");
            assert_eq!(serde_json::to_string(&template).unwrap(), format!("{text:?}"));
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, fault) in [
            ("", BadTemplate::Text),
            (" {id}", BadTemplate::Text),
            ("{id}\r\nx: y", BadTemplate::Text),
            ("é{id}", BadTemplate::Text),
            ("sha256=", BadTemplate::Fixed),
            ("{body}", BadTemplate::Placeholder),
            ("{sha256_hex", BadTemplate::Placeholder),
            ("sha256_hex}", BadTemplate::Placeholder),
            ("{{id}}", BadTemplate::Placeholder),
            ("{id}}", BadTemplate::Placeholder),
            ("{ID}", BadTemplate::Placeholder),
        ] {
            assert_eq!(Template::parse(text), Err(fault), "{text:?}");
        }
        assert!(Template::parse(&format!("{{id}}{}", "x".repeat(196))).is_ok());
        assert_eq!(Template::parse(&format!("{{id}}{}", "x".repeat(197))), Err(BadTemplate::Text));
        assert!(serde_json::from_str::<Template>("\"{nope}\"").is_err());
    }
}
