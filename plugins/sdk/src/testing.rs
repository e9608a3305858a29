//! For the tests of inbound plugins: their fixtures run natively, and bodies with everything wrong that can be.
//!
//! Behind the feature `testing`, which a plugin switches on among its `dev-dependencies`. The fixtures are those that
//! `hookwright plugin test` runs in the sandbox; this runs them as ordinary code, where a debugger and coverage reach.

mod bounds;
mod mutation;
mod shown;

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

pub use bounds::within_bounds;
pub use mutation::{Mutation, mutations, truncations};
pub use shown::shown;

use crate::inbound::{
    Assurance, Authentication, Context, FetchAnswer, FetchFailure, Fetched, Inbound, Outcome, Refusal, Request,
    Resumption,
};

/// The moment of the contract's own example; fixtures may name another.
const NOW_MS: i64 = 1_767_565_800_000;

/// A fixture as it is written down.
pub struct Fixture {
    /// The file's name without its extension.
    pub name: String,
    /// The whole of it.
    pub json: Value,
}

impl Fixture {
    /// Reads the `.json` files of a directory, in the order of their names.
    pub fn read_all(directory: &Path) -> Result<Vec<Self>, String> {
        let unreadable = |error: std::io::Error| format!("{}: {error}", directory.display());
        let mut fixtures = Vec::new();
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let text = fs::read(&path).map_err(unreadable)?;
                let json: Value =
                    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))?;
                let encoded = json.pointer("/input/body_base64").and_then(Value::as_str);
                if encoded.is_some_and(|encoded| STANDARD.decode(encoded).is_err()) {
                    return Err(format!("{}: the body is not base 64", path.display()));
                }
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                fixtures.push(Self { name, json });
            }
        }
        fixtures.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(fixtures)
    }

    /// The body, if it is written as JSON.
    pub fn body(&self) -> Option<&Value> {
        self.json.pointer("/input/body")
    }

    /// The body's bytes, however it is written down.
    pub fn body_bytes(&self) -> Vec<u8> {
        let text = |name: &str| self.json.pointer(name).and_then(Value::as_str);
        match (self.body(), text("/input/body_text"), text("/input/body_base64")) {
            (Some(body), _, _) => body.to_string().into_bytes(),
            (None, Some(text), _) => text.as_bytes().to_vec(),
            (None, None, encoded) => STANDARD.decode(encoded.unwrap_or_default()).unwrap_or_default(),
        }
    }

    /// What the plugin answers.
    pub fn answer<P: Inbound>(&self) -> Result<Outcome, Refusal> {
        self.answer_to::<P>(self.body_bytes())
    }

    /// What the plugin answers to another body in the same circumstances.
    pub fn answer_to<P: Inbound>(&self, body: Vec<u8>) -> Result<Outcome, Refusal> {
        let (context, request) = (self.context(), self.request(body));
        match self.json.pointer("/input/resumption") {
            Some(resumed) => P::resume(&context, &request, &resumption(resumed)),
            None => P::parse(&context, &request),
        }
    }

    /// Compares what the plugin answers with what the fixture expects. Fields that are empty count as left out.
    pub fn check<P: Inbound>(&self) -> Result<(), String> {
        let got = shown(&self.answer::<P>());
        let (expected, got) = (without_empty(&self.json["expected"]), without_empty(&got));
        if expected == got { Ok(()) } else { Err(format!("{}: expected\n{expected:#}\ngot\n{got:#}", self.name)) }
    }

    /// Answers every mutation and truncation of the body. Fails if an answer is beyond the contract's bounds, or if a
    /// refusal names no place, or repeats a value: what was put in, or any that the body has told all along.
    pub fn survive_mutations<P: Inbound>(&self) -> Result<(), String> {
        let Some(body) = self.body() else { return Ok(()) };
        let values = mutation::telling_values(body);
        for mutation in mutations(body) {
            let answer = self.answer_to::<P>(mutation.body.to_string().into_bytes());
            let at = |problem: String| format!("{}: {} at {:?}: {problem}", self.name, mutation.what, mutation.place);
            within_bounds(&answer).map_err(at)?;
            let Err(refusal) = answer else { continue };
            match refusal.location {
                Some(location) if location.contains(mutation::MARK) => {
                    return Err(at("the refusal repeats what was put in".to_owned()));
                }
                Some(location) if values.iter().any(|value| location.contains(*value)) => {
                    return Err(at(format!("the refusal repeats a value of the body: {location}")));
                }
                // What is no object as a whole has no places in it.
                None if !mutation.place.is_empty() => return Err(at("the refusal names no place".to_owned())),
                _ => {}
            }
        }
        if self.answer_to::<P>(b"{".to_vec()).is_ok() {
            // Whatever the body holds makes no difference here.
            return Ok(());
        }
        for cut in truncations(body) {
            let length = cut.len();
            let refused = self.answer_to::<P>(cut).is_err();
            // The text of an object is none until it is whole; an empty body is another matter.
            if length > 0 && !refused {
                return Err(format!("{}: cut off after {length} bytes, it was taken", self.name));
            }
        }
        Ok(())
    }

    fn context(&self) -> Context {
        let settings = self.json.get("settings").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        Context {
            contract: "0.1.0".to_owned(),
            plugin: "fixture".to_owned(),
            binding_id: "src_fixture".to_owned(),
            binding_name: "fixture".to_owned(),
            subject_id: "msg_fixture".to_owned(),
            attempt: 1,
            now_ms: self.received_at_ms(),
            settings: settings.to_string(),
            attributes: Vec::new(),
        }
    }

    fn received_at_ms(&self) -> i64 {
        self.json.pointer("/input/received_at_ms").and_then(Value::as_i64).unwrap_or(NOW_MS)
    }

    fn request(&self, body: Vec<u8>) -> Request {
        let text = |pointer: &str, default: &str| {
            self.json.pointer(pointer).and_then(Value::as_str).unwrap_or(default).to_owned()
        };
        Request {
            method: text("/input/method", "POST"),
            hook: text("/input/hook", ""),
            query: Vec::new(),
            headers: pairs(self.json.pointer("/input/headers")),
            body,
            received_at_ms: self.received_at_ms(),
            authentication: Authentication {
                assurance: Assurance::Verified,
                scheme: "standard-webhooks".to_owned(),
                attributes: Vec::new(),
            },
            attributes: Vec::new(),
        }
    }
}

