//! Event types and the patterns that subscriptions choose them by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest event type, in bytes.
pub const EVENT_TYPE_MAX: usize = 128;

/// Why a text is not an event type or pattern. It names a place, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Nothing at all.
    #[error("an event type is empty")]
    Empty,
    /// Longer than [`EVENT_TYPE_MAX`].
    #[error("an event type is longer than {EVENT_TYPE_MAX} bytes")]
    TooLong,
    /// Two dots in a row, or a dot at either end.
    #[error("an event type has an empty segment: a dot at the beginning, at the end, or beside another dot")]
    EmptySegment,
    /// A character that Standard Webhooks does not allow in an event type.
    #[error("an event type may hold A-Z, a-z, 0-9, _ and dots; byte {at} is none of them")]
    Character {
        /// The offset in bytes, from 0.
        at: usize,
    },
    /// An asterisk that is neither the whole pattern nor the whole last segment, or one in an event type.
    #[error("an asterisk stands only alone or as the last segment of a pattern, as in order.*")]
    Asterisk,
}

/// The type of an event, such as `order.placed`: segments of `[A-Za-z0-9_]` joined by dots, at most 128 bytes.
///
/// The alphabet is that of Standard Webhooks 1.0.0. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventType(String);

impl EventType {
    /// Checks and takes a text.
    pub fn try_new(text: impl Into<String>) -> Result<Self, BadPattern> {
        let text = text.into();
        check(&text)?;
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for EventType {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EventType {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        Self::try_new(text)
    }
}

impl TryFrom<String> for EventType {
    type Error = BadPattern;

    fn try_from(text: String) -> Result<Self, BadPattern> {
        Self::try_new(text)
    }
}

impl From<EventType> for String {
    fn from(event_type: EventType) -> Self {
        event_type.0
    }
}

/// Which events a subscription wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EventPattern {
    /// `*`: every event.
    Every,
    /// `order.*`: every type that begins with these segments and has at least one more.
    Below(EventType),
    /// `order.placed`: this type alone.
    Exactly(EventType),
}

impl EventPattern {
    /// Whether an event of this type is wanted.
    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::Every => true,
            Self::Below(prefix) => event_type.0.strip_prefix(&prefix.0).is_some_and(|further| further.starts_with('.')),
            Self::Exactly(wanted) => wanted == event_type,
        }
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("*"),
            Self::Below(prefix) => write!(f, "{prefix}.*"),
            Self::Exactly(wanted) => wanted.fmt(f),
        }
    }
}

impl FromStr for EventPattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text == "*" {
            return Ok(Self::Every);
        }
        match text.strip_suffix(".*") {
            Some(prefix) => prefix.parse().map(Self::Below),
            None => text.parse().map(Self::Exactly),
        }
    }
}

impl TryFrom<String> for EventPattern {
    type Error = BadPattern;

    fn try_from(text: String) -> Result<Self, BadPattern> {
        text.parse()
    }
}

impl From<EventPattern> for String {
    fn from(pattern: EventPattern) -> Self {
        pattern.to_string()
    }
}

fn check(text: &str) -> Result<(), BadPattern> {
    if text.is_empty() {
        return Err(BadPattern::Empty);
    }
    if text.len() > EVENT_TYPE_MAX {
        return Err(BadPattern::TooLong);
    }
    if text.contains('*') {
        return Err(BadPattern::Asterisk);
    }
    if let Some(at) = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_' || b == b'.')) {
        return Err(BadPattern::Character { at });
    }
    if text.split('.').any(str::is_empty) {
        return Err(BadPattern::EmptySegment);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(text: &str) -> EventType {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_matches_what_it_says_and_nothing_else() {
        for (pattern, wanted, other) in [
            ("*", vec!["order", "order.placed", "a.b.c"], vec![]),
            ("order.placed", vec!["order.placed"], vec!["order", "order.placed.late", "order.Placed", "orders.placed"]),
            (
                "order.*",
                vec!["order.placed", "order.item.added", "order._"],
                vec!["order", "orders.placed", "my.order.placed"],
            ),
            (
                "order.item.*",
                vec!["order.item.added", "order.item.x.y"],
                vec!["order.item", "order.placed", "order.items.x"],
            ),
        ] {
            let pattern: EventPattern = pattern.parse().unwrap();
            for text in wanted {
                assert!(pattern.matches(&event(text)), "{pattern} {text}");
            }
            for text in other {
                assert!(!pattern.matches(&event(text)), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (text, fault) in [
            ("", BadPattern::Empty),
            (".", BadPattern::EmptySegment),
            (".order", BadPattern::EmptySegment),
            ("order.", BadPattern::EmptySegment),
            ("order..placed", BadPattern::EmptySegment),
            (".*", BadPattern::Empty),
            ("order..*", BadPattern::EmptySegment),
            ("**", BadPattern::Asterisk),
            ("*.*", BadPattern::Asterisk),
            ("order*", BadPattern::Asterisk),
            ("*.placed", BadPattern::Asterisk),
            ("order.*.placed", BadPattern::Asterisk),
            ("order.*.*", BadPattern::Asterisk),
            ("order placed", BadPattern::Character { at: 5 }),
            (" order", BadPattern::Character { at: 0 }),
            ("order-placed", BadPattern::Character { at: 5 }),
            ("ordér", BadPattern::Character { at: 3 }),
            ("order.placed\n", BadPattern::Character { at: 12 }),
        ] {
            assert_eq!(text.parse::<EventPattern>(), Err(fault), "{text}");
        }
        assert_eq!("order.*".parse::<EventType>(), Err(BadPattern::Asterisk));
        assert_eq!("a".repeat(129).parse::<EventType>(), Err(BadPattern::TooLong));
        assert!(format!("{}.*", "a".repeat(128)).parse::<EventPattern>().is_ok());
    }

    #[test]
    fn json_holds_them_as_strings() {
        let patterns: Vec<EventPattern> = serde_json::from_str(r#"["*","order.*","order.placed"]"#).unwrap();
        assert_eq!(serde_json::to_string(&patterns).unwrap(), r#"["*","order.*","order.placed"]"#);
        let fault = serde_json::from_str::<EventPattern>(r#""order*""#).unwrap_err();
        assert!(fault.to_string().starts_with("an asterisk stands only"), "{fault}");
        assert!(serde_json::from_str::<EventType>("7").is_err());
    }

    proptest! {
        #[test]
        fn a_type_matches_itself_everything_and_each_of_its_prefixes(text in "[A-Za-z0-9_]{1,9}(\\.[A-Za-z0-9_]{1,9}){0,6}") {
            let event_type = event(&text);
            prop_assert!(EventPattern::Exactly(event_type.clone()).matches(&event_type));
            prop_assert!(EventPattern::Every.matches(&event_type));
            let segments: Vec<&str> = text.split('.').collect();
            for length in 1..=segments.len() {
                let pattern: EventPattern = format!("{}.*", segments[..length].join(".")).parse().unwrap();
                prop_assert_eq!(pattern.matches(&event_type), length < segments.len());
            }
        }

        #[test]
        fn a_pattern_survives_its_text_and_no_text_panics(text in "[a-zA-Z0-9_.*é ]{0,12}") {
            if let Ok(pattern) = text.parse::<EventPattern>() {
                prop_assert_eq!(pattern.to_string(), text);
            }
        }
    }
}
