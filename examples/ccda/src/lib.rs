//! Inbound plugin: visits of which C-CDA documents tell.
//!
//! A document is weak news of a consultation: it may be posted days later, or twice. Where a partner has nothing better,
//! this takes `componentOf/encompassingEncounter` of a `ClinicalDocument` for a consultation completed:
//! * when: `effectiveTime/high`, else the one `@value` of `effectiveTime`, else the document's own `effectiveTime`; the
//!   attribute `completed-at-source` tells which (`high`, `value`, `document`);
//! * how long: what lies between `low` and `high` (derived), if both are told to the minute and differ;
//! * whose: an `id` of `recordTarget/patientRole`; a document of several patients (a group's visit) is a consultation of
//!   each; by whom: an `id` of the `responsibleParty`, else of an `encounterParticipant`, one of the National Provider
//!   Identifier before any other. The root of a register without a number in it is no id.
//!
//! What has a `nullFlavor` is not there. Times are those of HL7, `20260104163000-0600`, to any precision.
//!
//! The document must be UTF-8, at most 2 MiB, and well-formed with all its namespaces declared. Document type declarations
//! are refused, and with them all entities but XML's own five.
//!
//! # Settings
//! All may be left out.
//! * `patient_id_root`: the root (an OID) of the patient's id that is meant. Default: the first that has an extension and is
//!   no social security number.
//! * `visit_id_root`: the same for the visit, which becomes the id of the appointment. Default: the first.
//! * `provider_id_root`: the same for the provider. Default: the National Provider Identifier, else the first.
//! * `virtual`: `"all"`, or a list of the codes (of `code` and its translations) that say that a visit was held by video.
//!   Default: `VR` of HL7's codes for acts. A visit with another of those codes (`AMB`, `IMP`, …) was held elsewhere, and one
//!   with none of them is taken: the attribute `modality` says `told` or `untold`.
//! * `patient_location`: where the patient was during the call: `none` (default) or `patient` (the address of the
//!   `patientRole` that was in use then).
//! * `zone`: what is assumed for times without an offset: the IANA name of a time zone, such as `America/Chicago`, or an
//!   offset, such as `-06:00`. Default `Z`.

mod element;
mod settings;
mod visit;

use hookwright_plugin_sdk::export_inbound;
use hookwright_plugin_sdk::inbound::{Accepted, Context, Ignored, Inbound, Outcome, Refusal, Report, Request};
use roxmltree::{Document, ParsingOptions};

use crate::element::Element;
use crate::settings::Settings;

/// Eight times the largest document of the standard's own examples.
const BYTES_MAX: usize = 2 << 20;
const NODES_MAX: u32 = 500_000;
/// XML wants to know of every attribute of an element that no other has its name; without a bound that takes forever.
const ATTRIBUTES_MAX: usize = 64;
/// A group that meets by video is smaller.
const PATIENTS_MAX: usize = 64;

/// The plugin.
pub struct Ccda;

impl Inbound for Ccda {
    fn parse(context: &Context, request: &Request) -> Result<Outcome, Refusal> {
        let settings = Settings::read(context)?;
        let text = text(&request.body)?;
        let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|error| ill_formed(&error))?;
        let root = Element::root(&document);
        if root.name() != "ClinicalDocument" {
            return Err(Refusal::unsupported("/", "a ClinicalDocument"));
        }
        let visit = root.child("componentOf").child("encompassingEncounter");
        if !visit.is_told() {
            return Ok(Ignored::new("the document is not about one encounter").into());
        }
        let Some(modality) = settings.modality(&visit) else {
            return Ok(Ignored::new("the visit is not told to be virtual").into());
        };
        let targets: Vec<_> = root.children("recordTarget").take(PATIENTS_MAX + 1).collect();
        if targets.len() > PATIENTS_MAX {
            return Err(root.child("recordTarget").refusal("at most 64 patients"));
        }
        // A document without one is refused for the patient that it does not name.
        let targets = if targets.is_empty() { vec![root.child("recordTarget")] } else { targets };
        let mut reports = Vec::new();
        for target in targets {
            let consultation = visit::completed(&root, &target, &visit, modality, &settings)?;
            reports.push(Report::ConsultationCompleted(consultation));
        }
        Ok(Accepted { message_id: visit::message_id(&root), ..Accepted::new(reports) }.into())
    }
}

fn text(body: &[u8]) -> Result<&str, Refusal> {
    let malformed = |location: &str, expected| Refusal {
        location: Some(location.to_owned()),
        expected: Some(expected),
        ..Refusal::new("malformed")
    };
    if body.len() > BYTES_MAX {
        return Err(malformed("/", "a document of at most 2 MiB"));
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed("/", "text in UTF-8"))?;
    if has_too_many_attributes(text) {
        return Err(malformed("/", "elements of at most 64 attributes"));
    }
    Ok(text)
}

/// Looks at tags only: text, comments and quoted values may hold whatever they like. What is no XML is left to the reader.
fn has_too_many_attributes(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = match rest {
            _ if rest.starts_with("!--") => rest.find("-->"),
            _ if rest.starts_with("![CDATA[") => rest.find("]]>"),
            _ if rest.starts_with('?') => rest.find("?>"),
            _ => {
                let (attributes, end) = tag(rest.as_bytes());
                if attributes > ATTRIBUTES_MAX {
                    return true;
                }
                Some(end)
            }
        };
        let Some(end) = end else { return false };
        rest = &rest[end..];
    }
    false
}

/// How many attributes a tag has, or one more than are allowed, and where it ends.
fn tag(text: &[u8]) -> (usize, usize) {
    let (mut attributes, mut quote) = (0, None);
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return (attributes, at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'=') => attributes += 1,
            (Some(opening), closing) if opening == closing => quote = None,
            _ => {}
        }
        if attributes > ATTRIBUTES_MAX {
            return (attributes, at);
        }
    }
    (attributes, text.len())
}

fn ill_formed(error: &roxmltree::Error) -> Refusal {
    let at = error.pos();
    let expected = match error {
        roxmltree::Error::DtdDetected => "XML without a document type declaration",
        roxmltree::Error::UnknownNamespace(..) => "namespaces that are declared",
        roxmltree::Error::UnknownEntityReference(..) => "no entities but XML's own",
        roxmltree::Error::NodesLimitReached => "at most 500,000 elements",
        _ => "well-formed XML",
    };
    Refusal {
        location: Some(format!("line {} column {}", at.row, at.col)),
        expected: Some(expected),
        ..Refusal::new("malformed")
    }
}

export_inbound!(Ccda);

#[cfg(test)]
mod tests;
