//! `If-Match`: a change only to the version that was read.

use crate::problem::Problem;
use http::{HeaderMap, StatusCode, header};

/// What a change asks of the record's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: the last writer wins.
    Any,
    /// It must be one of these.
    OneOf(Vec<i64>),
}

impl Condition {
    /// Reads `If-Match`. A tag that was never ours matches nothing.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut versions = Vec::new();
        let mut named = false;
        for value in headers.get_all(header::IF_MATCH) {
            for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                if tag == "*" {
                    return Self::Any;
                }
                named = true;
                let number = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                versions.extend(number.and_then(|number| number.parse::<i64>().ok()));
            }
        }
        if named { Self::OneOf(versions) } else { Self::Any }
    }

    /// A refusal, unless the record's version is one that was asked for.
    pub fn check(&self, version: i64) -> Result<(), Problem> {
        match self {
            Self::OneOf(versions) if !versions.contains(&version) => Err(stale()),
            Self::Any | Self::OneOf(_) => Ok(()),
        }
    }

    /// The versions that were asked for, if any were.
    pub fn versions(self) -> Option<Vec<i64>> {
        match self {
            Self::Any => None,
            Self::OneOf(versions) => Some(versions),
        }
    }

    /// Whether a change that came too late may be made again on what the record is by then.
    pub fn is_open(&self) -> bool {
        *self == Self::Any
    }
}

/// 412: the record is not the one that was read.
pub fn stale() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "changed_meanwhile",
        "the record was changed since you read it; read it again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Condition {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, value.parse().unwrap());
        Condition::of(&headers)
    }

    #[test]
    fn only_the_named_versions_match() {
        assert_eq!(Condition::of(&HeaderMap::new()), Condition::Any);
        assert_eq!(of("*"), Condition::Any);
        assert!(of("\"3\"").check(3).is_ok());
        assert!(of("\"2\", \"3\"").check(3).is_ok());
        assert!(of("\"2\"").check(3).is_err());
    }

    #[test]
    fn a_weak_or_foreign_tag_matches_nothing() {
        for tag in ["W/\"3\"", "3", "\"abc\"", ""] {
            assert_eq!(of(tag).check(3).unwrap_err().status(), StatusCode::PRECONDITION_FAILED, "{tag}");
        }
    }
}
