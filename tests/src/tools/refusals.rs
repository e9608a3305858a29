//! Files that are no plugins, for every command that takes one.

use super::{bench, plugin};
use std::fs;

#[test]
fn what_is_no_plugin_is_told_by_every_command() {
    let bench = bench();
    fs::write(bench.path().join("text.wasm"), "nonsense").unwrap();
    fs::write(bench.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let whole = fs::read(bench.path().join("k.wasm")).unwrap();
    fs::write(bench.path().join("half.wasm"), &whole[..whole.len() / 2]).unwrap();
    fs::write(bench.path().join("empty.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    for (file, word) in [
        ("missing.wasm", "cannot read missing.wasm"),
        ("text.wasm", "not WebAssembly"),
        ("core.wasm", "core WebAssembly module"),
        ("half.wasm", "ends in the middle"),
        ("empty.wasm", "exports nothing"),
    ] {
        for command in ["inspect", "test", "bench", "run", "pack"] {
            let rest: &[&str] = if command == "run" { &["--type", "x"] } else { &[] };
            let arguments: Vec<&str> = [command, file].iter().chain(rest).copied().collect();
            let refused = plugin(bench.path(), &arguments).expect(1);
            assert!(refused.err.contains(word), "{command} {file}: {}", refused.err);
            assert!(refused.out.is_empty(), "{command} {file}: {}", refused.out);
        }
    }
}

#[test]
fn fixtures_of_the_other_world_are_not_packed() {
    let bench = bench();
    let fixture = r#"{"world": "inbound", "input": {}, "expected": {"ignored": {"reason": "x"}}}"#;
    fs::write(bench.path().join("fixtures/stray.json"), fixture).unwrap();
    let before = fs::read(bench.path().join("k.wasm")).unwrap();
    let refused = plugin(bench.path(), &["pack", "k.wasm", "--fixtures", "fixtures"]).expect(1);
    assert!(refused.err.contains("stray") && refused.err.contains("world inbound"), "{}", refused.err);
    assert_eq!(fs::read(bench.path().join("k.wasm")).unwrap(), before);
    plugin(bench.path(), &["pack", "k.wasm", "--fixtures", "nowhere"]).expect(1);
}
