//! `plugin bench`, `plugin inspect` and `plugin pack`.

use super::{bench, plugin};
use serde_json::json;
use std::fs;

#[test]
fn a_plugin_is_measured() {
    let bench = bench();
    let arguments = ["bench", "k.wasm", "--fixture", "order-placed", "--seconds", "200ms", "--threads", "2"];
    let measured = plugin(bench.path(), &[&arguments[..], &["--json"]].concat()).expect(0).json();
    let fresh = &measured[0]["fresh"];
    assert!(fresh["calls"].as_u64().unwrap() > 10 && fresh["calls_per_second"].as_f64().unwrap() > 1.0, "{measured}");
    assert!(fresh["p50_ms"].as_f64().unwrap() <= fresh["p99_ms"].as_f64().unwrap(), "{measured}");
    let table = plugin(bench.path(), &["bench", "k.wasm", "k.wasm", "--seconds", "100ms"]).expect(0);
    assert_eq!(table.out.lines().count(), 3, "{}", table.out);
    let unknown = plugin(bench.path(), &["bench", "k.wasm", "--fixture", "nothing"]).expect(1);
    assert!(unknown.err.contains("there is no fixture nothing") && unknown.err.contains("order-placed"));
    plugin(bench.path(), &["bench", "k.wasm", "--seconds", "0"]).expect(2);
    plugin(bench.path(), &["bench"]).expect(2);
}

#[test]
fn a_component_is_shown_and_packed_anew() {
    let bench = bench();
    let shown = plugin(bench.path(), &["inspect", "k.wasm", "--json"]).expect(0).json();
    assert_eq!((&shown["world"], &shown["contract"]), (&json!("outbound"), &json!("0.1.0")));
    assert_eq!((&shown["name"], shown["fixtures"].as_array().unwrap().len()), (&json!("klaviyo-profile"), 9));
    assert_eq!(shown["imports"], json!(["hookwright:plugin/log@0.1.0", "hookwright:plugin/call@0.1.0"]));
    assert!(shown["compile_ms"].as_f64().unwrap() > 0.0, "{shown}");
    assert!(shown["compiled_bytes"].as_u64() > shown["size_bytes"].as_u64(), "{shown}");
    let text = plugin(bench.path(), &["inspect", "k.wasm"]).expect(0);
    assert!(text.out.contains(shown["digest"].as_str().unwrap()), "{}", text.out);

    for file in fs::read_dir(bench.path().join("fixtures")).unwrap().skip(1) {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let metadata = ["--name", "other", "--version", "2.0.0", "--description", "Ünlike"];
    let arguments =
        [&["pack", "k.wasm", "--fixtures", "fixtures", "-o", "other.wasm", "--json"], &metadata[..]].concat();
    let packed = plugin(bench.path(), &arguments).expect(0).json();
    assert_eq!(packed["fixtures"], 1);
    let other = plugin(bench.path(), &["inspect", "other.wasm", "--json"]).expect(0).json();
    assert_eq!(
        (&other["name"], &other["version"], &other["description"]),
        (&json!("other"), &json!("2.0.0"), &json!("Ünlike"))
    );
    assert_eq!((&other["digest"], other["fixtures"].as_array().unwrap().len()), (&packed["digest"], 1));
    // What is not said stays as it was.
    plugin(bench.path(), &["pack", "other.wasm", "--version", "3.0.0"]).expect(0);
    let third = plugin(bench.path(), &["inspect", "other.wasm", "--json"]).expect(0).json();
    assert_eq!(
        (&third["name"], &third["version"], &third["fixtures"]),
        (&json!("other"), &json!("3.0.0"), &other["fixtures"])
    );
}
