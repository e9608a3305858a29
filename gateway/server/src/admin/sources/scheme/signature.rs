//! The fields of a scheme of signatures.

use super::{TEXT_MAX, TOLERANCE_SECONDS_DEFAULT, TOLERANCE_SECONDS_MAX, loose_text, place};
use crate::admin::body::{Faults, Object, child, kind_of};
use hookwright_core::signature::{
    BodyDigest, Digest, Encoding, Format, KeyDerivation, Part, SignatureScheme, TimestampUnit,
};
use serde_json::Value;

const PARTS_MAX: usize = 16;

#[derive(Clone, Copy)]
enum FormatKind {
    Plain,
    Pairs,
    Tagged,
    Positional,
}

const FORMATS: [(&str, FormatKind); 4] = [
    ("plain", FormatKind::Plain),
    ("pairs", FormatKind::Pairs),
    ("tagged", FormatKind::Tagged),
    ("positional", FormatKind::Positional),
];
const DELIMITERS: [(&str, char); 2] = [(",", ','), (";", ';')];

pub(super) fn read(object: &mut Object<'_>, faults: &mut Faults) -> Option<SignatureScheme> {
    let location = place(object, "location", faults);
    if !object.has("location") {
        object.require("header", "text", faults);
    }
    let header = object.text("header", TEXT_MAX, faults).map(str::to_owned);
    let tolerance_seconds = tolerance(object, faults);
    let scheme = SignatureScheme {
        prefix: loose_text(object, "prefix", faults),
        suffix: loose_text(object, "suffix", faults),
        format: format(object, faults).unwrap_or_default(),
        encoding: object.word("encoding", &Encoding::WORDS, faults).unwrap_or_default(),
        padding_optional: object.flag("padding_optional", faults).unwrap_or_default(),
        digest: object.word("digest", &Digest::WORDS, faults).unwrap_or_default(),
        methods: methods(object, faults),
        key: object.word("key", &KeyDerivation::WORDS, faults).unwrap_or_default(),
        timestamp_header: object.text("timestamp_header", TEXT_MAX, faults).map(str::to_owned),
        timestamp_unit: object.word("timestamp_unit", &TimestampUnit::WORDS, faults).unwrap_or_default(),
        signed_content: parts(object, faults),
        body_digest: body_digest(object, faults),
        either_port: object.flag("either_port", faults).unwrap_or_default(),
        body_unsigned: object.flag("body_unsigned", faults).unwrap_or_default(),
        id_header: object.text("id_header", TEXT_MAX, faults).map(str::to_owned),
        id_optional: object.flag("id_optional", faults).unwrap_or_default(),
        tolerance_seconds,
        location,
        header: header.unwrap_or_default(),
    };
    distinct(&scheme, object, faults);
    (!scheme.header.is_empty() || scheme.location.is_some()).then_some(scheme)
}

/// Said to be null, any time will do; not said at all, the usual window holds.
fn tolerance(object: &mut Object<'_>, faults: &mut Faults) -> Option<u32> {
    let any_time = object.has("tolerance_seconds") && object.get("tolerance_seconds").is_none();
    let stated = object.number("tolerance_seconds", 1..=TOLERANCE_SECONDS_MAX, faults);
    if any_time { None } else { Some(stated.unwrap_or(TOLERANCE_SECONDS_DEFAULT)) }
}

/// One header cannot be the signature and something that is signed.
fn distinct(scheme: &SignatureScheme, object: &Object<'_>, faults: &mut Faults) {
    let holder = scheme.place();
    let holder = holder.header().unwrap_or_default();
    for (field, name) in [("timestamp_header", &scheme.timestamp_header), ("id_header", &scheme.id_header)] {
        if name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(holder)) {
            faults.add(object.pointer(field), "is the header of the signature itself");
        }
    }
}

fn format(object: &mut Object<'_>, faults: &mut Faults) -> Option<Format> {
    let mut format = object.object("format", faults)?;
    format.require("type", "\"plain\", \"pairs\", \"tagged\" or \"positional\"", faults);
    let own = |text: Option<&str>| text.map(str::to_owned);
    let read = match format.word("type", &FORMATS, faults) {
        None => None,
        Some(FormatKind::Plain) => Some(Format::Plain),
        Some(FormatKind::Pairs) => {
            let delimiter = format.word("delimiter", &DELIMITERS, faults).unwrap_or(',');
            let key = own(format.required_text("key", TEXT_MAX, faults));
            let timestamp = own(format.text("timestamp", TEXT_MAX, faults));
            key.map(|key| Format::Pairs { delimiter, key, timestamp })
        }
        Some(FormatKind::Tagged) => {
            own(format.required_text("tag", TEXT_MAX, faults)).map(|tag| Format::Tagged { tag })
        }
        Some(FormatKind::Positional) => {
            let delimiter = format.word("delimiter", &DELIMITERS, faults).unwrap_or(',');
            // Said to be empty, the first item is the time itself; not said at all, it is a signature.
            let has_time = format.get("timestamp_prefix").is_some();
            let prefix = loose_text(&mut format, "timestamp_prefix", faults);
            Some(Format::Positional { delimiter, timestamp_prefix: has_time.then_some(prefix) })
        }
    };
    format.finish(&[], faults);
    read
}

fn body_digest(object: &mut Object<'_>, faults: &mut Faults) -> Option<BodyDigest> {
    let mut digest = object.object("body_digest", faults)?;
    digest.require("location", "where the digest stands, such as \"header:Digest\"", faults);
    let location = place(&mut digest, "location", faults);
    let read = location.map(|location| BodyDigest {
        location,
        prefix: loose_text(&mut digest, "prefix", faults),
        suffix: loose_text(&mut digest, "suffix", faults),
        digest: digest.word("digest", &Digest::WORDS, faults).unwrap_or_default(),
        encoding: digest.word("encoding", &Encoding::WORDS, faults).unwrap_or_default(),
    });
    if read.is_some() {
        digest.finish(&[], faults);
    }
    read
}

fn methods(object: &mut Object<'_>, faults: &mut Faults) -> Vec<Digest> {
    let Some(list) = object.list("methods", Digest::WORDS.len(), faults) else { return Vec::new() };
    let at = object.pointer("methods");
    let mut methods = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let named = Digest::WORDS.into_iter().find(|(word, _)| value.as_str() == Some(word));
        match named {
            Some((_, digest)) if !methods.contains(&digest) => methods.push(digest),
            Some(_) => faults.add(child(&at, &index.to_string()), "is there twice"),
            None => faults.add(child(&at, &index.to_string()), "expected one of sha256, sha384, sha512, sha1"),
        }
    }
    methods
}

fn parts(object: &mut Object<'_>, faults: &mut Faults) -> Option<Vec<Part>> {
    let list = object.list("signed_content", PARTS_MAX, faults)?;
    let at = object.pointer("signed_content");
    let mut parts = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let pointer = child(&at, &index.to_string());
        match value {
            Value::String(text) => match Part::try_from(text.clone()) {
                Ok(part) => parts.push(part),
                Err(error) => faults.add(pointer, error.why),
            },
            other => faults.add(pointer, format!("expected text, found {}", kind_of(other))),
        }
    }
    Some(parts)
}
