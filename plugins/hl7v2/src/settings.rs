//! The operator's settings; the crate's documentation tells what each is for.

use hookwright_plugin_sdk::er7::{Place, Zone};
use hookwright_plugin_sdk::inbound::Context;
use hookwright_plugin_sdk::json::{Document, Mismatch, Node};

const KEYS: [&str; 9] = [
    "appointment",
    "completed",
    "patient",
    "patient_location",
    "provider",
    "test_processing_ids",
    "unknown_patients",
    "virtual",
    "zone",
];
const LIST_MAX: usize = 64;

/// Classes of table 0004 that say that the patient was on the premises.
const ON_THE_PREMISES: [&str; 3] = ["I", "E", "B"];

/// Which identifier is the patient's in our platform.
pub(crate) struct Patient {
    /// Where it stands; these are tried in order.
    pub fields: Vec<Place>,
    pub type_code: Option<String>,
    pub authority: Option<String>,
    pub repetition: Option<u32>,
}

impl Patient {
    /// Whether the settings say which repetition is meant.
    pub fn is_chosen(&self) -> bool {
        self.type_code.is_some() || self.authority.is_some() || self.repetition.is_some()
    }
}

/// Where the provider stands, and whose numbers are preferred.
pub(crate) struct Provider {
    pub fields: Vec<Place>,
    pub type_code: String,
}

/// A value at a place: one of these, or any if there are none.
pub(crate) struct Condition {
    pub place: Place,
    pub values: Vec<String>,
}

/// Messages that say that a consultation is over.
pub(crate) struct Rule {
    /// As in MSH-9: `ADT^A03`.
    pub message: String,
    pub condition: Option<Condition>,
}

/// Which visits are held by video.
pub(crate) enum Virtual {
    All,
    /// All but those of a class that says otherwise.
    NotOnThePremises,
    Told(Vec<Condition>),
}

/// The settings, checked.
pub(crate) struct Settings {
    /// The zone that is assumed, with its name.
    pub zone: Option<(String, Zone)>,
    pub patient: Patient,
    pub ignores_unknown_patients: bool,
    pub appointment: Vec<Place>,
    pub provider: Provider,
    pub completed: Vec<Rule>,
    pub virtual_visits: Virtual,
    pub locates_by_patient: bool,
    pub test_processing_ids: Vec<String>,
}

impl Settings {
    /// Reads them; a failure names the pointer.
    pub fn read(context: &Context) -> Result<Self, Mismatch> {
        let document = Document::settings(context)?;
        let root = document.root();
        known_keys(&root, &KEYS)?;
        Ok(Self {
            zone: optional(&root, "zone", zone)?,
            patient: patient(&root.get("patient"))?,
            ignores_unknown_patients: choice(&root, "unknown_patients", ["refuse", "ignore"])? == 1,
            appointment: places(&root.get("appointment"), &["SCH-1", "SCH-2", "PV1-19", "PV1-50"])?,
            provider: provider(&root.get("provider"))?,
            completed: completed(&root.get("completed"))?,
            virtual_visits: virtual_visits(&root.get("virtual"))?,
            locates_by_patient: choice(&root, "patient_location", ["none", "patient"])? == 1,
            test_processing_ids: texts(&root.get("test_processing_ids"))?
                .unwrap_or_else(|| vec!["T".to_owned(), "D".to_owned()]),
        })
    }
}

fn zone(node: &Node<'_>) -> Result<(String, Zone), Mismatch> {
    let name = node.text()?;
    let zone = Zone::named(name);
    let zone = zone.ok_or_else(|| node.mismatch("the IANA name of a time zone, such as America/Chicago"))?;
    Ok((name.to_owned(), zone))
}

fn patient(node: &Node<'_>) -> Result<Patient, Mismatch> {
    if node.clone().optional().is_some() {
        known_keys(node, &["field", "type", "authority", "repetition"])?;
    }
    let field = optional(node, "field", whole_field)?;
    let repetition = optional(node, "repetition", |it| it.number(1.0..=1000.0, "a repetition from 1 to 1000"))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 1000")]
    let repetition = repetition.map(|number| number as u32);
    let fields = match field {
        Some(field) => vec![field],
        None => vec![Place::field("PID", 3), Place::field("PID", 2)],
    };
    let text = |key| optional(node, key, |it| it.text().map(str::to_owned));
    Ok(Patient { fields, type_code: text("type")?, authority: text("authority")?, repetition })
}

fn provider(node: &Node<'_>) -> Result<Provider, Mismatch> {
    if node.clone().optional().is_some() {
        known_keys(node, &["fields", "type"])?;
    }
    let fields = match node.get("fields").optional() {
        Some(node) => list(&node)?.map(|node| whole_field(&node)).collect::<Result<_, _>>()?,
        None => [("AIP", 3), ("PV1", 7), ("PV1", 9), ("PV1", 17)].map(|(name, at)| Place::field(name, at)).to_vec(),
    };
    let type_code = optional(node, "type", Node::text)?.unwrap_or("NPI").to_owned();
    Ok(Provider { fields, type_code })
}

