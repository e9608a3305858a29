//! The operator's settings; the crate's documentation tells what each is for.

use hookwright_plugin_sdk::inbound::Context;
use hookwright_plugin_sdk::iso8601::Assumed;
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};

use crate::code::Code;
use crate::topic::Rule;

const KEYS: [&str; 13] = [
    "appointment",
    "empty_search",
    "fetch",
    "fulfilled_appointments",
    "included_patients",
    "patient",
    "patient_location",
    "provider",
    "resource_at",
    "topics",
    "unknown_patients",
    "virtual",
    "zone",
];
const LIST_MAX: usize = 64;

/// Whose id is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Patient,
    Appointment,
    Provider,
}

impl Whose {
    /// The types of resource that have such an id.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Patient => &["Patient"],
            Self::Appointment => &["Appointment"],
            Self::Provider => &["Practitioner", "PractitionerRole"],
        }
    }

    /// What is expected of a reference to one.
    pub fn reference(self) -> &'static str {
        match self {
            Self::Patient => "a reference to a patient that can be followed",
            Self::Appointment => "a reference to an appointment that can be followed",
            Self::Provider => "a reference to a practitioner that can be followed",
        }
    }
}

/// Which of somebody's identifiers counts. With neither system nor type it is the id of the resource.
#[derive(Debug)]
pub(crate) struct Naming {
    pub whose: Whose,
    pub system: Option<String>,
    pub type_code: Option<String>,
}

impl Naming {
    /// Whether an identifier is meant, and not the id of the resource.
    pub fn by_identifier(&self) -> bool {
        self.system.is_some() || self.type_code.is_some()
    }

    /// What is missing where it is not found.
    pub fn expected(&self) -> &'static str {
        if self.by_identifier() {
            "an identifier of the system and type that the settings name"
        } else {
            "an id, or a reference that tells one"
        }
    }

    fn read(settings: &Node<'_>, whose: Whose, key: &str) -> Result<Self, Mismatch> {
        let place = settings.get(key);
        let text = |key| place.get(key).optional().map(|it| it.text().map(str::to_owned)).transpose();
        if place.clone().optional().is_some() {
            known_keys(&place, &["identifier_system", "identifier_type"])?;
        }
        Ok(Self { whose, system: text("identifier_system")?, type_code: text("identifier_type")? })
    }
}

/// Which encounters and appointments are held by video.
#[derive(Debug)]
pub(crate) enum Virtual {
    /// All that the partner sends.
    All,
    /// Those that say so.
    Told {
        /// The classes that say so.
        classes: Vec<Code>,
        /// The types, service types and appointment types that say so.
        types: Vec<Code>,
        /// Whether one that has neither a class nor one of the types is taken.
        take_untold: bool,
    },
}

/// What to do about patients without the identifier that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownPatients {
    Refuse,
    Ignore,
}

/// Where the patient was during the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The partner does not tell.
    Untold,
    /// At the location of the encounter.
    Encounter,
    /// At the address that was the patient's then.
    Patient,
}

/// The settings, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub zone: Assumed,
    pub patient: Naming,
    pub appointment: Naming,
    pub provider: Naming,
    pub unknown_patients: UnknownPatients,
    pub modality: Virtual,
    pub patient_location: Place,
    pub fulfilled_is_completed: bool,
    pub included_patients: bool,
    pub fetch: bool,
    pub empty_search: Option<String>,
    pub resource_at: Option<String>,
    pub topics: Vec<(String, Rule)>,
}

