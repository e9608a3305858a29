//! Where in a request something stands: a signature, a token, a challenge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name or pointer, in bytes.
pub(crate) const PLACE_MAX: usize = 128;

/// A place in a request, written `header:NAME`, `headers:NAME-`, `query:NAME`, `form:NAME` or `body:/json/pointer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// The one header of this name.
    Header(String),
    /// The headers whose names are this text and a number from 1 on, such as `x-docusign-signature-1`, `-2`, …
    NumberedHeaders(String),
    /// The one parameter of this name in the query, percent-decoded.
    Query(String),
    /// The one field of this name in a form body, percent-decoded.
    Form(String),
    /// The text at this JSON pointer (RFC 6901) of the body.
    Body(String),
}

/// The text is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be header:NAME, headers:NAME-, query:NAME, form:NAME or body:/json/pointer, of at most 128 bytes")]
pub struct BadPlace;

impl Place {
    /// The name of the header, parameter or field, or the pointer.
    pub fn name(&self) -> &str {
        match self {
            Self::Header(name)
            | Self::NumberedHeaders(name)
            | Self::Query(name)
            | Self::Form(name)
            | Self::Body(name) => name,
        }
    }

    /// The name, where it is one header.
    pub fn header(&self) -> Option<&str> {
        if let Self::Header(name) = self { Some(name) } else { None }
    }
}

impl TryFrom<String> for Place {
    type Error = BadPlace;

    fn try_from(text: String) -> Result<Self, BadPlace> {
        let (kind, name) = text.split_once(':').ok_or(BadPlace)?;
        let fits = |name: &str| (1..=PLACE_MAX).contains(&name.len()) && !name.contains(char::is_control);
        match kind {
            "header" if is_header_name(name) => Ok(Self::Header(name.to_owned())),
            "headers" if is_header_name(name) => Ok(Self::NumberedHeaders(name.to_owned())),
            "query" if fits(name) => Ok(Self::Query(name.to_owned())),
            "form" if fits(name) => Ok(Self::Form(name.to_owned())),
            "body" if fits(name) && name.starts_with('/') => Ok(Self::Body(name.to_owned())),
            _ => Err(BadPlace),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Header(_) => "header",
            Self::NumberedHeaders(_) => "headers",
            Self::Query(_) => "query",
            Self::Form(_) => "form",
            Self::Body(_) => "body",
        };
        write!(f, "{kind}:{}", self.name())
    }
}

/// Whether a text can be a header's name (RFC 9110 §5.1): 1 to 128 letters, digits and `` !#$%&'*+-.^_`|~ ``.
pub(crate) fn is_header_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    (1..=PLACE_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in
            ["header:X-Signature", "headers:x-docusign-signature-", "query:hub.challenge", "form:sig", "body:/a/b"]
        {
            assert_eq!(Place::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        assert_eq!(Place::Header("X".to_owned()).header(), Some("X"));
        assert_eq!(Place::Query("X".to_owned()).header(), None);
    }

    #[test]
    fn what_names_no_place_is_refused() {
        let long = format!("query:{}", "q".repeat(129));
        for text in [
            "",
            "X-Signature",
            "header:",
            "header:a b",
            "headers:ä",
            "query:",
            "form:\n",
            "body:event",
            "cookie:a",
            &long,
        ] {
            assert_eq!(Place::try_from(text.to_owned()), Err(BadPlace), "{text}");
        }
    }
}
