//! `plugin new`: every template builds, and its fixtures pass.

use super::{kept_place, plugin, tested};
use crate::harness::root;
use std::fs;

fn template(language: &str, world: &str) {
    let directory = tempfile::tempdir().unwrap();
    let name = format!("{language}-{world}");
    let made = plugin(directory.path(), &["new", &name, "--world", world, "--lang", language]).expect(0);
    for next in ["plugin test", "plugin run", "plugin push"] {
        assert!(made.out.contains(next), "{}", made.out);
        let readme = fs::read_to_string(directory.path().join(&name).join("README.md")).unwrap();
        assert!(readme.contains(next), "{readme}");
    }
    let place = kept_place(&name, &directory.path().join(&name));
    if language == "rust" {
        // The same releases as in the checkout, so that nothing new is fetched.
        fs::copy(root().join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
    }
    let Some(report) = tested(&place) else { return };
    assert_eq!((&report["passed"], &report["failed"]), (&3.into(), &0.into()), "{report}");
    assert!(place.join(".gitignore").is_file());
}

#[test]
fn the_templates_in_rust_build_and_pass() {
    template("rust", "inbound");
    template("rust", "outbound");
}

#[test]
fn the_templates_in_javascript_build_and_pass() {
    template("js", "inbound");
    template("js", "outbound");
}

#[test]
fn the_template_in_python_for_inbound_builds_and_passes() {
    template("python", "inbound");
}

#[test]
fn the_template_in_python_for_outbound_builds_and_passes() {
    template("python", "outbound");
}

#[test]
fn what_is_there_is_not_written_over_and_names_are_slugs() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let new = |name: &str, rest: &[&str]| {
        let arguments: Vec<&str> = ["new", name].iter().chain(rest).copied().collect();
        plugin(place, &arguments)
    };
    let flags = ["--world", "inbound", "--lang", "js"];
    let made = new("acme", &[&flags[..], &["--json"]].concat()).expect(0).json();
    assert!(made["files"].as_array().unwrap().iter().any(|file| file == "plugin.js"), "{made}");
    fs::write(place.join("acme/plugin.js"), "mine").unwrap();
    let refused = new("acme", &flags).expect(1);
    assert!(refused.err.contains("acme is not empty") && refused.err.contains("--path"), "{}", refused.err);
    assert_eq!(fs::read_to_string(place.join("acme/plugin.js")).unwrap(), "mine");
    fs::create_dir(place.join("empty")).unwrap();
    new("acme", &[&flags[..], &["--path", "empty"]].concat()).expect(0);

    for name in ["Acme", "ac me", "../acme", "-acme", "1acme", ""] {
        assert!(new("x", &[]).code == 2 && new(name, &flags).code == 2, "{name}");
    }
    let cobol = new("other", &["--world", "inbound", "--lang", "cobol"]).expect(2);
    assert!(cobol.err.contains("rust, js, python"), "{}", cobol.err);
    new("other", &["--world", "sideways", "--lang", "js"]).expect(2);
    new("other", &[&flags[..], &["--sdk", "."]].concat()).expect(2);
    let no_sdk = new("other", &["--world", "inbound", "--lang", "rust", "--sdk", "."]).expect(1);
    assert!(no_sdk.err.contains("plugins/sdk"), "{}", no_sdk.err);
    assert!(!place.join("other").exists());
}