impl Settings {
    pub fn read(context: &Context) -> Result<Self, Mismatch> {
        let document = Document::settings(context)?;
        let root = document.root();
        known_keys(&root, &KEYS)?;
        let flag = |key: &str, default: bool| root.get(key).optional().map_or(Ok(default), |it| it.flag());
        let location = choice(&root.get("patient_location"), &["none", "encounter", "patient"])?;
        Ok(Self {
            zone: root.get("zone").zone()?,
            patient: Naming::read(&root, Whose::Patient, "patient")?,
            appointment: Naming::read(&root, Whose::Appointment, "appointment")?,
            provider: Naming::read(&root, Whose::Provider, "provider")?,
            unknown_patients: match choice(&root.get("unknown_patients"), &["refuse", "ignore"])? {
                "ignore" => UnknownPatients::Ignore,
                _ => UnknownPatients::Refuse,
            },
            modality: modality(&root.get("virtual"))?,
            patient_location: match location {
                "encounter" => Place::Encounter,
                "patient" => Place::Patient,
                _ => Place::Untold,
            },
            fulfilled_is_completed: choice(&root.get("fulfilled_appointments"), &["completed", "ignore"])?
                == "completed",
            included_patients: flag("included_patients", false)?,
            fetch: flag("fetch", true)?,
            empty_search: search(&root.get("empty_search"))?,
            resource_at: pointer(&root.get("resource_at"))?,
            topics: topics(&root.get("topics"))?,
        })
    }
}

/// One of the words, the first if nothing is there.
fn choice(place: &Node<'_>, words: &'static [&'static str]) -> Result<&'static str, Mismatch> {
    let Some(place) = place.clone().optional() else { return Ok(words[0]) };
    let word = place.as_text().and_then(|text| words.iter().copied().find(|word| *word == text));
    let expected = match words.len() {
        3 => "none, encounter or patient",
        _ if words[0] == "refuse" => "refuse or ignore",
        _ if words[0] == "take" => "take or ignore",
        _ => "completed or ignore",
    };
    word.ok_or_else(|| place.mismatch(expected))
}

fn modality(place: &Node<'_>) -> Result<Virtual, Mismatch> {
    if place.as_text() == Some("all") {
        return Ok(Virtual::All);
    }
    if place.clone().optional().is_none() {
        return Ok(Virtual::Told { classes: vec![Code::parse("VR")], types: Vec::new(), take_untold: true });
    }
    place.object().map_err(|_| place.mismatch("all, or an object"))?;
    known_keys(place, &["classes", "types", "untold"])?;
    let codes = |key: &str| -> Result<Option<Vec<Code>>, Mismatch> {
        let Some(list) = place.get(key).optional() else { return Ok(None) };
        let codes = list.items()?.take(LIST_MAX).map(|code| code.text().map(Code::parse));
        codes.collect::<Result<_, _>>().map(Some)
    };
    Ok(Virtual::Told {
        classes: codes("classes")?.unwrap_or_else(|| vec![Code::parse("VR")]),
        types: codes("types")?.unwrap_or_default(),
        take_untold: choice(&place.get("untold"), &["take", "ignore"])? == "take",
    })
}

fn search(place: &Node<'_>) -> Result<Option<String>, Mismatch> {
    let Some(place) = place.clone().optional() else { return Ok(None) };
    let search = place.text()?;
    let legal = search.len() <= 1024
        && search.starts_with(|c: char| c.is_ascii_uppercase())
        && search.contains('?')
        && search.bytes().all(|byte| byte.is_ascii_graphic());
    if legal { Ok(Some(search.to_owned())) } else { Err(place.mismatch("a search such as Encounter?status=finished")) }
}

fn pointer(place: &Node<'_>) -> Result<Option<String>, Mismatch> {
    let Some(place) = place.clone().optional() else { return Ok(None) };
    let pointer = place.text()?;
    let legal = pointer.starts_with('/') && pointer.len() <= 256;
    if legal { Ok(Some(pointer.to_owned())) } else { Err(place.mismatch("a JSON pointer")) }
}

fn topics(place: &Node<'_>) -> Result<Vec<(String, Rule)>, Mismatch> {
    if place.clone().optional().is_none() {
        return Ok(Vec::new());
    }
    let mut topics = Vec::new();
    for topic in place.object()?.keys().take(LIST_MAX) {
        let rule = place.get(topic);
        let read = rule.as_text().and_then(Rule::parse);
        let expected = "completed, scheduled, rescheduled, cancelled, no-show or ignore";
        topics.push((topic.clone(), read.ok_or_else(|| rule.mismatch(expected))?));
    }
    Ok(topics)
}

/// A key that means nothing is a mistake of the operator's.
fn known_keys(place: &Node<'_>, keys: &[&str]) -> Result<(), Mismatch> {
    let unknown = place.object()?.keys().find(|key| !keys.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(place.get(key).mismatch("a setting that this plugin has")))
}
