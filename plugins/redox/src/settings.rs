//! The operator's settings; the crate's documentation tells what each is for.

use hookwright_plugin_sdk::inbound::Context;
use hookwright_plugin_sdk::iso8601::Assumed;
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};

const KEYS: [&str; 9] = [
    "cancelled_statuses",
    "completed_statuses",
    "no_show_statuses",
    "notes",
    "patient_id_type",
    "patient_location",
    "provider_id_type",
    "virtual",
    "zone",
];
/// The classes that say that the patient was there.
const ON_THE_PREMISES: [&str; 4] = ["Inpatient", "Emergency", "Obstetrics", "Observation"];

/// Which visits are held by video.
#[derive(Debug)]
pub(crate) enum Virtual {
    All,
    NotOnThePremises,
    Told { classes: Vec<String>, departments: Vec<String>, types: Vec<String> },
}

/// What became of a visit, by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    Cancelled,
    NoShow,
}

/// The settings, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub patient_id_type: Option<String>,
    pub provider_id_type: Option<String>,
    completed_statuses: Vec<String>,
    cancelled_statuses: Vec<String>,
    no_show_statuses: Vec<String>,
    pub notes_are_written_after: bool,
    modality: Virtual,
    pub locates_by_demographics: bool,
    pub zone: Assumed,
}

impl Settings {
    pub fn read(context: &Context) -> Result<Self, Mismatch> {
        let document = Document::settings(context)?;
        let root = document.root();
        known_keys(&root, &KEYS)?;
        let text = |key: &str| root.get(key).optional().map(|it| it.text().map(str::to_owned)).transpose();
        let statuses = |key: &str, default: &[&str]| {
            let told = words(&root, key)?;
            Ok(told.unwrap_or_else(|| default.iter().map(|word| (*word).to_owned()).collect()))
        };
        Ok(Self {
            patient_id_type: text("patient_id_type")?,
            provider_id_type: text("provider_id_type")?,
            completed_statuses: statuses("completed_statuses", &["Comp", "Completed"])?,
            cancelled_statuses: statuses("cancelled_statuses", &["Canc", "Canceled", "Cancelled"])?,
            no_show_statuses: statuses("no_show_statuses", &["NoShow", "No Show"])?,
            notes_are_written_after: is_second(&root.get("notes"), ["ignore", "completed"], "ignore or completed")?,
            modality: modality(&root.get("virtual"))?,
            locates_by_demographics: is_second(
                &root.get("patient_location"),
                ["none", "demographics"],
                "none or demographics",
            )?,
            zone: root.get("zone").zone()?,
        })
    }

    /// What the status of a visit says became of it, if it says so.
    pub fn outcome(&self, status: &Node<'_>) -> Option<Outcome> {
        let outcomes = [
            (&self.completed_statuses, Outcome::Completed),
            (&self.cancelled_statuses, Outcome::Cancelled),
            (&self.no_show_statuses, Outcome::NoShow),
        ];
        outcomes.into_iter().find(|(words, _)| is_one_of(status, words)).map(|(_, outcome)| outcome)
    }

    /// How it is known that a visit that counts was held by video.
    pub fn modality(&self) -> &'static str {
        match self.modality {
            Virtual::All => "assumed-of-source",
            Virtual::NotOnThePremises => "untold",
            Virtual::Told { .. } => "told",
        }
    }

    /// Whether the visit is held by video, as far as can be told.
    pub fn is_virtual(&self, visit: &Node<'_>) -> bool {
        let class = visit.get("PatientClass");
        match &self.modality {
            Virtual::All => true,
            Virtual::NotOnThePremises => {
                let there = |class: &str| ON_THE_PREMISES.iter().any(|word| word.eq_ignore_ascii_case(class.trim()));
                !class.as_text().is_some_and(there)
            }
            Virtual::Told { classes, departments, types } => {
                is_one_of(&class, classes)
                    || is_one_of(&visit.get("Location").get("Department"), departments)
                    || is_one_of(&visit.get("Type"), types)
            }
        }
    }
}

fn is_one_of(place: &Node<'_>, words: &[String]) -> bool {
    place.as_text().is_some_and(|text| words.iter().any(|word| word.eq_ignore_ascii_case(text.trim())))
}

fn modality(place: &Node<'_>) -> Result<Virtual, Mismatch> {
    if place.value().is_none() {
        return Ok(Virtual::NotOnThePremises);
    }
    if place.as_text() == Some("all") {
        return Ok(Virtual::All);
    }
    place.object().map_err(|_| place.mismatch("all, or an object"))?;
    known_keys(place, &["departments", "patient_classes", "visit_types"])?;
    let list = |key: &str| words(place, key).map(Option::unwrap_or_default);
    Ok(Virtual::Told {
        classes: list("patient_classes")?,
        departments: list("departments")?,
        types: list("visit_types")?,
    })
}

fn words(place: &Node<'_>, key: &str) -> Result<Option<Vec<String>>, Mismatch> {
    let Some(list) = place.get(key).optional() else { return Ok(None) };
    let words = list.items()?.map(|word| word.text().map(|text| text.trim().to_owned()));
    words.collect::<Result<_, _>>().map(Some)
}

/// Whether the second of two words is there; nothing is as the first.
fn is_second(place: &Node<'_>, words: [&str; 2], expected: &'static str) -> Result<bool, Mismatch> {
    match place.value() {
        None => Ok(false),
        Some(value) if value == words[0] => Ok(false),
        Some(value) if value == words[1] => Ok(true),
        Some(_) => Err(place.mismatch(expected)),
    }
}

/// A key that means nothing is a mistake of the operator's.
fn known_keys(place: &Node<'_>, keys: &[&str]) -> Result<(), Mismatch> {
    let unknown = place.object()?.keys().find(|key| !keys.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| Err(place.get(key).mismatch("a setting that this plugin has")))
}