fn resumption(json: &Value) -> Resumption {
    let number = |place: &Value, key: &str, default: u64| place.get(key).and_then(Value::as_u64).unwrap_or(default);
    let answer = |json: &Value| FetchAnswer {
        id: json["id"].as_str().unwrap_or_default().to_owned(),
        answer: match json.get("failure").and_then(Value::as_str) {
            Some(code) => Err(FetchFailure { code: code.to_owned(), attributes: Vec::new() }),
            None => Ok(Fetched {
                status: u16::try_from(number(json, "status", 200)).unwrap_or_default(),
                headers: pairs(json.get("headers")),
                body: json.get("body").map(|body| body.to_string().into_bytes()).unwrap_or_default(),
                attributes: Vec::new(),
            }),
        },
        attributes: Vec::new(),
    };
    Resumption {
        state: json["state_text"].as_str().unwrap_or_default().as_bytes().to_vec(),
        round: u32::try_from(number(json, "round", 1)).unwrap_or_default(),
        answers: json["answers"].as_array().map(|answers| answers.iter().map(answer).collect()).unwrap_or_default(),
        attributes: Vec::new(),
    }
}

fn pairs(json: Option<&Value>) -> Vec<(String, String)> {
    let object = json.and_then(Value::as_object);
    let pair = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap_or_default().to_owned());
    object.map(|object| object.iter().map(pair).collect()).unwrap_or_default()
}

/// The answer without its empty fields, at any depth but inside the data of events.
fn without_empty(value: &Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        Value::Array(values) => values.iter().map(without_empty).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| {
                let exact = key == "data" || key == "body";
                (key.clone(), if exact { value.clone() } else { without_empty(value) })
            });
            Value::Object(kept.filter(|(_, value)| !is_empty(value)).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
