//! Files that are no plugins: each is refused with its own reason, which says what to do.

use hookwright_plugin_host::{CallFailure, HostConfig, LoadError, PluginHost, World};

use crate::guest::{BUMP, OUTBOUND, component, foreign_component, host, outbound, parse, skipping};

fn refused(bytes: &[u8]) -> LoadError {
    host().compile(bytes).expect_err("the file should have been refused")
}

/// A module with memory and these imports and functions.
fn module(imports: &str, functions: &str) -> String {
    format!(
        r#"(module {imports}
            (memory (export "memory") 16)
            (global $next (mut i32) (i32.const 1024))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {BUMP})
            {functions})"#
    )
}

const TRANSFORM: &str =
    r#"(func (export "hookwright:plugin/dispatch@0.1.0#transform") (param i32) (result i32) (i32.const 0))"#;

#[test]
fn versions_are_known_by_their_content() {
    let bytes = outbound(&skipping(512, 4));
    let version = host().compile(&bytes).unwrap();
    assert_eq!((version.world(), version.contract()), (World::Outbound, "0.1.0"));
    assert_eq!(version.size_bytes(), bytes.len());
    assert_eq!(version.digest().to_string().len(), 64);
    assert_ne!(version.digest(), host().compile(&outbound(&skipping(512, 3))).unwrap().digest());
}

#[test]
fn what_is_no_component_is_refused() {
    assert_eq!(refused(b"#!/bin/sh"), LoadError::NotWasm);
    assert_eq!(refused(&wat::parse_str("(module)").unwrap()), LoadError::CoreModule);
    let mut damaged = outbound(&skipping(512, 4));
    let middle = damaged.len() / 2;
    damaged[middle..middle + 16].fill(0xff);
    assert!(matches!(refused(&damaged), LoadError::Invalid { .. } | LoadError::Truncated { .. }));
}

#[test]
fn truncation_is_noticed_wherever_it_is() {
    let whole = outbound(&skipping(512, 4));
    let host = host();
    for kept in (8..whole.len()).step_by(97) {
        let error = host.compile(&whole[..kept]).expect_err("part of a component was taken for one");
        // A cut between two sections leaves a valid component, of which the exports are missing.
        assert!(matches!(error, LoadError::Truncated { .. } | LoadError::WrongWorld { .. }), "{kept}: {error}");
    }
}

#[test]
fn size_is_bounded() {
    let bytes = outbound(&skipping(512, 4));
    let config = HostConfig { component_bytes_max: bytes.len() - 1, ..HostConfig::default() };
    let error = PluginHost::start(config).unwrap().compile(&bytes).unwrap_err();
    assert_eq!(error, LoadError::TooLarge { size: bytes.len(), limit: bytes.len() - 1 });
}

