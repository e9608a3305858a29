//! `plugin test`: what passes, what fails and how that is shown, and `--update`.

use super::{bench, change, plugin};
use serde_json::json;
use std::fs;

#[test]
fn the_fixtures_that_a_component_carries_are_run() {
    let bench = bench();
    let passed = plugin(bench.path(), &["test", "k.wasm"]).expect(0);
    assert!(passed.out.contains("order-placed") && passed.out.contains("9 passed, 0 failed"), "{}", passed.out);
    let report = plugin(bench.path(), &["test", "k.wasm", "--fixtures", "fixtures", "--json"]).expect(0).json();
    assert_eq!((&report["passed"], &report["failed"]), (&json!(9), &json!(0)));
    let one = &report["fixtures"][0];
    assert!(one["duration_ms"].as_f64().unwrap() > 0.0 && one["memory_peak_bytes"].as_u64().unwrap() > 0, "{one}");
}

#[test]
fn a_failure_is_shown_and_update_makes_it_pass() {
    let bench = bench();
    let file = bench.path().join("fixtures/order-placed.json");
    let good = fs::read_to_string(&file).unwrap();
    change(&file, |fixture| {
        fixture["expected"]["send"]["body"]["data"]["attributes"]["properties"]["Value"] = json!(7);
    });
    let arguments = ["test", "k.wasm", "--fixtures", "fixtures"];
    let failed = plugin(bench.path(), &arguments).expect(1);
    for shown in [
        "FAILED  order-placed",
        "/send/body/data/attributes/properties/Value: expected 7, got 129.5",
        "-            \"Value\": 7",
        "+            \"Value\": 129.5",
        "8 passed, 1 failed",
    ] {
        assert!(failed.out.contains(shown), "{shown}\n{}", failed.out);
    }
    let report = plugin(bench.path(), &[&arguments[..], &["--json"]].concat()).expect(1).json();
    let fixture = report["fixtures"].as_array().unwrap().iter().find(|it| it["name"] == "order-placed").unwrap();
    assert_eq!(fixture["differences"][0]["expected"], 7);

    let updated = plugin(bench.path(), &[&arguments[..], &["--update"]].concat()).expect(0);
    assert!(updated.out.contains("updated order-placed") && updated.out.contains("1 updated"), "{}", updated.out);
    plugin(bench.path(), &arguments).expect(0);
    let (new, good): (serde_json::Value, serde_json::Value) =
        (serde_json::from_slice(&fs::read(&file).unwrap()).unwrap(), serde_json::from_str(&good).unwrap());
    assert_eq!(new, good);
    let once = fs::read_to_string(&file).unwrap();
    plugin(bench.path(), &[&arguments[..], &["--update"]].concat()).expect(0);
    assert_eq!(fs::read_to_string(&file).unwrap(), once, "what passes is not touched");
}

#[test]
fn a_crash_is_no_answer_that_update_would_write() {
    let bench = bench();
    let (component, fixtures) = (bench.path().join("u.wasm"), bench.path().join("crash"));
    fs::write(component, crate::harness::guests::unruly()).unwrap();
    fs::create_dir(&fixtures).unwrap();
    let fixture =
        json!({ "world": "inbound", "input": { "hook": "trap" }, "expected": { "refusal": { "code": "x" } } });
    fs::write(fixtures.join("trap.json"), fixture.to_string()).unwrap();
    let failed = plugin(bench.path(), &["test", "u.wasm", "--fixtures", "crash", "--update"]).expect(1);
    assert!(failed.out.contains("the plugin crashed"), "{}", failed.out);
    assert_eq!(fs::read_to_string(fixtures.join("trap.json")).unwrap(), fixture.to_string());
}

#[test]
fn nothing_to_test_and_broken_fixtures_are_failures() {
    let bench = bench();
    fs::create_dir(bench.path().join("none")).unwrap();
    let nothing = plugin(bench.path(), &["test", "k.wasm", "--fixtures", "none"]).expect(1);
    assert!(nothing.err.contains("NOTHING WAS TESTED"), "{}", nothing.err);
    let missing = plugin(bench.path(), &["test", "k.wasm", "--fixtures", "missing"]).expect(1);
    assert!(missing.err.contains("missing is no directory"), "{}", missing.err);
    let carried = plugin(bench.path(), &["test", "k.wasm", "--update"]).expect(2);
    assert!(carried.err.contains("--fixtures"), "{}", carried.err);

    fs::write(bench.path().join("none/torn.json"), "{\"world\": \"outbound\", ").unwrap();
    let torn = plugin(bench.path(), &["test", "k.wasm", "--fixtures", "none"]).expect(1);
    assert!(torn.err.contains("fixture torn") && torn.err.contains("line 1"), "{}", torn.err);
    fs::write(
        bench.path().join("none/torn.json"),
        r#"{"world": "inbound", "input": {}, "expected": {"ignored": {"reason": "x"}}}"#,
    )
    .unwrap();
    let other = plugin(bench.path(), &["test", "k.wasm", "--fixtures", "none"]).expect(1);
    assert!(other.out.contains("the plugin is outbound, and inbound was called for"), "{}", other.out);
}
