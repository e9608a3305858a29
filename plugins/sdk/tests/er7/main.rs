//! ER7 against another reader: `hl7` from `PyPI` divides real and generated messages into the same tree.
//!
//! Where it cannot be installed the tests say so and pass, except with `CI=true`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod generated;
mod oracle;
mod speed;

use hookwright_plugin_sdk::er7::{Charset, Level, Limits, Part, Segment, Text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

use oracle::{Oracle, Sample};

/// The real messages, where there are any: they lie beside the checkout, or beside the directory of checkouts.
fn real_messages() -> Option<PathBuf> {
    let places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|it| it.join("shared/fixtures/hl7"));
    places.into_iter().find(|place| place.is_dir())
}

/// Segments, fields, repetitions, components and subcomponents, as they came.
fn tree(body: &[u8]) -> Value {
    let text = Text::new(body, None).unwrap();
    let interchange = text.interchange(&Limits::default()).unwrap();
    let message = interchange.messages().next().unwrap();
    let raw = |part: Part<'_>| match message.charset() {
        Charset::Utf8 => String::from_utf8(part.raw().to_vec()).unwrap(),
        _ => part.raw().iter().map(|byte| char::from(*byte)).collect(),
    };
    message.segments().map(|segment| branches(segment, &raw)).collect()
}

fn branches(segment: Segment<'_>, raw: &impl Fn(Part<'_>) -> String) -> Value {
    segment.fields().map(|field| branch(field, raw)).collect()
}

fn branch(part: Part<'_>, raw: &impl Fn(Part<'_>) -> String) -> Value {
    match part.level() {
        Level::Subcomponent => raw(part).into(),
        _ => part.parts().map(|part| branch(part, raw)).collect(),
    }
}

/// Blanks at the end of a body, which Python's reader strips and ours keeps; and what may be after the last line.
fn without_end(body: &[u8]) -> &[u8] {
    let end = body.iter().rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x1c));
    &body[..end.map_or(0, |last| last + 1)]
}

#[test]
fn real_messages_are_divided_alike() {
    let Some(oracle) = Oracle::installed() else { return };
    let Some(directory) = real_messages() else {
        oracle::skipped("there are no real messages beside the checkout");
        return;
    };
    let mut samples = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "hl7") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let body = fs::read(path).unwrap();
            samples.push(Sample { name, body: without_end(&body).to_vec(), is_latin: false });
        }
    }
    assert!(samples.len() > 30, "only {} messages were found", samples.len());
    for (sample, expected) in samples.iter().zip(oracle.trees(&samples)) {
        assert_eq!(tree(&sample.body), expected, "{}", sample.name);
    }
}

#[test]
fn generated_messages_are_divided_alike() {
    let Some(oracle) = Oracle::installed() else { return };
    let samples: Vec<Sample> = (0..600).map(generated::sample).collect();
    let mut fields = 0;
    for (sample, expected) in samples.iter().zip(oracle.trees(&samples)) {
        let tree = tree(&sample.body);
        fields += tree.as_array().unwrap().iter().map(|segment| segment.as_array().unwrap().len()).sum::<usize>();
        assert_eq!(tree, expected, "{}: {:?}", sample.name, String::from_utf8_lossy(&sample.body));
    }
    assert!(fields > 10_000, "only {fields} fields were compared");
}

/// Where the trees differ, and why ours is as it is.
const DIFFERENCES: [(&str, &str); 6] = [
    ("MSH|^~\\\\&|A&B\\T\\C|x", "a doubled escape character counts once, so that & separates subcomponents and not \\"),
    ("MSH|^~\\|A&B|x", "what is not declared is not used: there is no separator of subcomponents"),
    ("MSH|^~}|A}B|x", "the usual escape character is missing, so that the third is for subcomponents"),
    ("MSH|^~\\&|A|x ", "blanks at the end of a message are kept"),
    ("MSH|^~\\&", "a declaration at the end of the message is whole"),
    ("MSH|^~\\&|\rPID|1", "an empty field after the declaration is a field"),
];

#[test]
fn differences_are_known() {
    let Some(oracle) = Oracle::installed() else { return };
    let samples = DIFFERENCES.map(|(body, why)| Sample { name: why.to_owned(), body: body.into(), is_latin: false });
    for (sample, theirs) in samples.iter().zip(oracle.trees(&samples)) {
        assert_ne!(tree(&sample.body), theirs, "no longer a difference: {}", sample.name);
    }
    assert_eq!(tree(DIFFERENCES[0].0.as_bytes())[0][3], serde_json::json!([[["A", "B\\T\\C"]]]));
    assert_eq!(tree(DIFFERENCES[1].0.as_bytes())[0][3], serde_json::json!([[["A&B"]]]));
    assert_eq!(tree(DIFFERENCES[2].0.as_bytes())[0][3], serde_json::json!([[["A", "B"]]]));
    assert_eq!(tree(DIFFERENCES[3].0.as_bytes())[0][4], serde_json::json!([[["x "]]]));
    assert_eq!(tree(DIFFERENCES[4].0.as_bytes())[0][2], serde_json::json!([[["^~\\&"]]]));
    assert_eq!(tree(DIFFERENCES[5].0.as_bytes())[0][3], serde_json::json!([[[""]]]));
    // Theirs takes letters and digits for separators; ours refuses them, since there a separator is missing.
    let theirs = oracle.trees(&[Sample { name: String::new(), body: b"MSH|HIS|RIH".to_vec(), is_latin: false }]);
    assert_eq!(theirs[0][0][2], serde_json::json!([[["HIS"]]]));
    assert!(Text::new(b"MSH|HIS|RIH", None).unwrap().interchange(&Limits::default()).is_err());
}
