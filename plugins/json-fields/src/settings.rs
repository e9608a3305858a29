//! The operator's settings; the crate's documentation tells what each is for.

use hookwright_plugin_sdk::inbound::{Context, DurationSource};
use hookwright_plugin_sdk::iso8601::Assumed;
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};
use serde_json::Value;

use crate::place::{Place, Sources, Template};

const KEYS: [&str; 7] = ["duration_source", "event", "events", "fetch", "fields", "message_id", "zone"];
/// The fields that a message may tell.
const FIELDS: [&str; 17] = [
    "appointment_id",
    "changed_at",
    "city",
    "completed_at",
    "country",
    "duration_minutes",
    "duration_seconds",
    "line1",
    "line2",
    "name",
    "patient_external_id",
    "postal_code",
    "provider_id",
    "started_at",
    "starts_at",
    "state",
    "test",
];
const EVENTS_MAX: usize = 256;

/// What an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Completed,
    Scheduled,
    Rescheduled,
    Cancelled,
    NoShow,
    PatientUpdated,
    Ignore,
}

impl Word {
    fn read(place: &Node<'_>) -> Result<Self, Mismatch> {
        Ok(match place.as_text() {
            Some("completed") => Self::Completed,
            Some("scheduled") => Self::Scheduled,
            Some("rescheduled") => Self::Rescheduled,
            Some("cancelled") => Self::Cancelled,
            Some("no-show") => Self::NoShow,
            Some("patient-updated") => Self::PatientUpdated,
            Some("ignore") => Self::Ignore,
            _ => {
                let expected =
                    "completed, scheduled, rescheduled, cancelled, no-show, patient-updated, ignore, or an object";
                return Err(place.mismatch(expected));
            }
        })
    }
}

enum Rule {
    Is(Word),
    Depends(Place, Vec<(String, Word)>),
}

/// The settings, checked.
pub(crate) struct Settings {
    event: Option<Place>,
    events: Vec<(String, Rule)>,
    fields: Vec<(&'static str, Place, String)>,
    pub duration_source: DurationSource,
    pub message_id: Option<Place>,
    pub fetch: Option<Template>,
    pub zone: Assumed,
}

impl Settings {
    pub fn read(context: &Context) -> Result<Self, Mismatch> {
        let document = Document::settings(context)?;
        let root = document.root();
        known_keys(&root, &KEYS)?;
        let optional = |key: &str| root.get(key).optional().map(|it| place(&it)).transpose();
        let source = root.get("duration_source");
        let fetch = root.get("fetch").optional().map(|fetch| {
            let template = fetch.as_text().and_then(Template::parse);
            template.ok_or_else(|| fetch.mismatch("an address with places in braces"))
        });
        Ok(Self {
            event: optional("event")?,
            events: events(&root.get("events"))?,
            fields: fields(&root.get("fields"))?,
            duration_source: match (source.value().is_some(), source.as_text()) {
                (false, _) | (_, Some("scheduled")) => DurationSource::Scheduled,
                (_, Some("actual")) => DurationSource::Actual,
                _ => return Err(source.mismatch("scheduled or actual")),
            },
            message_id: optional("message_id")?,
            fetch: fetch.transpose()?,
            zone: root.get("zone").zone()?,
        })
    }

    /// What the message means, and by which of the settings' events. Nothing if that depends on what is yet to be fetched.
    pub fn meaning(&self, sources: &Sources<'_>) -> (&str, Option<Word>) {
        let name = self.event.as_ref().and_then(|place| sources.get(place).word());
        let named = |wanted: &str| self.events.iter().find(|(event, _)| event == wanted);
        let Some((event, rule)) = name.as_deref().and_then(named).or_else(|| named("*")) else {
            return ("none", Some(Word::Ignore));
        };
        let word = match rule {
            Rule::Is(word) => *word,
            Rule::Depends(Place::Fetched(_), _) if self.fetch.is_some() && !sources.is_fetched() => {
                return (event, None);
            }
            Rule::Depends(place, cases) => {
                let value = sources.get(place).word();
                let case = |wanted: &str| cases.iter().find(|(case, _)| case == wanted).map(|(_, word)| *word);
                value.as_deref().and_then(case).or_else(|| case("*")).unwrap_or(Word::Ignore)
            }
        };
        (event, Some(word))
    }

    /// Where a field is, and how the settings write the place.
    pub fn field(&self, name: &str) -> Option<(&Place, &str)> {
        let field = self.fields.iter().find(|(field, ..)| *field == name);
        field.map(|(_, place, text)| (place, text.as_str()))
    }
}

fn place(node: &Node<'_>) -> Result<Place, Mismatch> {
    let place = node.as_text().and_then(Place::parse);
    place.ok_or_else(|| node.mismatch("a place: /a/json/pointer, header name, or fetched /a/json/pointer"))
}

fn events(node: &Node<'_>) -> Result<Vec<(String, Rule)>, Mismatch> {
    let mut events = Vec::new();
    for name in node.object()?.keys().take(EVENTS_MAX) {
        let rule = node.get(name);
        let legal = (1..=64).contains(&name.len()) && !name.chars().any(char::is_control);
        if !legal {
            return Err(node.mismatch("names of events of at most 64 printable bytes"));
        }
        let rule = if rule.value().is_some_and(Value::is_object) {
            known_keys(&rule, &["at", "is"])?;
            let cases = rule.get("is");
            let mut words = Vec::new();
            for case in cases.object()?.keys().take(EVENTS_MAX) {
                words.push((case.clone(), Word::read(&cases.get(case))?));
            }
            Rule::Depends(place(&rule.get("at"))?, words)
        } else {
            Rule::Is(Word::read(&rule)?)
        };
        events.push((name.clone(), rule));
    }
    Ok(events)
}

fn fields(node: &Node<'_>) -> Result<Vec<(&'static str, Place, String)>, Mismatch> {
    known_keys(node, &FIELDS)?;
    let mut fields = Vec::new();
    for name in FIELDS {
        if let Some(field) = node.get(name).optional() {
            fields.push((name, place(&field)?, field.text()?.to_owned()));
        }
    }
    if fields.iter().any(|(name, ..)| *name == "patient_external_id") {
        return Ok(fields);
    }
    Err(node.get("patient_external_id").mismatch("the place of the patient's id"))
}

/// A key that means nothing is a mistake of the operator's.
fn known_keys(place: &Node<'_>, keys: &[&str]) -> Result<(), Mismatch> {
    let unknown = place.object()?.keys().find(|key| !keys.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(place.get(key).mismatch("a setting that this plugin has")))
}
