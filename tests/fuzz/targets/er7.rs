//! HL7 version 2: whatever bytes come are read without loss or refused, answered, and mapped by the plugin.
//!
//! One crate has all targets; this is how each is run, from the repository's root, with the stable compiler and
//! `cargo install cargo-fuzz`:
//!
//! ```text
//! mkdir -p target/fuzz/er7
//! RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none er7 target/fuzz/er7 tests/fuzz/seeds/er7 \
//!   -- -max_total_time=600 -close_fd_mask=2 -max_len=8192 -timeout=5
//! ```
//!
//! The first directory takes what is found new, the second holds what to begin with: a few messages, and what was found
//! before, which the tests of the module read too. No sanitizer is needed, since none of the code is unsafe.
#![no_main]

use std::str;

use hl7v2::Hl7V2;
use hookwright_plugin_sdk::er7::acknowledgment::{Answer, Reason, Stage, Verdict, acknowledge};
use hookwright_plugin_sdk::er7::{Level, Limits, Part, Text};
use hookwright_plugin_sdk::inbound::{Assurance, Authentication, Context, Inbound, Request};
use libfuzzer_sys::fuzz_target;

/// The first byte chooses the circumstances, the rest is the body.
const CONTENT_TYPES: [Option<&str>; 4] =
    [None, Some("text/plain; charset=utf-8"), Some("application/hl7-v2; charset=iso-8859-1"), Some("x; charset=utf-16")];
const SETTINGS: [&str; 2] = ["{}", r#"{"zone":"America/Chicago","virtual":"all","patient_location":"patient"}"#];

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let content_type = CONTENT_TYPES[usize::from(choice & 3)];
    read(body, content_type);
    let outcome = map(body, content_type, SETTINGS[usize::from(choice >> 2 & 1)]);
    let refusal = outcome.err();
    let reason = refusal.as_ref().map(|refusal| Reason {
        code: refusal.code,
        location: refusal.location.as_deref(),
        text: refusal.expected,
    });
    let verdict = reason.map_or(Verdict::Accepted, Verdict::Failed);
    for stage in [Stage::Kept, Stage::Processed] {
        let answer = Answer { stage, verdict, now_ms: 1_767_565_800_000, id: "1" };
        if let Some(given) = acknowledge(body, content_type, &answer) {
            // Whoever gets it can read it.
            let text = Text::new(&given.bytes, Some("text/plain")).expect("an answer is text");
            text.interchange(&Limits::default()).expect("an answer is a message");
        }
    }
});

/// What can be read is whole, and every part of it can be asked for.
fn read(body: &[u8], content_type: Option<&str>) {
    let Ok(text) = Text::new(body, content_type) else { return };
    let Ok(interchange) = text.interchange(&Limits::default()) else { return };
    let mut end = 0;
    for unit in interchange.units() {
        let separators = unit.lines.separators();
        for segment in unit.lines.segments() {
            assert!(segment.offset() >= end, "lines are in order");
            end = segment.offset() + segment.raw().len();
            // The first field of a header is a separator, and has none before or after it.
            let is_header = segment.field(1).is_some_and(|field| field.raw() == [separators.field]);
            let mut length = 0;
            for (number, field) in segment.fields().enumerate() {
                let is_apart = number > 2 || (number > 0 && !is_header);
                length += field.raw().len() + usize::from(is_apart);
                walk(field);
            }
            assert_eq!(length, segment.raw().len(), "fields are the whole line");
        }
    }
}

fn walk(part: Part<'_>) {
    let _ = part.text();
    if part.level() < Level::Subcomponent {
        let mut length = 0;
        for (number, part) in part.parts().enumerate() {
            length += part.raw().len() + usize::from(number > 0);
            walk(part);
        }
        assert_eq!(length, part.raw().len(), "parts are the whole");
    }
}

fn map(
    body: &[u8],
    content_type: Option<&str>,
    settings: &str,
) -> Result<hookwright_plugin_sdk::inbound::Outcome, hookwright_plugin_sdk::inbound::Refusal> {
    let context = Context {
        contract: "0.1.0".to_owned(),
        plugin: "hl7v2".to_owned(),
        binding_id: "src_1".to_owned(),
        binding_name: "emr".to_owned(),
        subject_id: "msg_1".to_owned(),
        attempt: 1,
        now_ms: 1_767_565_801_000,
        settings: settings.to_owned(),
        attributes: Vec::new(),
    };
    let request = Request {
        method: "POST".to_owned(),
        hook: "hl7".to_owned(),
        query: Vec::new(),
        headers: content_type.map(|it| ("content-type".to_owned(), it.to_owned())).into_iter().collect(),
        body: body.to_vec(),
        received_at_ms: 1_767_565_801_000,
        authentication: Authentication {
            assurance: Assurance::Open,
            scheme: "none".to_owned(),
            attributes: Vec::new(),
        },
        attributes: Vec::new(),
    };
    let outcome = Hl7V2::parse(&context, &request);
    if let Err(refusal) = &outcome {
        assert!(str::from_utf8(refusal.code.as_bytes()).is_ok() && refusal.code != "settings");
    }
    outcome
}
