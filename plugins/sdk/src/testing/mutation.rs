//! Bodies with everything wrong that can be: each value of a good one replaced by what should not be there, and the text
//! cut off in every place.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// In every text that is put in, so that it is found again where it must not be.
pub(super) const MARK: &str = "SECRET";

/// A good body with one value replaced or removed.
pub struct Mutation {
    /// Where: a JSON pointer.
    pub place: String,
    /// What was done there.
    pub what: &'static str,
    /// The body.
    pub body: Value,
}

/// Every value of the body, each in turn removed and replaced by `null`, `false`, numbers, strings, empty and huge
/// containers, and by the body itself.
pub fn mutations(body: &Value) -> Vec<Mutation> {
    let mut places = Vec::new();
    collect(body, &mut String::new(), &mut places);
    let huge = Value::Array(vec![json!({ "reference": "#", "value": [null, 1, "SECRET"], "code": {} }); 300]);
    let wrong: [(&'static str, Value); 16] = [
        ("null", Value::Null),
        ("false", json!(false)),
        ("true", json!(true)),
        ("a number", json!(7)),
        ("a negative number", json!(-1.5e300)),
        ("an empty string", json!("")),
        ("a string", json!("7")),
        ("a reference", json!("SECRET/1")),
        ("a reference into nothing", json!("#SECRET")),
        ("month 13", json!("2024-13-45T99:99:99Z")),
        ("a day that never was", json!("2023-02-29")),
        ("a control character", json!("SECRET\u{0}b\nc")),
        ("a long string", json!(MARK.repeat(3000))),
        ("an empty list", json!([])),
        ("an empty object", json!({})),
        ("a huge list", huge),
    ];
    let mut mutations = Vec::new();
    for place in places {
        for (what, value) in &wrong {
            mutations.extend(replaced(body, &place, what, value.clone()));
        }
        mutations.extend(replaced(body, &place, "the body itself", body.clone()));
        mutations.extend(replaced(body, &place, "a list of lists", json!([[[[]]]])));
        mutations.extend(removed(body, &place));
    }
    mutations
}

/// The texts in a body that would tell something if they were repeated: all but those that stand in a key of it too, or in
/// the type of a resource, which places are named by.
pub(super) fn telling_values(body: &Value) -> BTreeSet<&str> {
    let (mut values, mut names) = (BTreeSet::new(), BTreeSet::new());
    gather(body, "", &mut values, &mut names);
    values.retain(|value| value.len() >= 4 && !names.iter().any(|name| name.contains(*value)));
    values
}

fn gather<'v>(value: &'v Value, key: &str, values: &mut BTreeSet<&'v str>, names: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) if key == "resourceType" => drop(names.insert(text)),
        Value::String(text) => drop(values.insert(text)),
        Value::Array(items) => items.iter().for_each(|item| gather(item, key, values, names)),
        Value::Object(fields) => {
            for (key, field) in fields {
                names.insert(key);
                gather(field, key, values, names);
            }
        }
        _ => {}
    }
}

/// The text of the body, cut off after each of its bytes.
pub fn truncations(body: &Value) -> impl Iterator<Item = Vec<u8>> {
    let text = body.to_string().into_bytes();
    (0..text.len()).map(move |end| text[..end].to_vec())
}

fn collect(value: &Value, place: &mut String, places: &mut Vec<String>) {
    places.push(place.clone());
    let mut inside = |step: &str, value: &Value| {
        let length = place.len();
        place.push('/');
        place.push_str(&step.replace('~', "~0").replace('/', "~1"));
        collect(value, place, places);
        place.truncate(length);
    };
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                inside(&at.to_string(), item);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                inside(key, field);
            }
        }
        _ => {}
    }
}

fn replaced(body: &Value, place: &str, what: &'static str, value: Value) -> Option<Mutation> {
    let mut body = body.clone();
    *body.pointer_mut(place)? = value;
    Some(Mutation { place: place.to_owned(), what, body })
}

fn removed(body: &Value, place: &str) -> Option<Mutation> {
    let (around, step) = place.rsplit_once('/')?;
    let mut body = body.clone();
    match body.pointer_mut(around)? {
        Value::Array(items) => {
            items.remove(step.parse().ok()?);
        }
        Value::Object(fields) => {
            fields.remove(&step.replace("~1", "/").replace("~0", "~"))?;
        }
        _ => return None,
    }
    Some(Mutation { place: place.to_owned(), what: "removed", body })
}
