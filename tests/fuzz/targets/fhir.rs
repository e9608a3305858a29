//! FHIR, the Redox data model, vendors' JSON and C-CDA: whatever bytes come, and whatever the partner's server answers to a
//! read, the answer keeps within the contract's bounds and a refusal names its place by fixed words.
//!
//! ```text
//! mkdir -p target/fuzz/fhir
//! RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none fhir target/fuzz/fhir tests/fuzz/seeds/fhir \
//!   -- -max_total_time=600 -close_fd_mask=2 -max_len=16384 -timeout=5
//! ```
//!
//! Also worth beginning with are the bodies of the plugins' fixtures, each after the byte that chooses the plugin.
#![no_main]

use ccda::Ccda;
use emr_video_call::EmrVideoCall;
use fhir::Fhir;
use hookwright_plugin_sdk::inbound::{
    Assurance, Authentication, Context, FetchAnswer, Fetched, Inbound, Outcome, Refusal, Request, Resumption,
};
use hookwright_plugin_sdk::testing::within_bounds;
use json_fields::JsonFields;
use libfuzzer_sys::fuzz_target;
use redox::Redox;

/// The first byte chooses the plugin and its settings, the rest is the body. The 0 byte, if there is one, ends the body and
/// begins what the partner's server answers.
const FHIR: [&str; 4] = [
    "{}",
    r#"{"included_patients":true,"patient_location":"patient","virtual":"all","zone":"-06:00"}"#,
    r#"{"patient":{"identifier_system":"urn:x"},"provider":{"identifier_type":"NPI"},"patient_location":"encounter"}"#,
    r#"{"empty_search":"Encounter?status=finished","unknown_patients":"ignore","appointment":{"identifier_system":"urn:x"}}"#,
];

const FIELDS: &str = r#"{
    "event": "/event", "events": { "thin": "completed", "*": { "at": "/status", "is": { "over": "completed", "*": "scheduled" } } },
    "fields": {
        "patient_external_id": "/patient", "appointment_id": "/id", "completed_at": "/end", "starts_at": "/start",
        "started_at": "fetched /start", "duration_minutes": "/minutes", "line1": "/street", "test": "/test"
    },
    "message_id": "/message", "fetch": "{/url}"
}"#;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    let (body, answer) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let settings = FHIR[usize::from(choice >> 2 & 3)];
    match choice & 131 {
        128 => ask::<JsonFields>(FIELDS, choice, body, answer),
        0 => ask::<Fhir>(settings, choice, body, answer),
        1 | 129 => ask::<Redox>("{}", choice, body, answer),
        2 | 130 => ask::<EmrVideoCall>("{}", choice, body, answer),
        _ => ask::<Ccda>(r#"{"patient_location":"patient"}"#, choice, body, answer),
    }
});

/// Asks, and plays the gateway: every read is answered in the same way.
fn ask<P: Inbound>(settings: &str, choice: &u8, body: &[u8], answer: &[u8]) {
    let (context, request) = (context(settings), request(choice, body));
    let mut outcome = P::parse(&context, &request);
    check(&outcome);
    for round in 1..=4 {
        let Ok(Outcome::NeedFetch(need)) = outcome else { return };
        let answered = |id: String| FetchAnswer {
            id,
            answer: Ok(Fetched {
                status: if choice & 64 == 0 { 200 } else { 410 },
                headers: Vec::new(),
                body: answer.to_vec(),
                attributes: Vec::new(),
            }),
            attributes: Vec::new(),
        };
        let resumption = Resumption {
            state: need.state,
            round,
            answers: need.fetches.into_iter().map(|fetch| answered(fetch.id)).collect(),
            attributes: Vec::new(),
        };
        outcome = P::resume(&context, &request, &resumption);
        check(&outcome);
    }
    assert!(!matches!(outcome, Ok(Outcome::NeedFetch(_))), "the rounds are bounded");
}

fn check(outcome: &Result<Outcome, Refusal>) {
    if let Err(problem) = within_bounds(outcome) {
        panic!("{problem}");
    }
    assert!(outcome.as_ref().err().is_none_or(|refusal| refusal.code != "settings"));
}

fn context(settings: &str) -> Context {
    Context {
        contract: "0.1.0".to_owned(),
        plugin: "fhir".to_owned(),
        binding_id: "src_1".to_owned(),
        binding_name: "emr".to_owned(),
        subject_id: "msg_1".to_owned(),
        attempt: 1,
        now_ms: 1_767_565_801_000,
        settings: settings.to_owned(),
        attributes: Vec::new(),
    }
}

fn request(choice: &u8, body: &[u8]) -> Request {
    let content_type = if choice & 16 == 0 { "application/fhir+json" } else { "application/json" };
    Request {
        method: if choice & 32 == 0 { "POST" } else { "PUT" }.to_owned(),
        hook: "fhir/Encounter/1".to_owned(),
        query: Vec::new(),
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: body.to_vec(),
        received_at_ms: 1_767_565_801_000,
        authentication: Authentication {
            assurance: Assurance::Open,
            scheme: "none".to_owned(),
            attributes: Vec::new(),
        },
        attributes: Vec::new(),
    }
}