fn completed(node: &Node<'_>) -> Result<Vec<Rule>, Mismatch> {
    let Some(node) = node.clone().optional() else {
        let rule = |message: &str, condition| Rule { message: message.to_owned(), condition };
        let over = || Some(Condition { place: Place::field("PV1", 45), values: Vec::new() });
        // Some put numbers of their own before the words of table 0278: `2^Completed`.
        let complete = |place| {
            let values = ["Complete", "Completed", "Comp"].map(str::to_owned).to_vec();
            Some(Condition { place, values })
        };
        let status = Place::field("SCH", 25);
        return Ok(vec![
            rule("ADT^A03", None),
            rule("ADT^A08", over()),
            rule("SIU^S14", complete(status)),
            rule("SIU^S14", complete(status.component(2))),
            rule("MDM^T02", None),
            rule("ORU^R01", over()),
        ]);
    };
    let mut rules = Vec::new();
    for node in list(&node)? {
        known_keys(&node, &["message", "place", "values"])?;
        let message = node.get("message").text()?.to_owned();
        if !matches!(message.split_once('^'), Some((kind, event)) if kind.len() == 3 && event.len() == 3) {
            return Err(node.get("message").mismatch("a message type and event, such as ADT^A03"));
        }
        let condition = if node.get("place").optional().is_some() || node.get("values").optional().is_some() {
            Some(condition(&node)?)
        } else {
            None
        };
        rules.push(Rule { message, condition });
    }
    Ok(rules)
}

fn virtual_visits(node: &Node<'_>) -> Result<Virtual, Mismatch> {
    let Some(node) = node.clone().optional() else { return Ok(Virtual::NotOnThePremises) };
    if node.text() == Ok("all") {
        return Ok(Virtual::All);
    }
    if node.object().is_err() {
        return Err(node.mismatch("\"all\", or an object with classes, or with place and values"));
    }
    known_keys(&node, &["classes", "place", "values"])?;
    let mut conditions = Vec::new();
    if let Some(values) = texts(&node.get("classes"))? {
        conditions.push(Condition { place: Place::field("PV1", 2), values });
    }
    if node.get("place").optional().is_some() || node.get("values").optional().is_some() {
        conditions.push(condition(&node)?);
    }
    if conditions.is_empty() {
        return Err(node.mismatch("an object with classes, or with place and values"));
    }
    Ok(Virtual::Told(conditions))
}

/// Whether this class of table 0004 says that the patient was on the premises.
pub(crate) fn is_on_the_premises(class: &str) -> bool {
    ON_THE_PREMISES.iter().any(|on_the_premises| class.eq_ignore_ascii_case(on_the_premises))
}

fn condition(node: &Node<'_>) -> Result<Condition, Mismatch> {
    Ok(Condition { place: place(&node.get("place"))?, values: texts(&node.get("values"))?.unwrap_or_default() })
}

fn place(node: &Node<'_>) -> Result<Place, Mismatch> {
    let place = node.text().ok().and_then(|text| text.parse::<Place>().ok());
    let place = place.filter(|place| place.message() == 0 && place.numbers()[1] > 0);
    place.ok_or_else(|| node.mismatch("a place in a message, such as PID-3 or PV1-3.1"))
}

/// A field with all its repetitions.
fn whole_field(node: &Node<'_>) -> Result<Place, Mismatch> {
    let place = place(node)?;
    match place.numbers() {
        [_, _, 0, 0, 0] => Ok(place),
        _ => Err(node.mismatch("a field, such as PID-3")),
    }
}

fn places(node: &Node<'_>, default: &[&str]) -> Result<Vec<Place>, Mismatch> {
    match node.clone().optional() {
        Some(node) => list(&node)?.map(|node| place(&node)).collect(),
        None => Ok(default.iter().filter_map(|text| text.parse().ok()).collect()),
    }
}

fn texts(node: &Node<'_>) -> Result<Option<Vec<String>>, Mismatch> {
    let Some(node) = node.clone().optional() else { return Ok(None) };
    list(&node)?.map(|node| node.text().map(str::to_owned)).collect::<Result<_, _>>().map(Some)
}

/// A list that is not too long to be meant.
fn list<'a>(node: &Node<'a>) -> Result<impl Iterator<Item = Node<'a>>, Mismatch> {
    let items: Vec<_> = node.items()?.collect();
    if items.len() > LIST_MAX {
        return Err(node.mismatch("a list of at most 64"));
    }
    Ok(items.into_iter())
}

/// The number of the word that is given; 0, the first, if none is.
fn choice(node: &Node<'_>, key: &'static str, [first, second]: [&'static str; 2]) -> Result<usize, Mismatch> {
    match optional(node, key, Node::text)? {
        None => Ok(0),
        Some(word) if word == first => Ok(0),
        Some(word) if word == second => Ok(1),
        Some(_) => Err(node.get(key).mismatch(if second == "ignore" { "refuse or ignore" } else { "none or patient" })),
    }
}

fn optional<'a, T>(
    node: &Node<'a>,
    key: &str,
    read: impl FnOnce(&Node<'a>) -> Result<T, Mismatch>,
) -> Result<Option<T>, Mismatch> {
    node.get(key).optional().map(|node| read(&node)).transpose()
}

fn known_keys(node: &Node<'_>, known: &[&str]) -> Result<(), Mismatch> {
    match node.object()?.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(node.get(key).mismatch("no such setting")),
        None => Ok(()),
    }
}
