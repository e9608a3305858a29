//! `plugin build` where there is nothing to build, or nothing to build with.

use super::plugin;
use crate::harness::command::hookwright;
use crate::harness::root;
use std::fs;
use std::path::Path;

fn built(directory: &Path, path: &str) -> String {
    let output = hookwright(directory, ["plugin", "build", "."]).env("PATH", path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_missing_toolchain_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    for (language, program, advice) in [
        ("rust", "cargo", "https://rustup.rs"),
        ("js", "npm", "https://nodejs.org"),
        ("python", "python3", "https://www.python.org"),
    ] {
        plugin(directory.path(), &["new", language, "--world", "inbound", "--lang", language]).expect(0);
        let said = built(&directory.path().join(language), "/nonexistent");
        assert!(said.contains(&format!("{program} cannot be started")) && said.contains(advice), "{said}");
    }
}

#[test]
fn a_directory_without_a_plugin_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let said = |files: &[(&str, &str)]| {
        let place = tempfile::tempdir_in(directory.path()).unwrap();
        for (name, text) in files {
            fs::write(place.path().join(name), text).unwrap();
        }
        built(place.path(), &path)
    };
    assert!(said(&[]).contains("hookwright plugin new"));
    assert!(said(&[("package.json", "{}")]).contains("section \"hookwright\""));
    assert!(said(&[("package.json", "{")]).contains("package.json: EOF"));
    assert!(said(&[("package.json", r#"{"hookwright": {"world": "up"}}"#)]).contains("\"inbound\" or \"outbound\""));
    assert!(said(&[("package.json", r#"{"hookwright": {"wrold": "inbound"}}"#)]).contains("wrold"));
    assert!(said(&[("pyproject.toml", "[project]\nname = \"x\"\n")]).contains("[tool.hookwright]"));
    let option = "[project]\ndependencies = [\"--index-url=http://x\"]\n[tool.hookwright]\nworld = \"inbound\"\n";
    assert!(said(&[("pyproject.toml", option)]).contains("a list of requirements"));
    let both = [("package.json", r#"{"hookwright": {}}"#), ("pyproject.toml", "[tool.hookwright]\n")];
    assert!(said(&both).contains("both have a section"));
    let crate_without_code = "[package]\nname = \"x\"\nversion = \"1.0.0\"\n[workspace]\n";
    assert!(said(&[("Cargo.toml", crate_without_code)]).contains("no targets specified"));
}

#[test]
fn what_does_not_compile_is_told_in_the_compiler_s_words() {
    let directory = tempfile::tempdir().unwrap();
    plugin(directory.path(), &["new", "acme", "--world", "outbound", "--lang", "rust"]).expect(0);
    let place = directory.path().join("acme");
    fs::write(place.join("src/lib.rs"), "fn no() -> u32 { \"text\" }\n").unwrap();
    fs::copy(root().join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
    let mut command = hookwright(&place, ["plugin", "build", "."]);
    let output = command.env("CARGO_TARGET_DIR", root().join("target")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("mismatched types"), "{said}");
    assert!(!place.join("acme.wasm").exists());
}
