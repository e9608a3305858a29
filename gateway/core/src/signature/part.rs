//! What is signed, piece by piece.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::encoding::encode;
use super::headers::single;
use super::request::{Request, text_at};
use super::{BadScheme, Digest, Encoding, Flaw, Place, VerifyError, fields, url};

/// One part of what is signed: a name in braces as listed here, or any other text, which stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Part {
    /// `{body}`: the raw body.
    Body,
    /// `{timestamp}`: the time of signing, as it was sent.
    Timestamp,
    /// `{header:Name}`: the one value of a header, as it was sent.
    Header(String),
    /// `{method}`: the method, as it was sent.
    Method,
    /// `{method_lower}`: the method in lower case.
    MethodLower,
    /// `{url}`: the source's public URL with the path and query of the request.
    Url,
    /// `{path}`: the path of that.
    Path,
    /// `{query}`: the query without its `?`, as it was sent.
    Query,
    /// `{query:name}`, `{form:name}` or `{body:/pointer}`: one parameter, field or text, decoded.
    At(Place),
    /// `{sorted_form}`: the names and values of a form body, sorted; nothing where the body is no form.
    SortedForm,
    /// `{body_digest:sha256:base64}`: the digest of the body, computed here.
    BodyDigest(Digest, Encoding),
    /// `{content_length}`: how many bytes the body has.
    ContentLength,
    /// This text.
    Literal(String),
}

impl TryFrom<String> for Part {
    type Error = BadScheme;

    fn try_from(text: String) -> Result<Self, BadScheme> {
        const WHY: &str = "a part in braces must be {body}, {timestamp}, {header:Name}, {method}, {method_lower}, {url}, {path}, {query}, {query:name}, {form:name}, {body:/pointer}, {sorted_form}, {body_digest:sha256:base64} or {content_length}";
        let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return Ok(Self::Literal(text));
        };
        let bad = BadScheme { field: "signed_content", why: WHY };
        if let Some(name) = inner.strip_prefix("header:") {
            return Ok(Self::Header(name.to_owned()));
        }
        if let Some(knobs) = inner.strip_prefix("body_digest:") {
            let (digest, encoding) = knobs.split_once(':').ok_or(bad)?;
            let digest = Digest::of_word(digest.as_bytes()).ok_or(bad)?;
            return Ok(Self::BodyDigest(digest, Encoding::of_word(encoding).ok_or(bad)?));
        }
        match inner {
            "body" => Ok(Self::Body),
            "timestamp" => Ok(Self::Timestamp),
            "method" => Ok(Self::Method),
            "method_lower" => Ok(Self::MethodLower),
            "url" => Ok(Self::Url),
            "path" => Ok(Self::Path),
            "query" => Ok(Self::Query),
            "sorted_form" => Ok(Self::SortedForm),
            "content_length" => Ok(Self::ContentLength),
            _ => match Place::try_from(inner.to_owned()) {
                Ok(place @ (Place::Query(_) | Place::Form(_) | Place::Body(_))) => Ok(Self::At(place)),
                // Several headers are no one text.
                Ok(Place::Header(_) | Place::NumberedHeaders(_)) | Err(_) => Err(bad),
            },
        }
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("{body}"),
            Self::Timestamp => f.write_str("{timestamp}"),
            Self::Header(name) => write!(f, "{{header:{name}}}"),
            Self::Method => f.write_str("{method}"),
            Self::MethodLower => f.write_str("{method_lower}"),
            Self::Url => f.write_str("{url}"),
            Self::Path => f.write_str("{path}"),
            Self::Query => f.write_str("{query}"),
            Self::At(place) => write!(f, "{{{place}}}"),
            Self::SortedForm => f.write_str("{sorted_form}"),
            Self::BodyDigest(digest, encoding) => {
                let (word, _) = Encoding::WORDS[*encoding as usize];
                write!(f, "{{body_digest:{}:{word}}}", digest.word())
            }
            Self::ContentLength => f.write_str("{content_length}"),
            Self::Literal(text) => f.write_str(text),
        }
    }
}

impl Part {
    /// Whether no body could be put in the place of another without changing this part. The fields of a form are such a part where bodies that
    /// are no form are refused, and verification sees to that.
    pub(super) const fn covers_body(&self) -> bool {
        matches!(self, Self::Body | Self::BodyDigest(..) | Self::SortedForm)
    }

    /// Whether it needs the source's public URL.
    pub(super) const fn needs_public_url(&self) -> bool {
        matches!(self, Self::Url | Self::Path)
    }

    /// The bytes it stands for in a request.
    pub(super) fn bytes<'a>(
        &'a self,
        request: &Request<'a>,
        timestamp: Option<&'a [u8]>,
        url: Option<&'a str>,
    ) -> Result<Cow<'a, [u8]>, VerifyError> {
        let borrowed = |text: &'a str| Ok(Cow::Borrowed(text.as_bytes()));
        match self {
            Self::Body => Ok(Cow::Borrowed(request.body)),
            // A scheme that signs a timestamp without naming its place does not pass its check.
            Self::Timestamp => Ok(Cow::Borrowed(timestamp.unwrap_or_default())),
            Self::Header(name) => single(request.headers, name).map(Cow::Borrowed),
            Self::Method => borrowed(request.method),
            Self::MethodLower => Ok(Cow::Owned(request.method.to_ascii_lowercase().into_bytes())),
            Self::Url => borrowed(url.ok_or(VerifyError::NoPublicUrl)?),
            Self::Path => borrowed(url::path(url.ok_or(VerifyError::NoPublicUrl)?)),
            Self::Query => borrowed(request.query),
            Self::At(place) => text_at(request, place),
            Self::SortedForm => sorted_form(request),
            Self::BodyDigest(digest, encoding) => {
                Ok(Cow::Owned(encode(*encoding, &digest.of(request.body)).into_bytes()))
            }
            Self::ContentLength => Ok(Cow::Owned(request.body.len().to_string().into_bytes())),
            Self::Literal(text) => borrowed(text),
        }
    }
}

fn sorted_form<'a>(request: &Request<'a>) -> Result<Cow<'a, [u8]>, VerifyError> {
    if !request.is_form() || request.body.is_empty() {
        return Ok(Cow::Borrowed(&[]));
    }
    let sorted = fields::sorted(request.body).map_err(|_| VerifyError::at_body(Flaw::TooMany))?;
    // A body of separators alone would be signed as nothing at all.
    if sorted.is_empty() { Err(VerifyError::SignatureMismatch) } else { Ok(Cow::Owned(sorted)) }
}
