//! The ERR segment: where and why, in the form of the sender's version.

use super::{Place, Reason, write_segment};
use crate::er7::message::Message;
use crate::er7::part::Part;
use crate::er7::separators::Separators;

/// Since version 2.5 place and code have fields of their own; before, both were in the first.
pub(super) fn has_new_form(version: &[u8]) -> bool {
    let minor = version.strip_prefix(b"2.").unwrap_or_default();
    let digits = minor.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // What is not a version is newer than any that are known.
    !matches!(&minor[..digits], [b'0'..=b'4'])
}

/// Writes the segment.
pub(super) fn segment(
    bytes: &mut Vec<u8>,
    separators: &Separators,
    reason: &Reason<'_>,
    message: Option<Message<'_>>,
    is_new: bool,
) {
    let place: Option<Place> = reason.location.and_then(|location| location.parse().ok());
    let (code, meaning) = code(reason.code, place.as_ref(), message);
    let where_from = place.map(|place| location(&place, is_new)).unwrap_or_default();
    if is_new {
        let place = joined(&where_from, separators.component);
        let code = joined(&[code.to_owned(), meaning.to_owned(), "HL70357".to_owned()], separators.component);
        let text = escaped(reason.text.unwrap_or_default(), separators);
        write_segment(bytes, separators.field, &[b"ERR", b"", &place, &code, b"E", b"", b"", b"", &text]);
    } else {
        let mut parts = where_from;
        parts.resize(3, String::new());
        let code = joined(&[code.to_owned(), meaning.to_owned(), "HL70357".to_owned()], separators.subcomponent);
        let mut first = joined(&parts, separators.component);
        first.extend(separators.component);
        first.extend(if separators.component.is_some() { code } else { Vec::new() });
        write_segment(bytes, separators.field, &[b"ERR", &first]);
    }
}

/// A code of HL7's table 0357, and what it means.
fn code(code: &str, place: Option<&Place>, message: Option<Message<'_>>) -> (&'static str, &'static str) {
    // Where there is no message, its header is what is missing.
    let lacks_segment = || match (place, message) {
        (Some(place), Some(message)) => message.named(place.segment()).next().is_none(),
        (Some(place), None) => place.numbers()[1] == 0,
        _ => false,
    };
    let is_missing = || match (place, message) {
        (Some(place), Some(message)) => message.at(place).is_none_or(Part::is_empty),
        _ => false,
    };
    match (code, place.map(Place::segment), place.map(|place| place.numbers()[1])) {
        ("internal" | "settings", ..) => ("207", "Application internal error"),
        ("unsupported", Some(b"MSH"), Some(11)) => ("202", "Unsupported processing id"),
        ("unsupported", Some(b"MSH"), Some(12)) => ("203", "Unsupported version id"),
        ("unsupported", ..) => ("200", "Unsupported message type"),
        _ if lacks_segment() => ("100", "Segment sequence error"),
        _ if is_missing() => ("101", "Required field missing"),
        _ => ("102", "Data type error"),
    }
}

/// Segment, its occurrence, field, and in the new form repetition, component and subcomponent.
fn location(place: &Place, is_new: bool) -> Vec<String> {
    let [occurrence, field, repetition, component, subcomponent] = place.numbers();
    let mut parts = vec![String::from_utf8_lossy(place.segment()).into_owned(), occurrence.to_string()];
    let rest = if is_new { vec![field, repetition, component, subcomponent] } else { vec![field] };
    parts.extend(rest.into_iter().map(|number| if number > 0 { number.to_string() } else { String::new() }));
    let filled = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    parts.truncate(filled);
    parts
}

/// Joined by this separator; the first alone if there is none.
fn joined(parts: &[String], separator: Option<u8>) -> Vec<u8> {
    match (separator, parts.first()) {
        (Some(separator), _) => parts.iter().map(String::as_bytes).collect::<Vec<_>>().join(&[separator][..]),
        (None, first) => first.map(|first| first.clone().into_bytes()).unwrap_or_default(),
    }
}

/// Text for people in these separators, in ASCII: legal in every character set. What is not ASCII, and separators where
/// there is no escape character, become question marks.
pub(super) fn escaped(text: &str, separators: &Separators) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        let byte = u8::try_from(character).ok().filter(|byte| matches!(byte, 0x20..=0x7e)).unwrap_or(b'?');
        let letter = match Some(byte) {
            it if it == Some(separators.field) => b'F',
            it if it == separators.component => b'S',
            it if it == separators.subcomponent => b'T',
            it if it == separators.repetition => b'R',
            it if it == separators.escape => b'E',
            _ => {
                bytes.push(byte);
                continue;
            }
        };
        match separators.escape {
            Some(escape) => bytes.extend([escape, letter, escape]),
            None => bytes.push(if separators.component == Some(b'?') { b' ' } else { b'?' }),
        }
    }
    bytes
}
