//! Places: where something is to be found in a request, and what is there.

use hookwright_plugin_sdk::inbound::Request;
use hookwright_plugin_sdk::iso8601::{Assumed, Moment};
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};
use hookwright_plugin_sdk::timestamp::to_rfc3339;
use serde_json::Value;

/// From here on a number of seconds is one of milliseconds: the year 5138, or March 1973.
const MILLISECONDS_FROM: f64 = 1e11;

/// Where something is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Body(Vec<String>),
    Fetched(Vec<String>),
    Header(String),
}

impl Place {
    /// Reads `/a/b`, `fetched /a/b` or `header name`.
    pub fn parse(text: &str) -> Option<Self> {
        let steps = |pointer: &str| {
            let steps = pointer.strip_prefix('/')?.split('/');
            let steps: Vec<_> = steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
            (steps.len() <= 16 && pointer.len() <= 256).then_some(steps)
        };
        if let Some(name) = text.strip_prefix("header ") {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            return (!name.is_empty() && name.len() <= 64 && name.bytes().all(legal))
                .then(|| Self::Header(name.to_ascii_lowercase()));
        }
        match text.strip_prefix("fetched ") {
            Some(pointer) => steps(pointer).map(Self::Fetched),
            None => steps(text).map(Self::Body),
        }
    }
}

/// What is at a place.
#[derive(Clone)]
pub(crate) enum Found<'a> {
    Json(Node<'a>),
    Header(&'a str, String),
    Nothing(String),
}

/// What can be looked into.
pub(crate) struct Sources<'a> {
    body: Node<'a>,
    fetched: Option<Node<'a>>,
    request: &'a Request,
}

impl<'a> Sources<'a> {
    pub fn new(body: &'a Document, request: &'a Request, fetched: Option<&'a Document>) -> Self {
        let fetched = fetched.and_then(|it| it.root().value()).map(|value| Node::of(value, "fetched "));
        Self { body: body.root(), fetched, request }
    }

    pub fn is_fetched(&self) -> bool {
        self.fetched.is_some()
    }

    pub fn get(&self, place: &Place) -> Found<'a> {
        let walk = |root: &Node<'a>, steps: &[String]| {
            steps.iter().fold(root.clone(), |node, step| {
                let item = step.parse::<usize>().ok().and_then(|at| node.items().ok()?.nth(at));
                item.unwrap_or_else(|| node.get(step))
            })
        };
        match place {
            Place::Body(steps) => Found::Json(walk(&self.body, steps)),
            Place::Fetched(steps) => match &self.fetched {
                Some(fetched) => Found::Json(walk(fetched, steps)),
                None => Found::Nothing(format!("fetched /{}", steps.join("/"))),
            },
            Place::Header(name) => {
                let location = format!("header {name}");
                let value = self.request.headers.iter().find(|(header, _)| header == name);
                value.map_or_else(
                    || Found::Nothing(location.clone()),
                    |(_, value)| Found::Header(value, location.clone()),
                )
            }
        }
    }
}

impl Found<'_> {
    /// The place, if there is something that is not blank.
    pub fn filled(self) -> Option<Self> {
        let is_blank = match &self {
            Self::Json(node) => {
                node.value().is_none_or(|value| value.as_str().is_some_and(|text| text.trim().is_empty()))
            }
            Self::Header(value, _) => value.trim().is_empty(),
            Self::Nothing(_) => true,
        };
        (!is_blank).then_some(self)
    }

    pub fn mismatch(&self, expected: &'static str) -> Mismatch {
        match self {
            Self::Json(node) => node.mismatch(expected),
            Self::Header(_, location) | Self::Nothing(location) => {
                Mismatch { code: "malformed", location: location.clone(), expected }
            }
        }
    }

    /// The text, for comparing: of numbers and flags as JSON writes them.
    pub fn word(&self) -> Option<String> {
        match self {
            Self::Json(node) => match node.value()? {
                value if value.is_string() => node.as_text().map(|text| text.trim().to_owned()),
                value if value.is_number() || value.is_boolean() => Some(value.to_string()),
                _ => None,
            },
            Self::Header(value, _) => Some(value.trim().to_owned()),
            Self::Nothing(_) => None,
        }
    }

    pub fn patient_id(&self) -> Result<String, Mismatch> {
        match self {
            Self::Json(node) => node.patient_id(),
            _ => Err(self.mismatch("a patient's id in the body")),
        }
    }

    pub fn short_id(&self) -> Result<String, Mismatch> {
        let expected = "an id of 1 to 200 printable bytes";
        match self {
            Self::Json(node) => node.short_id(),
            Self::Header(value, _) => {
                let value = value.trim();
                let legal = (1..=200).contains(&value.len()) && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                if legal { Ok(value.to_owned()) } else { Err(self.mismatch(expected)) }
            }
            Self::Nothing(_) => Err(self.mismatch(expected)),
        }
    }

    pub fn line(&self) -> Result<String, Mismatch> {
        match self {
            Self::Json(node) => node.line(),
            _ => Err(self.mismatch("text in the body")),
        }
    }

    pub fn flag(&self) -> Result<bool, Mismatch> {
        match self {
            Self::Json(node) => node.spelt_flag(),
            _ => Err(self.mismatch("true or false")),
        }
    }

    pub fn number(&self, max: f64, expected: &'static str) -> Result<f64, Mismatch> {
        match self {
            Self::Json(node) => node.number(0.0..=max, expected),
            _ => Err(self.mismatch(expected)),
        }
    }

    /// A time: ISO 8601, or a number of unix seconds or milliseconds.
    pub fn moment(&self, zone: Assumed) -> Result<Moment, Mismatch> {
        let expected = "a date, or a date and time, as ISO 8601 writes them, or unix seconds";
        let Self::Json(node) = self else { return Err(self.mismatch(expected)) };
        let Some(number) = node.value().and_then(Value::as_f64) else {
            return node.moment(zone).map_err(|_| node.mismatch(expected));
        };
        let unix_ms = if number.abs() < MILLISECONDS_FROM { number * 1000.0 } else { number };
        if !(-6e13..2e14).contains(&unix_ms) {
            return Err(node.mismatch(expected));
        }
        #[expect(clippy::cast_possible_truncation, reason = "within the years 69 to 8307")]
        let text = to_rfc3339(unix_ms.round() as i64);
        hookwright_plugin_sdk::iso8601::parse_iso8601(&text, zone).ok_or_else(|| node.mismatch(expected))
    }
}

/// An address with places in braces.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Place(Place),
}

impl Template {
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}')?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Place(Place::parse(place)?));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        let legal = text.len() <= 1024 && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let is_told = pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if !text.is_empty()));
        (legal && (is_told || pieces.len() == 3)).then_some(Self(pieces))
    }

    /// The address. A value is a word within it, unless it is the whole of it.
    pub fn fill(&self, sources: &Sources<'_>) -> Result<String, Mismatch> {
        let alone = self.0.iter().all(|piece| !matches!(piece, Piece::Text(text) if !text.is_empty()));
        let mut url = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => url.push_str(text),
                Piece::Place(place) => {
                    let found = sources.get(place);
                    let legal = |byte: u8| {
                        byte.is_ascii_alphanumeric()
                            || b"-._~".contains(&byte)
                            || (alone && b":/?&=%,+".contains(&byte))
                    };
                    let word = found.word().filter(|word| {
                        (1..=1024).contains(&word.len()) && word.bytes().all(legal) && word != "." && word != ".."
                    });
                    url.push_str(&word.ok_or_else(|| found.mismatch("a word for the address to fetch"))?);
                }
            }
        }
        Ok(url)
    }
}
