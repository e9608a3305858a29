//! Codes: `Coding`, `CodeableConcept` and lists of either, told apart by nothing but their shape.

use hookwright_plugin_sdk::json::Node;

/// No concept has more codes than this, and no list more concepts.
const CODES_MAX: usize = 64;

/// A code that the settings name, with its system or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// The system; any if it is left out.
    pub system: Option<String>,
    /// The code.
    pub code: String,
}

impl Code {
    /// Reads `code` or `system|code`.
    pub fn parse(text: &str) -> Self {
        match text.rsplit_once('|') {
            Some((system, code)) => Self { system: Some(system.to_owned()), code: code.to_owned() },
            None => Self { system: None, code: text.to_owned() },
        }
    }

    fn matches(&self, coding: &Node<'_>) -> bool {
        let system = self.system.as_deref().is_none_or(|system| coding.get("system").as_text() == Some(system));
        system && code(coding).is_some_and(|code| code.eq_ignore_ascii_case(&self.code))
    }
}

/// The codes at this place. R4 has a Coding or a `CodeableConcept` where R5 has a list of them, some of which wrap the
/// concept once more.
pub(crate) fn codings<'a>(place: &Node<'a>) -> impl Iterator<Item = Node<'a>> {
    place.each().take(CODES_MAX).flat_map(|concept| {
        let concept = concept.get("concept").optional().unwrap_or(concept);
        let coded: Vec<_> = concept.get("coding").each().take(CODES_MAX).collect();
        if coded.is_empty() { vec![concept] } else { coded }
    })
}

/// The codes at this place as text.
pub(crate) fn codes<'a>(place: &Node<'a>) -> impl Iterator<Item = &'a str> {
    codings(place).filter_map(|coding| code(&coding))
}

/// Whether one of the codes at this place is one of these, or the text of a concept is: many systems write nothing else
/// that is the same everywhere.
pub(crate) fn any_of(place: &Node<'_>, wanted: &[Code]) -> bool {
    codings(place).any(|coding| wanted.iter().any(|wanted| wanted.matches(&coding)))
        || wanted.iter().any(|wanted| wanted.system.is_none() && is_worded(place, &wanted.code))
}

/// Whether the text of a concept at this place is this.
pub(crate) fn is_worded(place: &Node<'_>, wanted: &str) -> bool {
    let text = |concept: Node<'_>| {
        let concept = concept.get("concept").optional().unwrap_or(concept);
        concept.get("text").as_text().is_some_and(|text| text.trim().eq_ignore_ascii_case(wanted))
    };
    place.each().take(CODES_MAX).any(text)
}

/// A concept that is no more than a string is taken for its code.
fn code<'a>(coding: &Node<'a>) -> Option<&'a str> {
    coding.get("code").as_text().or_else(|| coding.as_text())
}
