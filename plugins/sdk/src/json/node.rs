//! One place in a document.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::Mismatch;
use crate::inbound::Timestamp;
use crate::iso8601::{Assumed, Moment, UNIX_MS, parse_iso8601};
use crate::timestamp::parse_rfc3339;

/// One place in a document, whether or not anything is there. `null` counts as nothing.
#[derive(Clone)]
pub struct Node<'a> {
    value: Option<&'a Value>,
    pointer: String,
    code: &'static str,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, code: &'static str) -> Self {
        Self { value: Some(value), pointer: String::new(), code }
    }

    /// A value from elsewhere than a document, such as one that was fetched. Failures name the origin before the pointer,
    /// so it must be a fixed word and not a value.
    #[must_use]
    pub fn of(value: &'a Value, origin: &str) -> Self {
        Self { value: Some(value).filter(|value| !value.is_null()), pointer: origin.to_owned(), code: "malformed" }
    }

    /// The place of this key. It is empty if there is no such key, or if this is no object.
    #[must_use]
    pub fn get(&self, key: &str) -> Self {
        let value = self.value.and_then(|value| value.as_object()?.get(key)).filter(|value| !value.is_null());
        let mut pointer = self.pointer.clone();
        push(&mut pointer, key);
        Self { value, pointer, code: self.code }
    }

    /// The place, if there is something.
    #[must_use]
    pub fn optional(self) -> Option<Self> {
        self.value.is_some().then_some(self)
    }

    /// The place, if something is told there: text that is blank counts as nothing, which is how many systems write it.
    #[must_use]
    pub fn told(self) -> Option<Self> {
        let is_blank = self.value.and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
        self.optional().filter(|_| !is_blank)
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&'a Value> {
        self.value
    }

    /// Where this is: a JSON pointer.
    pub fn location(&self) -> &str {
        &self.pointer
    }

    /// A failure at this place, for checks of the plugin's own.
    pub fn mismatch(&self, expected: &'static str) -> Mismatch {
        Mismatch { code: self.code, location: self.pointer.clone(), expected }
    }

    /// A string that is not empty.
    pub fn text(&self) -> Result<&'a str, Mismatch> {
        let text = self.value.and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| self.mismatch("a string that is not empty"))
    }

    /// An id: a string that is not empty, or a whole number.
    pub fn id(&self) -> Result<String, Mismatch> {
        match self.value {
            Some(Value::Number(number)) if number.is_u64() || number.is_i64() => Ok(number.to_string()),
            _ => match self.text() {
                Ok(text) => Ok(text.to_owned()),
                Err(_) => Err(self.mismatch("a string that is not empty, or a whole number")),
            },
        }
    }

    /// The id of one of the platform's customers, as the gateway takes it: a string or a whole number. What another id
    /// names would wait for its customer for good.
    pub fn patient_id(&self) -> Result<String, Mismatch> {
        let id = self.id().ok().map(|id| id.trim().to_owned()).filter(|id| is_patient_id(id));
        id.ok_or_else(|| {
            self.mismatch("an id of 1 to 200 visible ASCII characters without / ? # % quotes or backslash")
        })
    }

    /// An id of the partner's, short enough that other ids can be made of it.
    pub fn short_id(&self) -> Result<String, Mismatch> {
        let id = self.id().ok().map(|id| id.trim().to_owned());
        let id = id.filter(|id| id.len() <= 200 && !id.chars().any(char::is_control));
        id.ok_or_else(|| self.mismatch("an id of 1 to 200 printable bytes"))
    }

    /// A number, or a string that holds one, within the range.
    pub fn number(&self, range: RangeInclusive<f64>, expected: &'static str) -> Result<f64, Mismatch> {
        let number = match self.value {
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| range.contains(number)).ok_or_else(|| self.mismatch(expected))
    }

    /// `true` or `false`; nothing counts as `false`.
    pub fn flag(&self) -> Result<bool, Mismatch> {
        match self.value {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.mismatch("true or false")),
        }
    }

    /// `true` or `false`, as such or spelt out in a string; nothing counts as `false`.
    pub fn spelt_flag(&self) -> Result<bool, Mismatch> {
        let Some(text) = self.value.and_then(Value::as_str) else { return self.flag() };
        match text.trim() {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.mismatch("true or false")),
        }
    }

    /// Text that the contract takes: a string or a number of at most 512 bytes. Control characters, such as the line
    /// breaks of an address, become spaces.
    pub fn line(&self) -> Result<String, Mismatch> {
        let expected = "text of at most 512 bytes";
        let line = match self.value {
            Some(Value::Number(number)) => number.to_string(),
            _ => self.text().map_err(|_| self.mismatch(expected))?.trim().to_owned(),
        };
        let line = if line.chars().any(char::is_control) { line.replace(char::is_control, " ") } else { line };
        let legal = line.len() <= 512 && !line.trim().is_empty();
        if legal { Ok(line) } else { Err(self.mismatch(expected)) }
    }

    /// A time that may be partial or lack an offset; see [`iso8601`](crate::iso8601).
    pub fn moment(&self, assumed: Assumed) -> Result<Moment, Mismatch> {
        let moment = self.value.and_then(Value::as_str).and_then(|text| parse_iso8601(text, assumed));
        moment.ok_or_else(|| self.mismatch("a date, or a date and time, as ISO 8601 writes them"))
    }

    /// The zone that is to be assumed for times without an offset; UTC if nothing is there.
    pub fn zone(&self) -> Result<Assumed, Mismatch> {
        let zone = match self.value {
            None => Some(Assumed::default()),
            Some(zone) => zone.as_str().and_then(Assumed::parse),
        };
        zone.ok_or_else(|| self.mismatch(Assumed::EXPECTED))
    }

    /// An RFC 3339 time with an offset.
    pub fn timestamp(&self) -> Result<Timestamp, Mismatch> {
        let timestamp = self.value.and_then(Value::as_str).and_then(parse_rfc3339);
        timestamp
            .filter(|at| UNIX_MS.contains(&at.unix_ms))
            .ok_or_else(|| self.mismatch("an RFC 3339 time with an offset"))
    }

    /// An object.
    pub fn object(&self) -> Result<&'a Map<String, Value>, Mismatch> {
        self.value.and_then(Value::as_object).ok_or_else(|| self.mismatch("an object"))
    }

    /// The places of a list's items.
    pub fn items(&self) -> Result<impl Iterator<Item = Node<'a>>, Mismatch> {
        let list = self.value.and_then(Value::as_array).ok_or_else(|| self.mismatch("a list"))?;
        let (pointer, code) = (self.pointer.clone(), self.code);
        Ok(list.iter().enumerate().map(move |(index, value)| {
            let mut pointer = pointer.clone();
            push(&mut pointer, &index.to_string());
            Node { value: Some(value), pointer, code }
        }))
    }
}

