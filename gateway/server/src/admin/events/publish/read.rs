//! Reads what is to be published. Good requests are read once, without a copy of anything but the data that is kept; only a bad one is looked at again to say all that
//! is wrong with it.

use crate::admin::body::{self, Faults, Object, child, kind_of};
use crate::admin::{call, nearest};
use crate::problem::Problem;
use hookwright_core::catalogue::{self, CATALOGUE};
use hookwright_core::customer::{self, CustomerDraft};
use hookwright_core::event::{EventDraft, ORDERING_KEY_MAX};
use hookwright_core::idempotency::{self, Claim};
use hookwright_core::intake::Publication;
use hookwright_core::pattern::{BadPattern, EventType};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The most events of one request.
pub const EVENTS_MAX: usize = 1000;
/// The largest data of one event, in bytes of JSON text.
pub const DATA_BYTES_MAX: usize = 256 * 1024;

/// An event as it is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow, default)]
    idempotency_key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ordering_key: Option<Cow<'a, str>>,
}

/// What is to be published.
#[derive(Debug)]
pub struct Batch {
    /// The events, at least one.
    pub events: Vec<Publication>,
    /// Whether they came as a list.
    pub as_list: bool,
}

/// Reads a body that was found to be sound JSON.
pub fn batch(bytes: &[u8], actor: &str, strict: bool) -> Result<Batch, Problem> {
    let as_list = bytes.trim_ascii_start().first() == Some(&b'[');
    let wires = if as_list {
        serde_json::from_slice::<Vec<Wire<'_>>>(bytes)
    } else {
        serde_json::from_slice::<Wire<'_>>(bytes).map(|wire| vec![wire])
    };
    let Ok(wires) = wires else { return Err(shape(bytes, actor, strict)) };
    if wires.is_empty() || wires.len() > EVENTS_MAX {
        return Err(Problem::field("", format!("expected 1 to {EVENTS_MAX} events, found {}", wires.len())));
    }
    let mut faults = Faults::default();
    let mut events = Vec::with_capacity(wires.len());
    for (index, wire) in wires.iter().enumerate() {
        let at = if as_list { format!("/{index}") } else { String::new() };
        events.extend(publication(wire, &at, actor, strict, &mut faults));
    }
    faults.finish()?;
    Ok(Batch { events, as_list })
}

fn publication(wire: &Wire<'_>, at: &str, actor: &str, strict: bool, faults: &mut Faults) -> Option<Publication> {
    let event_type = event_type(&wire.event_type, at, strict, faults);
    let data = wire.data.get();
    check_data(data, at, faults);
    let ordering_key = wire.ordering_key.as_deref();
    check_ordering_key(ordering_key, at, faults);
    let claim = wire.idempotency_key.as_deref().and_then(|key| claim(wire, key, at, actor, faults));
    let event_type = event_type?;
    let customer = customer(&event_type, data, at, faults);
    faults.is_empty().then(|| Publication {
        draft: EventDraft { event_type, data: data.into(), ordering_key: ordering_key.map(Box::from) },
        customer,
        claim,
        only: None,
    })
}

fn event_type(text: &str, at: &str, strict: bool, faults: &mut Faults) -> Option<EventType> {
    let pointer = child(at, "type");
    match EventType::try_new(text) {
        Err(BadPattern::Asterisk) => {
            faults.add(pointer, "an event has one type; an asterisk belongs in the patterns of subscriptions");
            None
        }
        Err(error) => {
            faults.add(pointer, error.to_string());
            None
        }
        Ok(event_type) if event_type.as_str() == catalogue::WEBHOOK_TEST => {
            faults.add(pointer, "is the gateway's own; POST /admin/subscriptions/{id}/test sends one");
            None
        }
        Ok(_) if strict && catalogue::find(text).is_none() => {
            let near = nearest::to(text, CATALOGUE.iter().map(|entry| entry.event_type));
            let hint = near
                .map_or_else(|| "GET /admin/event-types lists it".to_owned(), |near| format!("did you mean {near}?"));
            faults.add(pointer, format!("is not in the catalogue, and events.strict is set; {hint}"));
            None
        }
        Ok(event_type) => Some(event_type),
    }
}

