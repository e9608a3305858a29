//! A reader of JSON objects that collects every fault it meets, each with its pointer.

use crate::admin::nearest;
use crate::problem::{FieldFault, Problem};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Faults beyond these say nothing new, and would make an answer larger than what it answers.
const FAULTS_MAX: usize = 50;
const NAME_CHARACTERS_SHOWN: usize = 100;

/// What is wrong with a request, so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// Adds one.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(FieldFault { pointer: pointer.into(), detail: detail.into() });
        }
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each of them.
    #[cfg(test)]
    pub fn iter(&self) -> impl Iterator<Item = &FieldFault> {
        self.0.iter()
    }

    /// The refusal that names them all, if there are any.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

/// One object of a body, while it is read: which of its members were asked for, so that the rest can be refused.
#[derive(Debug)]
pub struct Object<'a> {
    at: String,
    members: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// The object at a pointer; a fault if it is anything else.
    pub fn read(value: &'a Value, at: impl Into<String>, faults: &mut Faults) -> Option<Self> {
        let at = at.into();
        let Value::Object(members) = value else {
            faults.add(at, format!("expected an object, found {}", kind_of(value)));
            return None;
        };
        Some(Self { at, members, known: Vec::new() })
    }

    /// The pointer to a member.
    pub fn pointer(&self, name: &str) -> String {
        child(&self.at, name)
    }

    /// A member; `null` counts as absent.
    pub fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Whether a member is there at all, be it `null`.
    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Text of 1 to `characters_max` characters.
    pub fn text(&mut self, name: &'static str, characters_max: usize, faults: &mut Faults) -> Option<&'a str> {
        let value = self.get(name)?;
        let Value::String(text) = value else { return self.mistaken(name, "text", value, faults) };
        if text.is_empty() {
            faults.add(self.pointer(name), "must not be empty");
            return None;
        }
        if text.chars().count() > characters_max {
            faults.add(self.pointer(name), format!("must be at most {characters_max} characters long"));
            return None;
        }
        if text.contains('\0') {
            faults.add(self.pointer(name), "must not hold the character U+0000");
            return None;
        }
        Some(text)
    }

    /// The same, and it must be there.
    pub fn required_text(&mut self, name: &'static str, characters_max: usize, faults: &mut Faults) -> Option<&'a str> {
        self.require(name, "text", faults);
        self.text(name, characters_max, faults)
    }

    /// True or false.
    pub fn flag(&mut self, name: &'static str, faults: &mut Faults) -> Option<bool> {
        let value = self.get(name)?;
        value.as_bool().or_else(|| self.mistaken(name, "true or false", value, faults))
    }

    /// A whole number within a range.
    pub fn number(&mut self, name: &'static str, range: RangeInclusive<u32>, faults: &mut Faults) -> Option<u32> {
        let value = self.get(name)?;
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        if !value.is_number() {
            return self.mistaken(name, &expected, value, faults);
        }
        let number =
            value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number));
        if number.is_none() {
            faults.add(self.pointer(name), format!("must be {expected}"));
        }
        number
    }

    /// One of a few words.
    pub fn word<T>(&mut self, name: &'static str, words: &[(&'static str, T)], faults: &mut Faults) -> Option<T>
    where
        T: Copy,
    {
        let value = self.get(name)?;
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        if let Some((_, meant)) = found {
            return Some(*meant);
        }
        let all: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let mut detail = format!("expected {}", all.join(" or "));
        if !value.is_string() {
            detail.push_str(", found ");
            detail.push_str(kind_of(value));
        }
        faults.add(self.pointer(name), detail);
        None
    }

    /// A list of at most `count_max` things.
    pub fn list(&mut self, name: &'static str, count_max: usize, faults: &mut Faults) -> Option<&'a [Value]> {
        let value = self.get(name)?;
        let Value::Array(list) = value else { return self.mistaken(name, "a list", value, faults) };
        if list.len() > count_max {
            faults.add(self.pointer(name), format!("must have at most {count_max} entries"));
            return None;
        }
        Some(list)
    }

    /// An object whose members are named by the caller, taken as it is.
    pub fn map(&mut self, name: &'static str, faults: &mut Faults) -> Option<&'a Map<String, Value>> {
        let value = self.get(name)?;
        value.as_object().or_else(|| self.mistaken(name, "an object", value, faults))
    }

    /// An object to be read in its turn.
    pub fn object(&mut self, name: &'static str, faults: &mut Faults) -> Option<Self> {
        let value = self.get(name)?;
        Self::read(value, self.pointer(name), faults)
    }

    /// A fault, unless the member is there.
    pub fn require(&self, name: &str, expected: &str, faults: &mut Faults) {
        if self.members.get(name).is_none_or(Value::is_null) {
            faults.add(self.pointer(name), format!("is required: {expected}"));
        }
    }

    /// Ends the reading: whatever was not asked for is a fault. `given` are members that the gateway itself sets.
    pub fn finish(self, given: &[&str], faults: &mut Faults) {
        for name in self.members.keys() {
            if self.known.contains(&name.as_str()) {
                continue;
            }
            let pointer = self.pointer(name);
            if given.contains(&name.as_str()) {
                faults.add(pointer, "is set by the gateway; leave it out");
                continue;
            }
            let near = nearest::to(name, self.known.iter().copied());
            faults.add(
                pointer,
                near.map_or_else(|| self.unknown(), |near| format!("is not a field; did you mean {near}?")),
            );
        }
    }

    fn unknown(&self) -> String {
        format!("is not a field; the fields are {}", self.known.join(", "))
    }

    fn mistaken<T>(&self, name: &str, expected: &str, found: &Value, faults: &mut Faults) -> Option<T> {
        faults.add(self.pointer(name), format!("expected {expected}, found {}", kind_of(found)));
        None
    }
}

/// The pointer to a member or entry of what is at `at`.
pub fn child(at: &str, name: &str) -> String {
    let shown: String = name.chars().take(NAME_CHARACTERS_SHOWN).collect();
    format!("{at}/{}", shown.replace('~', "~0").replace('/', "~1"))
}

/// What a value is, for a person.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults_of(body: &Value, read: impl Fn(&mut Object<'_>, &mut Faults)) -> Vec<(String, String)> {
        let mut faults = Faults::default();
        if let Some(mut object) = Object::read(body, "", &mut faults) {
            read(&mut object, &mut faults);
            object.finish(&["id"], &mut faults);
        }
        faults.0.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    fn pair(pointer: &str, detail: &str) -> (String, String) {
        (pointer.to_owned(), detail.to_owned())
    }

    #[test]
    fn every_fault_is_found_and_says_where_and_what_was_expected() {
        let body = json!({"name": 7, "active": "yes", "max_retries": 51, "tries": 1.5, "mode": "fast", "kind": [], "urls": {}, "nmae": 1, "zzz": 1, "id": "x"});
        let found = faults_of(&body, |object, faults| {
            object.required_text("name", 10, faults);
            object.required_text("url", 10, faults);
            object.flag("active", faults);
            object.number("max_retries", 0..=50, faults);
            object.number("tries", 0..=50, faults);
            object.word("mode", &[("slow", 1), ("none", 2)], faults);
            object.word("kind", &[("slow", 1)], faults);
            object.list("urls", 3, faults);
        });
        assert_eq!(
            found,
            [
                pair("/name", "expected text, found a number"),
                pair("/url", "is required: text"),
                pair("/active", "expected true or false, found text"),
                pair("/max_retries", "must be a whole number from 0 to 50"),
                pair("/tries", "must be a whole number from 0 to 50"),
                pair("/mode", "expected \"slow\" or \"none\""),
                pair("/kind", "expected \"slow\", found a list"),
                pair("/urls", "expected a list, found an object"),
                pair("/id", "is set by the gateway; leave it out"),
                pair("/nmae", "is not a field; did you mean name?"),
                pair("/zzz", "is not a field; the fields are name, url, active, max_retries, tries, mode, kind, urls"),
            ]
        );
    }

    #[test]
    fn text_and_lists_are_bounded() {
        let found = faults_of(&json!({"a": "", "b": "xxxx", "c": [1, 2], "d": "a\u{0}b"}), |object, faults| {
            object.text("a", 3, faults);
            object.text("b", 3, faults);
            object.list("c", 1, faults);
            object.text("d", 9, faults);
        });
        assert_eq!(
            found,
            [
                pair("/a", "must not be empty"),
                pair("/b", "must be at most 3 characters long"),
                pair("/c", "must have at most 1 entries"),
                pair("/d", "must not hold the character U+0000"),
            ]
        );
    }

    #[test]
    fn null_is_as_good_as_nothing_and_pointers_are_escaped() {
        assert_eq!(faults_of(&json!({"a": null}), |object, faults| assert!(object.text("a", 3, faults).is_none())), []);
        assert_eq!(child("/x", "a/b~c"), "/x/a~1b~0c");
        let many: Map<String, Value> = (0..200).map(|n| (format!("field{n}"), json!(1))).collect();
        assert_eq!(faults_of(&Value::Object(many), |_, _| ()).len(), FAULTS_MAX);
        assert_eq!(faults_of(&json!([]), |_, _| ()), [pair("", "expected an object, found a list")]);
    }
}
