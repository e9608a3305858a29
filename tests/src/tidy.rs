//! The house keeps its order: what lies where, who may use whom, and how large things get.

use crate::harness::root;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a visitor sees.
const TOP: [&str; 11] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "examples",
    "gateway",
    "plugins",
    "sqlx-data",
    "tests",
    "wit",
];

/// Who may use whom; arrows run downward only.
const ARROWS: &[(&str, &[&str])] = &[
    ("hookwright-core", &[]),
    ("hookwright-store", &["hookwright-core"]),
    ("hookwright-sqlite", &["hookwright-core", "hookwright-store"]),
    ("hookwright-postgres", &["hookwright-core", "hookwright-store"]),
    ("hookwright-plugin-host", &["hookwright-core"]),
    (
        "hookwright",
        // Of the kit, the format of HL7 alone: acknowledgements are the gateway's.
        &[
            "hookwright-core",
            "hookwright-plugin-host",
            "hookwright-plugin-sdk",
            "hookwright-postgres",
            "hookwright-sqlite",
            "hookwright-store",
        ],
    ),
    ("hookwright-plugin-sdk", &[]),
    ("emr-video-call", &["hookwright-plugin-sdk"]),
    ("hl7v2", &["hookwright-plugin-sdk"]),
    ("ccda", &["hookwright-plugin-sdk"]),
    ("fhir", &["hookwright-plugin-sdk"]),
    ("json-fields", &["hookwright-plugin-sdk"]),
    ("klaviyo-profile", &["hookwright-plugin-sdk"]),
    ("order-notice", &["hookwright-plugin-sdk"]),
    ("redox", &["hookwright-plugin-sdk"]),
    ("hookwright-test-postgres", &[]),
    ("unruly-plugin", &["hookwright-plugin-sdk"]),
    (
        "hookwright-tests",
        &["hookwright", "hookwright-core", "hookwright-plugin-host", "hookwright-store", "hookwright-test-postgres"],
    ),
];

/// What is measured against: the host's measurements run the plugins' own code, compiled to native.
const MEASURED: (&str, [&str; 4]) =
    ("hookwright-plugin-host", ["emr-video-call", "hl7v2", "hookwright-plugin-sdk", "klaviyo-profile"]);

/// What tests of every crate may use: servers to run against.
const SERVERS: &str = "hookwright-test-postgres";

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 7] =
    ["util.rs", "utils.rs", "helper.rs", "helpers.rs", "common.rs", "types.rs", "manager.rs"];

const LINES_MAX: usize = 500;

fn files(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && name != "node_modules" && !name.starts_with('.') {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in ["examples", "gateway", "plugins", "tests"] {
        files(&root().join(directory), "rs", &mut found);
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn the_top_level_shows_what_was_agreed() {
    let found: BTreeSet<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        // What building and running leave behind is in .gitignore.
        .filter(|name| {
            name != "target" && !name.contains(".db") && name != "hookwright.key" && name != "hookwright.plugins"
        })
        .collect();
    assert_eq!(found, TOP.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, known, "every crate has its place in the table of arrows");
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let allowed = ARROWS.iter().find(|(known, _)| *known == name).unwrap().1;
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let measured = dependency["kind"] == "dev" && name == MEASURED.0 && MEASURED.1.contains(&used);
            let tested = dependency["kind"] == "dev" && used == SERVERS;
            assert!(
                !ours.contains(used) || allowed.contains(&used) || measured || tested,
                "{name} must not use {used}"
            );
        }
    }
}

#[test]
fn every_crate_has_the_workspace_s_lints() {
    for package in packages() {
        let manifest = fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        let workspace = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(workspace.and_then(toml::Value::as_bool), Some(true), "{}", package["name"]);
    }
}

#[test]
fn files_are_small_and_named_for_what_is_in_them() {
    for path in sources() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!EMPTY_NAMES.contains(&name.as_str()), "{} says nothing of what is inside", path.display());
        assert_ne!(name, "mod.rs", "{}: a module's file stands beside its folder", path.display());
        let text = fs::read_to_string(&path).unwrap();
        let is_test = name == "tests.rs" || path.components().any(|part| part.as_os_str() == "tests");
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().count();
        assert!(is_test || lines <= LINES_MAX, "{} has {lines} lines", path.display());
        assert!(text.starts_with("//!") || is_test, "{} does not say what it answers for", path.display());
    }
}

#[test]
fn nothing_is_silenced() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let this = path.ends_with("tests/src/tidy.rs");
        for word in ["#[allow(", "#![allow(", "todo!(", "unimplemented!("] {
            assert!(this || !text.contains(word), "{} contains {word}", path.display());
        }
    }
}
