//! Query parameters of lists: filters, `limit` and `cursor`.

use super::body::Faults;
use super::nearest;
use crate::problem::Problem;
use hookwright_core::id::TypedId;
use hookwright_store::PageRequest;
use http::Uri;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

/// The query of a request, while it is read.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    faults: Faults,
}

impl Query {
    /// The query of a request for `uri`.
    pub fn of(uri: &Uri) -> Self {
        let pairs = axum::extract::Query::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
        Self { pairs, known: Vec::new(), faults: Faults::default() }
    }

    /// A parameter as text, without any that are empty.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let value = values.next()?.clone();
        if values.next().is_some() {
            self.fault(name, "must be there once");
        }
        if value.is_empty() {
            self.fault(name, "must not be empty");
            return None;
        }
        Some(value)
    }

    /// A parameter that must read as something; `expected` says what.
    pub fn read<T>(&mut self, name: &'static str, expected: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let read = read(&text);
        if read.is_none() {
            self.fault(name, &format!("expected {expected}"));
        }
        read
    }

    /// A parameter that is an id.
    pub fn id<I: TypedId>(&mut self, name: &'static str) -> Option<I> {
        self.read(name, &format!("an id that begins with {}", I::PREFIX), |text| text.parse().ok())
    }

    /// How many rows are asked for.
    pub fn limit(&mut self) -> u32 {
        let expected = format!("a whole number from 1 to {LIMIT_MAX}");
        self.read("limit", &expected, |text| text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)))
            .unwrap_or(LIMIT_DEFAULT)
    }

    /// Which page of a list whose cursor is the id of its last row.
    pub fn page<I: TypedId>(&mut self) -> PageRequest {
        let limit = self.limit();
        let before = self.read("cursor", "the next_cursor of the page before", |text| text.parse::<I>().ok());
        PageRequest { before: before.map(TypedId::get), limit }
    }

    /// Adds a fault of a parameter.
    pub fn fault(&mut self, name: &str, detail: &str) {
        self.faults.add(format!("?{name}"), detail);
    }

    /// Ends the reading: every parameter that was not asked for is a fault.
    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown = self.pairs.iter().map(|(name, _)| name).filter(|name| !self.known.contains(&name.as_str()));
        for name in unknown {
            let detail = match (nearest::to(name, self.known.iter().copied()), self.known.as_slice()) {
                (Some(near), _) => format!("is not a parameter; did you mean {near}?"),
                (None, []) => "this request takes no query parameters".to_owned(),
                (None, known) => format!("is not a parameter; the parameters are {}", known.join(", ")),
            };
            let shown: String = name.chars().take(100).collect();
            self.faults.add(format!("?{shown}"), detail);
        }
        self.faults.finish()
    }
}

/// The cursor of the next page.
pub fn cursor<I: TypedId>(next: Option<i64>) -> Option<I> {
    next.and_then(|number| I::from_i64(number).ok())
}

/// A page of what is in memory, newest first by id.
pub fn page_of<T>(all: &[T], id: impl Fn(&T) -> i64, page: PageRequest) -> (Vec<&T>, Option<i64>) {
    let mut rows: Vec<&T> = all.iter().filter(|row| page.before.is_none_or(|before| id(row) < before)).collect();
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(id(row)));
    let limit = page.limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| id(row));
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::id::EventId;

    fn query(text: &str) -> Query {
        Query::of(&format!("/admin/events{text}").parse().unwrap())
    }

    fn errors(text: &str) -> String {
        let mut query = query(text);
        query.page::<EventId>();
        query.text("type");
        query.finish().map_or_else(|problem| String::from_utf8(problem.body("r")).unwrap(), |()| String::new())
    }

    #[test]
    fn a_page_is_read_with_its_defaults() {
        assert_eq!(query("").page::<EventId>(), PageRequest { before: None, limit: 50 });
        let id = EventId::from_i64(9).unwrap();
        let page = query(&format!("?limit=200&cursor={id}")).page::<EventId>();
        assert_eq!(page, PageRequest { before: Some(9), limit: 200 });
    }

    #[test]
    fn what_is_not_a_parameter_or_not_its_value_is_named() {
        assert_eq!(errors("?limit=1&type=order.placed"), "");
        for (text, expected) in [
            ("?limit=0", "expected a whole number from 1 to 200"),
            ("?limit=201", "expected a whole number"),
            ("?limit=-1", "expected a whole number"),
            ("?limit=", "must not be empty"),
            ("?limit=1&limit=2", "must be there once"),
            ("?cursor=sub_0000000000009", "next_cursor of the page before"),
            ("?limt=1", "did you mean limit?"),
            ("?zzzzz=1", "the parameters are limit, cursor, type"),
        ] {
            assert!(errors(text).contains(expected), "{text}: {}", errors(text));
        }
        let none = query("?a=1").finish().unwrap_err().body("r");
        assert!(String::from_utf8(none).unwrap().contains("takes no query parameters"));
    }

    #[test]
    fn pages_of_memory_end() {
        let all = [3, 1, 5, 2, 4];
        let page = |before, limit| page_of(&all, |n| *n, PageRequest { before, limit });
        assert_eq!(page(None, 2), (vec![&5, &4], Some(4)));
        assert_eq!(page(Some(4), 2), (vec![&3, &2], Some(2)));
        assert_eq!(page(Some(2), 2), (vec![&1], None));
        assert_eq!(page(None, 5).1, None);
    }
}
