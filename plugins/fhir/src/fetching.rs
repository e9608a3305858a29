//! What was read from the partner so far, and what is to be read next.
//!
//! Between two rounds it lies in the state that the gateway keeps, at most 64 KiB: of each resource only what the
//! judging looks at.

use std::collections::BTreeMap;

use hookwright_plugin_sdk::inbound::{Fetch, FetchAnswer, Refusal, Resumption};
use hookwright_plugin_sdk::json::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::desk::unanswered;
use crate::library::Read;
use crate::looked_at::is_looked_at;
use crate::reference::name;

/// What the contract allows in one round.
pub(crate) const FETCHES_MAX: usize = 16;
/// After this round the gateway gives up.
pub(crate) const ROUNDS_MAX: u32 = 4;
const STATE_BYTES_MAX: usize = 64 << 10;

/// The parts of resources that the judging looks at.
const KEPT: [&str; 33] = [
    "active",
    "actualPeriod",
    "address",
    "appointment",
    "appointmentType",
    "class",
    "contained",
    "end",
    "form",
    "id",
    "identifier",
    "length",
    "link",
    "location",
    "meta",
    "minutesDuration",
    "name",
    "participant",
    "patient",
    "period",
    "physicalType",
    "practitioner",
    "resourceType",
    "serviceType",
    "start",
    "status",
    "subject",
    "type",
    "virtualService",
    // Of a bundle that a search found.
    "entry",
    "fullUrl",
    "resource",
    "search",
];

/// What a read came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The resource.
    Resource(Value),
    /// The partner deleted it, or never had it.
    Gone,
    /// There was no answer that tells anything.
    Failed,
}

/// What lies in the state.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Memory {
    /// The addresses of the last round, in the order of the fetches.
    asked: Vec<String>,
    /// What is known, by address.
    pub known: BTreeMap<String, Answer>,
}

impl Memory {
    /// Takes up the state with the answers of the last round.
    pub fn resume(resumption: &Resumption) -> Result<Self, Refusal> {
        let mut memory: Self = serde_json::from_slice(&resumption.state).map_err(|_| Refusal::new("internal"))?;
        for (at, url) in memory.asked.drain(..).enumerate() {
            let id = at.to_string();
            let answer = resumption.answers.iter().find(|answer| answer.id == id);
            let read = answer.map_or(Ok(Answer::Failed), |answer| read(answer, &url))?;
            memory.known.insert(url, read);
        }
        Ok(memory)
    }

    /// The fetches of the next round, and the state to find again.
    pub fn ask(&self, reads: Vec<Read>) -> Result<(Vec<Fetch>, Vec<u8>), Refusal> {
        let mut asked: Vec<String> = Vec::new();
        for read in reads {
            if asked.len() < FETCHES_MAX && !asked.contains(&read.url) {
                asked.push(read.url);
            }
        }
        let fetches = asked.iter().enumerate().map(|(at, url)| fetch(at, url)).collect();
        let state = Left { asked: &asked, known: &self.known };
        let state = serde_json::to_vec(&state).map_err(|_| Refusal::new("internal"))?;
        if state.len() > STATE_BYTES_MAX {
            let expected = Some("resources of at most 64 KiB altogether");
            return Err(Refusal { expected, ..Refusal::new("too-large") });
        }
        Ok((fetches, state))
    }
}

/// The state as it is left.
#[derive(Serialize)]
struct Left<'a> {
    asked: &'a [String],
    known: &'a BTreeMap<String, Answer>,
}

fn fetch(at: usize, url: &str) -> Fetch {
    Fetch {
        id: at.to_string(),
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: vec![("accept".to_owned(), "application/fhir+json".to_owned())],
        body: None,
        attributes: Vec::new(),
    }
}

fn read(answer: &FetchAnswer, url: &str) -> Result<Answer, Refusal> {
    let Ok(fetched) = &answer.answer else { return Ok(Answer::Failed) };
    match fetched.status {
        200 => {}
        404 | 410 => return Ok(Answer::Gone),
        _ => return Ok(Answer::Failed),
    }
    let looked_at = |key: &str| is_looked_at(key, None);
    let document = Document::skimmed(&fetched.body, looked_at).map_err(|_| unanswered(&place(url)))?;
    let Some(resource) = document.root().value().and_then(Value::as_object) else {
        return Err(unanswered(&place(url)));
    };
    let wanted = if url.contains('?') { Some("Bundle") } else { name(url).map(|name| name.kind) };
    let is_wanted = wanted.is_none_or(|wanted| resource.get("resourceType").and_then(Value::as_str) == Some(wanted));
    if !is_wanted {
        return Err(unanswered(&place(url)));
    }
    Ok(Answer::Resource(kept(resource, 0)))
}

/// The resource without what nobody looks at. Contained and found resources are cut in the same way.
fn kept(resource: &Map<String, Value>, depth: u8) -> Value {
    let entry = |(key, value): (&String, &Value)| {
        let inner = |value: &Value| match value {
            Value::Object(inner) if depth < 3 => kept(inner, depth + 1),
            other => other.clone(),
        };
        let value = match (key.as_str(), value) {
            ("contained" | "entry" | "resource", Value::Array(list)) => list.iter().map(inner).collect(),
            ("resource", value) => inner(value),
            (_, value) => value.clone(),
        };
        KEPT.contains(&key.as_str()).then(|| (key.clone(), value))
    };
    Value::Object(resource.iter().filter_map(entry).collect())
}

/// What was read, by its type: a name of the specification's, never the partner's id.
pub(crate) fn place(url: &str) -> String {
    let kinds = ["Encounter", "Appointment", "Patient", "Practitioner", "PractitionerRole", "Location"];
    let kind = name(url).and_then(|name| kinds.into_iter().find(|kind| *kind == name.kind));
    format!("fetched {}", kind.unwrap_or("resource"))
}