fn check_data(data: &str, at: &str, faults: &mut Faults) {
    if !data.starts_with('{') {
        faults.add(child(at, "data"), format!("expected an object, found {}", kind_of_text(data)));
    } else if data.len() > DATA_BYTES_MAX {
        faults.add(child(at, "data"), format!("must be at most {DATA_BYTES_MAX} bytes"));
    }
}

fn check_ordering_key(key: Option<&str>, at: &str, faults: &mut Faults) {
    let Some(key) = key else { return };
    if key.is_empty() || key.len() > ORDERING_KEY_MAX {
        let detail = format!("must be 1 to {ORDERING_KEY_MAX} bytes of UTF-8, found {}", key.len());
        faults.add(child(at, "ordering_key"), detail);
    } else if key.chars().any(char::is_control) {
        faults.add(child(at, "ordering_key"), "must not hold control characters");
    }
}

/// What a value is, by how its text begins.
fn kind_of_text(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn claim(wire: &Wire<'_>, key: &str, at: &str, actor: &str, faults: &mut Faults) -> Option<Claim> {
    if !call::is_key(key) {
        faults.add(child(at, "idempotency_key"), "must be 1 to 255 characters of visible ASCII");
        return None;
    }
    // Not the scope of a request's key, so that the same text may be used for both.
    let key = idempotency::hash(&[actor.as_bytes(), b"event", key.as_bytes()]);
    // Without an ordering key the content is hashed as it was before there were any, so that a claim of before an update still fits.
    let (event_type, data) = (wire.event_type.as_bytes(), wire.data.get().as_bytes());
    let body_hash = match wire.ordering_key.as_deref() {
        None => idempotency::hash(&[event_type, data]),
        Some(ordering_key) => idempotency::hash(&[event_type, data, ordering_key.as_bytes()]),
    };
    Some(Claim { key, body_hash })
}

fn customer(event_type: &EventType, data: &str, at: &str, faults: &mut Faults) -> Option<CustomerDraft> {
    match customer::from_event(event_type.as_str(), data) {
        Ok(draft) => draft,
        Err(fault) => {
            faults.add(format!("{at}/data{}", fault.pointer), fault.why);
            None
        }
    }
}

/// All that is wrong with a body that did not read as events: events that do read are held against everything else.
fn shape(bytes: &[u8], actor: &str, strict: bool) -> Problem {
    let value = match body::value(bytes) {
        Ok(value) => value,
        Err(problem) => return problem,
    };
    let mut faults = Faults::default();
    match &value {
        Value::Object(_) => event_shape(&value, "", strict, &mut faults),
        Value::Array(events) => {
            let texts: Vec<&RawValue> = serde_json::from_slice(bytes).unwrap_or_default();
            for (index, (event, text)) in events.iter().zip(texts).enumerate() {
                let at = format!("/{index}");
                match serde_json::from_str::<Wire<'_>>(text.get()) {
                    Ok(wire) => drop(publication(&wire, &at, actor, strict, &mut faults)),
                    Err(_) => event_shape(event, &at, strict, &mut faults),
                }
            }
        }
        other => faults.add("", format!("expected an event or a list of events, found {}", kind_of(other))),
    }
    // Whatever serde refuses and this reader does not know is still refused.
    match faults.finish() {
        Err(problem) => problem,
        Ok(()) => Problem::field("", "is not an event or a list of events"),
    }
}

fn event_shape(value: &Value, at: &str, strict: bool, faults: &mut Faults) {
    let Some(mut event) = Object::read(value, at, faults) else { return };
    event.require("type", "the event's type, as text", faults);
    match event.get("type") {
        Some(Value::String(text)) => drop(event_type(text, at, strict, faults)),
        Some(found) => faults.add(event.pointer("type"), format!("expected text, found {}", kind_of(found))),
        None => {}
    }
    event.require("data", "an object", faults);
    if let Some(found) = event.get("data").filter(|found| !found.is_object()) {
        faults.add(event.pointer("data"), format!("expected an object, found {}", kind_of(found)));
    }
    for name in ["idempotency_key", "ordering_key"] {
        if let Some(found) = event.get(name).filter(|found| !found.is_string()) {
            faults.add(event.pointer(name), format!("expected text, found {}", kind_of(found)));
        }
    }
    event.finish(&[], faults);
}

#[cfg(test)]
mod tests;
