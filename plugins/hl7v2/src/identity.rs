//! What tells messages apart, and what operators search them by.

use std::fmt::Write as _;

use hookwright_plugin_sdk::er7::{Interchange, Message, Part, Place};
use sha2::{Digest, Sha256};

/// The contract's bound on ids and on values of metadata.
const BYTES_MAX: usize = 256;

/// The sender's id of a request: application, facility and control id (MSH-3, MSH-4, MSH-10) of its message, and a checksum
/// of all the rest but its time (MSH-7), which some senders renew when they send a message again. There are senders, and
/// whole test sets, that give every message one control id: without the checksum all but the first would be dropped as
/// repeats. Of several messages, and of what is too long or not printable, the hash. `None` if a message has no control id.
pub(crate) fn message_id(interchange: &Interchange<'_>) -> Option<String> {
    let mut messages = interchange.messages();
    let first = messages.next()?;
    if messages.next().is_none() {
        let [application, facility, control] = header(first)?;
        let plain = [application, facility, control, rest(first).as_bytes()].join(&b'|');
        let plain = String::from_utf8(plain).ok();
        let plain = plain.filter(|id| id.len() <= BYTES_MAX && !id.chars().any(char::is_control));
        if plain.is_some() {
            return plain;
        }
    }
    hash(interchange)
}

/// Of all messages: what a guest computes slowly is computed for few.
fn hash(interchange: &Interchange<'_>) -> Option<String> {
    let mut hash = Sha256::new();
    for message in interchange.messages() {
        let [application, facility, control] = header(message)?;
        // Each is counted, so that no two of these make one.
        for part in [application, facility, control, rest(message).as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    Some(hash.finalize().iter().fold("sha256:".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

/// Application, facility and control id; `None` if there is no control id.
fn header(message: Message<'_>) -> Option<[&[u8]; 3]> {
    let field = |number| message.at(&Place::field("MSH", number)).map(Part::raw).unwrap_or_default();
    let control = field(10);
    (!control.trim_ascii().is_empty() && control != b"\"\"").then(|| [field(3), field(4), control])
}

/// What stands for all the rest.
fn rest(message: Message<'_>) -> String {
    let sum = checksum(message);
    let digit = |at: u32| char::from_digit((sum >> (60 - 4 * at) & 0xf) as u32, 16).unwrap_or('0');
    (0..16).map(digit).collect()
}

/// FNV-1a of 64 bits over a message without its time. Senders are authenticated, and one that wants two messages to be taken
/// for one has easier ways.
fn checksum(message: Message<'_>) -> u64 {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(b"\r") {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (at, segment) in message.segments().enumerate() {
        if at > 0 {
            add(segment.raw());
            continue;
        }
        // The name is the first, so that each stands at its own number.
        for (_, field) in segment.fields().enumerate().filter(|(number, _)| *number != 7) {
            add(field.raw());
        }
    }
    sum
}

/// Type, version and sending application of the first message, and how many there are. The control id is left out: there
/// are senders who make it of a patient's number.
pub(crate) fn metadata(interchange: &Interchange<'_>) -> Vec<(String, String)> {
    let mut metadata = Vec::new();
    let Some(message) = interchange.messages().next() else { return metadata };
    let mut note = |name: &str, value: Option<String>| {
        let value = value.filter(|it| !it.is_empty() && it.len() <= BYTES_MAX && !it.chars().any(char::is_control));
        metadata.extend(value.map(|value| (name.to_owned(), value)));
    };
    note("message-type", Some(kind(message)));
    note("version", text(message, 12, 1));
    note("sending-application", text(message, 3, 1));
    let count = interchange.messages().count();
    note("messages", (count > 1).then(|| count.to_string()));
    metadata
}

/// Message type and event, such as `ADT^A03`, whatever the separators are.
pub(crate) fn kind(message: Message<'_>) -> String {
    let code = text(message, 9, 1).unwrap_or_default();
    // Before 2.3 the event was told by its own segment alone. The structure (MSH-9.3) does not tell it: several events
    // have one structure.
    let event = text(message, 9, 2).or_else(|| {
        let part = message.at(&Place::field("EVN", 1))?;
        Some(part.text().ok()??.trim().to_owned()).filter(|event| !event.is_empty())
    });
    match event {
        Some(event) => format!("{code}^{event}").to_ascii_uppercase(),
        None => code.to_ascii_uppercase(),
    }
}

fn text(message: Message<'_>, field: u32, component: u32) -> Option<String> {
    let part = message.at(&Place::field("MSH", field).component(component))?;
    Some(part.text().ok()??.trim().to_owned()).filter(|text| !text.is_empty())
}