/// Reading what is written in more than one way.
impl<'a> Node<'a> {
    /// The items of a list that are not `null`. A value that is no list counts as a list of one, and nothing as an empty
    /// one: partners write all three.
    pub fn each(&self) -> impl Iterator<Item = Self> + use<'a> {
        let items = match self.value {
            Some(Value::Array(items)) => items.as_slice(),
            _ => &[],
        };
        let lone = self.value.filter(|value| !value.is_array()).map(|_| self.clone());
        let (pointer, code) = (self.pointer.clone(), self.code);
        let listed = items.iter().enumerate().filter(|(_, value)| !value.is_null()).map(move |(index, value)| {
            let mut pointer = pointer.clone();
            push(&mut pointer, &index.to_string());
            Node { value: Some(value), pointer, code }
        });
        lone.into_iter().chain(listed)
    }

    /// The place of this item of a list, counted from nought. It is empty if there is no such item, or if this is no list.
    #[must_use]
    pub fn at(&self, index: usize) -> Self {
        let value = self.value.and_then(|value| value.as_array()?.get(index)).filter(|value| !value.is_null());
        let mut pointer = self.pointer.clone();
        push(&mut pointer, &index.to_string());
        Self { value, pointer, code: self.code }
    }

    /// The first of [`Node::each`], or else this place.
    #[must_use]
    pub fn first(&self) -> Self {
        self.each().next().unwrap_or_else(|| Self { value: None, ..self.clone() })
    }

    /// The string here, if there is one that is not empty.
    pub fn as_text(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }
}

/// Whether a customer of the platform may have this id: the gateway's own rule.
pub fn is_patient_id(id: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_graphic() && !b"/?#%\"'\\".contains(&byte);
    (1..=200).contains(&id.len()) && id.bytes().all(legal) && id != "." && id != ".."
}

