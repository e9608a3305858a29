//! The operator's settings; the crate's documentation tells what each is for.

use hookwright_plugin_sdk::inbound::Context;
use hookwright_plugin_sdk::iso8601::Assumed;
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};

use crate::element::Element;

const KEYS: [&str; 6] = ["patient_id_root", "patient_location", "provider_id_root", "virtual", "visit_id_root", "zone"];
/// HL7's codes for acts, among them the classes of encounters.
const ACT_CODES: &str = "2.16.840.1.113883.5.4";

enum Virtual {
    All,
    Unless,
    Codes(Vec<String>),
}

/// The settings, checked.
pub(crate) struct Settings {
    pub patient_id_root: Option<String>,
    pub visit_id_root: Option<String>,
    pub provider_id_root: Option<String>,
    pub located_by_patient: bool,
    pub zone: Assumed,
    modality: Virtual,
}

impl Settings {
    pub fn read(context: &Context) -> Result<Self, Mismatch> {
        let document = Document::settings(context)?;
        let root = document.root();
        if let Some(unknown) = root.object()?.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(root.get(unknown).mismatch("a setting that this plugin has"));
        }
        let text = |key: &str| root.get(key).optional().map(|it| it.text().map(str::to_owned)).transpose();
        let location = root.get("patient_location");
        Ok(Self {
            patient_id_root: text("patient_id_root")?,
            visit_id_root: text("visit_id_root")?,
            provider_id_root: text("provider_id_root")?,
            located_by_patient: match (location.value().is_some(), location.as_text()) {
                (false, _) | (_, Some("none")) => false,
                (_, Some("patient")) => true,
                _ => return Err(location.mismatch("none or patient")),
            },
            zone: root.get("zone").zone()?,
            modality: modality(&root.get("virtual"))?,
        })
    }

    /// How it is known that the visit was held by video; nothing if it was not.
    pub fn modality(&self, visit: &Element<'_>) -> Option<&'static str> {
        let code = visit.child("code");
        let codes = || std::iter::once(code.clone()).chain(code.children("translation"));
        let told = |wanted: &str| codes().any(|it| it.attribute("code") == Some(wanted));
        match &self.modality {
            Virtual::All => Some("assumed-of-source"),
            Virtual::Codes(wanted) => wanted.iter().any(|wanted| told(wanted)).then_some("told"),
            Virtual::Unless => {
                let mut classes = codes().filter(|it| it.attribute("codeSystem") == Some(ACT_CODES)).peekable();
                if classes.peek().is_none() {
                    return Some("untold");
                }
                classes.any(|it| it.attribute("code") == Some("VR")).then_some("told")
            }
        }
    }
}

fn modality(place: &Node<'_>) -> Result<Virtual, Mismatch> {
    if place.value().is_none() {
        return Ok(Virtual::Unless);
    }
    if place.as_text() == Some("all") {
        return Ok(Virtual::All);
    }
    let codes = place.items().map_err(|_| place.mismatch("all, or a list of codes"))?;
    codes.map(|code| code.text().map(str::to_owned)).collect::<Result<_, _>>().map(Virtual::Codes)
}
