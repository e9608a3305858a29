//! `plugin run`: one request or event, from a file or standard input.

use super::bench;
use crate::harness::command::{Ran, run_on};
use crate::harness::guests;
use std::fs;
use std::path::Path;

const ORDER: &[u8] = br#"{"order_id":"ord_1","customer":{"id":"cus_xyz"}}"#;

fn run(directory: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    run_on(directory, ["plugin", "run"].iter().chain(arguments).chain(&["--deadline", "2s"]), input)
}

#[test]
fn an_event_becomes_a_request() {
    let bench = bench();
    let settings = ["--settings", r#"{"revision":"2026-01-15"}"#];
    let arguments = [&["k.wasm", "--type", "order.placed", "--world", "outbound"], &settings[..]].concat();
    let sent = run(bench.path(), &arguments, ORDER).expect(0).json();
    assert_eq!(sent["send"]["headers"]["revision"], "2026-01-15");
    fs::write(
        bench.path().join("event.json"),
        r#"{"id":"evt_7","type":"order.placed","created_at":"x","data":{"customer_id":"c"}}"#,
    )
    .unwrap();
    fs::write(bench.path().join("settings.json"), r#"{"revision":"2026-01-15"}"#).unwrap();
    let arguments = ["k.wasm", "event.json", "--settings", "@settings.json", "--json"];
    let whole = run(bench.path(), &arguments, b"").expect(0).json();
    assert_eq!(whole["outcome"]["send"]["body"]["data"]["attributes"]["unique_id"], "evt_7");
    assert!(whole["duration_ms"].as_f64().unwrap() > 0.0, "{whole}");
    let skipped = run(bench.path(), &["k.wasm", "--type", "lab.result_ready"], b"{}").expect(0).json();
    assert!(skipped["skip"]["reason"].is_string(), "{skipped}");
    let fault = run(bench.path(), &["k.wasm", "--type", "order.placed", "--settings", r#"{"revision":7}"#], ORDER);
    assert_eq!(fault.expect(0).json()["fault"]["code"], "settings", "a fault is an answer");
}

#[test]
fn a_request_becomes_an_outcome_and_a_crash_is_a_failure() {
    let bench = bench();
    fs::write(bench.path().join("e.wasm"), guests::emr_video_call()).unwrap();
    fs::write(bench.path().join("u.wasm"), guests::unruly()).unwrap();
    let call = br#"{"event":"video_call.completed","patient_external_id":"cus_xyz","appointment_id":"a","provider_id":"d","call_duration_minutes":15,"completed_at":"2026-01-04T22:30:00Z"}"#;
    let arguments = ["e.wasm", "--hook", "video-call-completed", "--header", "Content-Type: application/json"];
    let read = run(bench.path(), &arguments, call).expect(0).json();
    assert_eq!(read["accepted"]["reports"][0]["consultation_completed"]["appointment_id"], "a");
    let refused = run(bench.path(), &["e.wasm"], b"{").expect(0).json();
    assert_eq!(refused["refusal"]["code"], "malformed");
    let handshake = run(bench.path(), &["u.wasm", "--hook", "handshake?challenge=abc", "--method", "GET"], b"");
    assert_eq!(handshake.expect(0).json()["ignored"]["reply"]["body_text"], "abc");
    let crashed = run(bench.path(), &["u.wasm", "--hook", "trap"], b"").expect(1);
    assert_eq!(crashed.json()["failure"]["kind"], "trap");
    assert!(crashed.err.contains("the plugin crashed"), "{}", crashed.err);
}

#[test]
fn what_does_not_fit_is_told() {
    let bench = bench();
    let told = |arguments: &[&str], input: &[u8], code: i32, word: &str| {
        let ran = run(bench.path(), arguments, input).expect(code);
        assert!(ran.err.contains(word), "{arguments:?}: {}", ran.err);
    };
    told(&["k.wasm", "--world", "inbound"], ORDER, 1, "the plugin is outbound");
    told(&["k.wasm"], ORDER, 2, "--type");
    told(&["k.wasm", "--type", "order.placed"], b"[1]", 1, "JSON object");
    told(&["k.wasm", "--type", "order.placed", "--hook", "x"], ORDER, 2, "inbound");
    told(&["k.wasm", "--type", "order.placed", "--settings", "[]"], ORDER, 2, "--settings");
    told(&["k.wasm", "--type", "order.placed", "--settings", "@none"], ORDER, 1, "none");
    told(&["k.wasm", "none.json", "--type", "order.placed"], ORDER, 1, "none.json");
    told(&["k.wasm", "--type", "order.placed"], &vec![b' '; 600 << 10], 1, "more than");
    told(&["k.wasm", "--deadline", "1h"], ORDER, 2, "at most 2s");
}