/// Goes one step down, in the notation of RFC 6901.
pub(super) fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    for character in step.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn located<T>(result: Result<T, Mismatch>) -> String {
        result.err().map(|mismatch| mismatch.location).unwrap()
    }

    #[test]
    fn failures_are_located_by_pointers() {
        let value = json!({"a/b": {"~": 1}, "list": [{}, {"id": true}], "none": null});
        let root = Node::root(&value, "malformed");
        assert_eq!(located(root.get("a/b").get("~").text()), "/a~1b/~0");
        assert_eq!(located(root.get("list").items().unwrap().nth(1).unwrap().get("id").id()), "/list/1/id");
        assert_eq!(located(root.get("none").text()), "/none");
        assert_eq!(located(root.get("missing").get("deeper").timestamp()), "/missing/deeper");
        assert!(root.get("none").optional().is_none());
        let value = json!({"blank": " ", "empty": "", "zero": 0, "none": null, "text": "x"});
        let told = |key| Node::root(&value, "malformed").get(key).told().is_some();
        assert_eq!(["blank", "empty", "none", "missing"].map(told), [false; 4]);
        assert!(told("zero") && told("text"));
    }

    #[test]
    fn numbers_may_be_written_as_strings() {
        let value = json!({"n": 15, "s": " 15.5 ", "bad": "15 min", "nan": "NaN", "inf": "inf"});
        let root = Node::root(&value, "malformed");
        let number = |key| root.get(key).number(0.0..=1440.0, "minutes").ok();
        assert_eq!((number("n"), number("s")), (Some(15.0), Some(15.5)));
        assert_eq!((number("bad"), number("nan"), number("inf"), number("none")), (None, None, None, None));
        assert!(root.get("n").number(0.0..=10.0, "minutes").is_err());
    }

    #[test]
    fn flags_may_be_spelt_out() {
        let value = json!({"b": true, "s": " TRUE ", "f": "False", "n": 1, "y": "yes"});
        let flag = |key| Node::root(&value, "malformed").get(key).spelt_flag().ok();
        assert_eq!((flag("b"), flag("s"), flag("f"), flag("none")), (Some(true), Some(true), Some(false), Some(false)));
        assert_eq!((flag("n"), flag("y")), (None, None));
    }

    #[test]
    fn lines_fit_the_contract() {
        let value = json!({"s": " 1 Congress Ave\nApt 2 ", "n": 78701, "long": "x".repeat(513), "e": "\n", "b": true});
        let line = |key| Node::root(&value, "malformed").get(key).line().ok();
        assert_eq!((line("s").as_deref(), line("n").as_deref()), (Some("1 Congress Ave Apt 2"), Some("78701")));
        assert_eq!((line("long"), line("e"), line("b"), line("none")), (None, None, None, None));
    }

    #[test]
    fn one_and_none_and_many_are_read_alike() {
        let value = json!({"list": [null, {"a": 1}, {"a": 2}], "one": {"a": 3}, "none": null, "empty": []});
        let root = Node::root(&value, "malformed");
        let places = |key| root.get(key).each().map(|it| it.location().to_owned()).collect::<Vec<_>>();
        assert_eq!(places("list"), ["/list/1", "/list/2"]);
        assert_eq!(places("one"), ["/one"]);
        assert!(places("none").is_empty() && places("empty").is_empty() && places("missing").is_empty());
        assert_eq!(root.get("list").first().location(), "/list/1");
        assert!(root.get("empty").first().optional().is_none());
        let at = |key, index| root.get(key).at(index).optional().map(|it| it.location().to_owned());
        assert_eq!((at("list", 0), at("list", 1).as_deref(), at("list", 3)), (None, Some("/list/1"), None));
        assert_eq!((at("one", 0), at("none", 0)), (None, None));
    }

    #[test]
    fn what_was_fetched_is_named_by_its_origin() {
        let value = json!({"status": 7});
        assert_eq!(located(Node::of(&value, "fetched Encounter: ").get("status").text()), "fetched Encounter: /status");
    }

    #[test]
    fn ids_of_customers_are_those_that_the_gateway_takes() {
        let id = |value: Value| Node::root(&value, "malformed").patient_id().ok();
        assert_eq!(id(json!(" cus_xyz ")).as_deref(), Some("cus_xyz"));
        assert_eq!(id(json!(42)).as_deref(), Some("42"));
        for bad in ["a b", "a/b", "..", "ä", "a\"", "", "a\nb"] {
            assert_eq!(id(json!(bad)), None, "{bad}");
        }
        assert_eq!(id(json!("x".repeat(201))), None);
    }

    #[test]
    fn other_ids_are_short_and_printable() {
        let id = |value: Value| Node::root(&value, "malformed").short_id().ok();
        assert_eq!(id(json!("Termin 7/8")).as_deref(), Some("Termin 7/8"));
        assert_eq!((id(json!("x".repeat(201))), id(json!("a\u{0}")), id(json!(true))), (None, None, None));
    }

    #[test]
    fn times_lie_in_the_years_that_the_contract_has() {
        let value = json!(["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z"]);
        let legal = |node: Node<'_>| node.timestamp().is_ok();
        let all: Vec<_> = Node::root(&value, "malformed").items().unwrap().map(legal).collect();
        assert_eq!(all, [false, false, true]);
    }

    #[test]
    fn ids_are_strings_or_whole_numbers() {
        let value = json!({"s": "cus_xyz", "n": 42, "f": 4.2, "e": "  ", "b": false});
        let id = |key| Node::root(&value, "malformed").get(key).id().ok();
        assert_eq!((id("s").as_deref(), id("n").as_deref()), (Some("cus_xyz"), Some("42")));
        assert_eq!((id("f"), id("e"), id("b"), id("missing")), (None, None, None, None));
    }
}