#[test]
fn other_worlds_are_refused_with_what_they_export() {
    let world = "package test:guest; interface other { run: func(); } world guest { export other; }";
    let bytes = component(world, &[], &module("", r#"(func (export "test:guest/other#run"))"#));
    assert_eq!(refused(&bytes), LoadError::WrongWorld { exports: "test:guest/other".to_owned() });
}

#[test]
fn imports_outside_the_contract_are_refused_by_name() {
    let wasi = "package wasi:sockets@0.2.0; interface tcp { connect: func() -> u32; }";
    let world = "package test:guest;
        world guest { import wasi:sockets/tcp@0.2.0; export hookwright:plugin/dispatch@0.1.0; }";
    let import = r#"(import "wasi:sockets/tcp@0.2.0" "connect" (func (result i32)))"#;
    let error = refused(&component(world, &[wasi], &module(import, TRANSFORM)));
    assert_eq!(error, LoadError::ForbiddenImport { name: "wasi:sockets/tcp@0.2.0".to_owned() });
    assert!(error.to_string().contains("wasi:sockets/tcp@0.2.0"));
}

#[test]
fn other_contracts_are_refused_with_both_versions() {
    let later = "package hookwright:plugin@0.2.0; interface dispatch { transform: func() -> u32; }";
    let world = "package test:guest; world guest { export hookwright:plugin/dispatch@0.2.0; }";
    let export = r#"(func (export "hookwright:plugin/dispatch@0.2.0#transform") (result i32) (i32.const 0))"#;
    let error = refused(&foreign_component(world, &[later], &module("", export)));
    assert_eq!(error, LoadError::WrongContract { found: "0.2.0".to_owned() });
    assert!(error.to_string().contains("0.1.0"));
}

#[test]
fn imports_of_a_later_version_are_refused_with_that_version() {
    let later = "package hookwright:plugin@0.1.4; interface clock { now: func() -> u32; }";
    let world = "package test:guest;
        world guest { import hookwright:plugin/clock@0.1.4; export hookwright:plugin/dispatch@0.1.0; }";
    let import = r#"(import "hookwright:plugin/clock@0.1.4" "now" (func (result i32)))"#;
    let error = refused(&component(world, &[later], &module(import, TRANSFORM)));
    assert_eq!(error, LoadError::WrongContract { found: "0.1.4".to_owned() });
}

#[test]
fn the_right_name_with_other_types_is_refused() {
    let other = "package hookwright:plugin@0.1.0; interface dispatch { transform: func() -> u32; }";
    let world = "package test:guest; world guest { export hookwright:plugin/dispatch@0.1.0; }";
    let export = r#"(func (export "hookwright:plugin/dispatch@0.1.0#transform") (result i32) (i32.const 0))"#;
    let error = refused(&foreign_component(world, &[other], &module("", export)));
    assert!(matches!(error, LoadError::WrongShape { .. }), "{error}");
}

#[test]
fn a_component_that_fails_as_it_starts_is_refused() {
    for start in
        ["(unreachable)", "(loop $again (br $again))", "(loop $again (drop (memory.grow (i32.const 16))) (br $again))"]
    {
        let functions = format!("{TRANSFORM} (func $start {start}) (start $start)");
        let error = refused(&component(OUTBOUND, &[], &module("", &functions)));
        assert!(matches!(error, LoadError::Start { .. }), "{start}: {error}");
    }
}

#[test]
fn both_directions_in_one_component_are_refused() {
    let world = "package test:guest; world guest {
        include hookwright:plugin/outbound@0.1.0; include hookwright:plugin/inbound@0.1.0; }";
    let more = r#"(func (export "hookwright:plugin/intake@0.1.0#parse") (param i32) (result i32) (i32.const 0))
        (func (export "hookwright:plugin/intake@0.1.0#resume") (param i32) (result i32) (i32.const 0))"#;
    let error = refused(&component(world, &[], &module("", &format!("{TRANSFORM} {more}"))));
    assert_eq!(error, LoadError::WrongWorld { exports: "both intake and dispatch".to_owned() });
}

#[test]
fn the_contract_is_what_test_guests_are_built_for() {
    assert!(component(OUTBOUND, &[], &module("", TRANSFORM)).starts_with(b"\0asm\x0d"));
}

#[tokio::test]
async fn calls_of_the_other_direction_are_refused() {
    let host = host();
    let version = host.compile(&outbound(&skipping(512, 4))).unwrap();
    let called = parse(&host, &version, "{}").await;
    let expected = CallFailure::WrongWorld { expected: World::Inbound, found: World::Outbound };
    assert_eq!(called.result, Err(expected));
}

/// The component with another custom section at its end.
fn with_section(component: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = component.to_vec();
    let mut content = vec![u8::try_from(name.len()).unwrap()];
    content.extend(name.as_bytes());
    content.extend(data);
    bytes.push(0);
    let mut len = content.len();
    while len >= 0x80 {
        bytes.push(u8::try_from(len & 0x7f).unwrap() | 0x80);
        len >>= 7;
    }
    bytes.push(u8::try_from(len).unwrap());
    bytes.extend(content);
    bytes
}

#[test]
fn an_empty_file_is_refused() {
    assert_eq!(refused(b""), LoadError::NotWasm);
}

#[test]
fn neither_hash_nor_parser_sees_a_file_that_is_too_large() {
    // A gigabyte of address space; nobody touches its pages, or this test would take seconds.
    let huge = vec![0_u8; 1 << 30];
    let started = tokio::time::Instant::now();
    let error = refused(&huge);
    assert_eq!(error, LoadError::TooLarge { size: 1 << 30, limit: 32 << 20 });
    assert!(error.to_string().contains("release mode"), "{error}");
    assert!(started.elapsed() < std::time::Duration::from_millis(500), "{:?}", started.elapsed());
}

#[test]
fn metadata_that_cannot_be_shown_is_refused() {
    let sound = outbound(&skipping(512, 4));
    let named = |name: &[u8]| {
        let mut data = vec![0, u8::try_from(name.len() + 1).unwrap(), u8::try_from(name.len()).unwrap()];
        data.extend(name);
        with_section(&sound, "component-name", &data)
    };
    for (component, field, word) in [
        (with_section(&sound, "version", b"1.\xff"), "version", "not UTF-8"),
        (with_section(&sound, "version", b"1.\x1b[2J"), "version", "control characters"),
        (with_section(&sound, "version", &[b'1'; 129]), "version", "more than 128"),
        (with_section(&sound, "description", b"\x07"), "description", "control characters"),
        (with_section(&sound, "description", &[b'd'; 1025]), "description", "more than 1024"),
        (named(b"na\xffme"), "name", "not UTF-8"),
        (named(b"na\0me"), "name", "control characters"),
    ] {
        let error = refused(&component);
        assert_eq!(error.kind(), "bad_metadata", "{error}");
        assert!(error.to_string().contains(field) && error.to_string().contains(word), "{error}");
    }
    let version = host().compile(&with_section(&named(b"plain"), "description", b"two\nlines")).unwrap();
    let metadata = version.metadata();
    assert_eq!((metadata.name.as_deref(), metadata.description.as_deref()), (Some("plain"), Some("two\nlines")));
}

#[test]
fn fixtures_that_cannot_be_read_are_refused() {
    let sound = outbound(&skipping(512, 4));
    let section = |data: &str| with_section(&sound, "hookwright:fixtures", data.as_bytes());
    let skip = |name: &str| {
        format!(
            r#"{{"name":"{name}","world":"outbound","input":{{"event":{{"type":"a.b","data":{{}}}}}},"expected":{{"skip":{{"reason":"POST"}}}}}}"#
        )
    };
    let inbound = r#"{"name":"stray","world":"inbound","input":{"body":{}},"expected":{"failure":{"kind":"trap"}}}"#;
    for (component, word) in [
        (section("not json"), "expected"),
        (section("{}"), "expected"),
        (section(r#"[{"name":"one"}]"#), "missing field"),
        (section(&format!("[{},{}]", skip("one"), skip("one"))), "used twice"),
        (section(&format!("[{inbound}]")), "world inbound"),
        (with_section(&section("[]"), "hookwright:fixtures", b"[]"), "two sections"),
        (with_section(&sound, "hookwright:fixtures", b"[\xff]"), "expected"),
    ] {
        let error = refused(&component);
        assert_eq!(error.kind(), "bad_fixtures", "{error}");
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    let version = host().compile(&section(&format!("[{}]", skip("one")))).unwrap();
    assert_eq!(version.fixtures().len(), 1);
}

#[test]
fn imports_of_other_packages_are_refused_by_name() {
    for (package, import) in [
        (
            "package wasi:http@0.2.0; interface outgoing-handler { run: func() -> u32; }",
            "wasi:http/outgoing-handler@0.2.0",
        ),
        (
            "package wasi:clocks@0.3.0; interface monotonic-clock { run: func() -> u32; }",
            "wasi:clocks/monotonic-clock@0.3.0",
        ),
        ("package someone:thing; interface other { run: func() -> u32; }", "someone:thing/other"),
    ] {
        let world =
            format!("package test:guest; world guest {{ import {import}; export hookwright:plugin/dispatch@0.1.0; }}");
        let import_of_module = format!(r#"(import "{import}" "run" (func (result i32)))"#);
        let error = refused(&component(&world, &[package], &module(&import_of_module, TRANSFORM)));
        assert_eq!(error, LoadError::ForbiddenImport { name: import.to_owned() });
        assert!(error.to_string().contains("leave out what needs it"), "{error}");
    }
}

#[test]
fn an_older_contract_is_refused_with_both_versions() {
    let older = "package hookwright:plugin@0.0.9; interface dispatch { transform: func() -> u32; }";
    let world = "package test:guest; world guest { export hookwright:plugin/dispatch@0.0.9; }";
    let export = r#"(func (export "hookwright:plugin/dispatch@0.0.9#transform") (result i32) (i32.const 0))"#;
    let error = refused(&foreign_component(world, &[older], &module("", export)));
    assert_eq!(error, LoadError::WrongContract { found: "0.0.9".to_owned() });
    assert!(error.to_string().contains("0.1.0") && error.to_string().contains("build it against"), "{error}");
}

#[test]
fn components_may_be_loaded_on_many_threads_at_once() {
    let host = host();
    let components: Vec<Vec<u8>> = (0..32).map(|len| outbound(&skipping(512 + len, 1))).collect();
    std::thread::scope(|scope| {
        let loads: Vec<_> =
            components.iter().map(|it| scope.spawn(|| host.compile(it).map(|it| it.digest()))).collect();
        for load in loads {
            load.join().unwrap().unwrap();
        }
    });
}
