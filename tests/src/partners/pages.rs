//! The pages of `examples/partners`, typed in as they stand there, against a real server.

use crate::harness::command::program;
use crate::harness::root;
use crate::harness::server::Server;
use hookwright_core::preset::{Preset, Status, all};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

fn text(name: &str) -> String {
    fs::read_to_string(root().join("examples").join("partners").join(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The commands of a section's blocks; one that goes over several lines is one.
fn commands(section: &str) -> Vec<String> {
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let joined: Vec<String> = blocks.map(|block| block.replace("\\\n", " ")).collect();
    joined.iter().flat_map(|block| block.lines()).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn run(server: &Server, directory: &Path, command: &str) -> String {
    let typed = command
        .replace("http://127.0.0.1:8080", server.public.base())
        .replace("hookwright ", &format!("{} ", program().display()));
    let output =
        Command::new("sh").args(["-ec", &typed]).current_dir(directory).env("A", server.admin.base()).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !out.contains("about:blank"), "{command}\n{out}\n{err}");
    out
}

fn type_in(server: &Server, directory: &Path, preset: &Preset) {
    let page = text(&format!("{}.md", preset.id));
    for section in page.split("\n## ") {
        let mut out = String::new();
        for command in commands(section).iter().filter(|command| !command.starts_with("A=")) {
            out = run(server, directory, command);
            if command.contains("--curl") || command.contains("curl -sS -i") {
                assert!(out.starts_with("HTTP/1.1 2"), "{command}\n{out}");
            }
        }
        if let Some(expected) = section.split("The answer holds `").nth(1) {
            let expected = expected.split("`.").next().unwrap();
            assert!(out.contains(expected), "{}: {expected}\n{out}", preset.id);
        }
    }
    let listed = run(server, directory, &format!("curl -sS \"$A/admin/messages?source={}\"", preset.id));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let rows = listed["data"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "a handshake of {} makes no message: {listed}", preset.id);
    let whole = run(server, directory, &format!("curl -sS $A/admin/messages/{}", rows[0]["id"].as_str().unwrap()));
    let whole: Value = serde_json::from_str(&whole).unwrap();
    let told = whole["authentication"].as_str().unwrap();
    assert!(page.contains(&format!("`authentication`, `{told}`")), "{}: {told}", preset.id);
    assert!(page.contains(&format!("Messages are **{told}**")), "{}: {told}", preset.id);
}

#[test]
fn every_page_s_commands_work_as_they_stand() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    for preset in all() {
        type_in(&server, directory.path(), preset);
    }
}

#[test]
fn every_preset_has_a_page_that_says_what_its_row_says() {
    let index = text("README.md");
    for preset in all() {
        let page = text(&format!("{}.md", preset.id));
        assert!(page.starts_with(&format!("# {}\n", preset.name)), "{}", preset.id);
        for line in preset.check.iter().chain(&preset.notes) {
            assert!(page.contains(&format!("- {line}\n")), "{}: {line}", preset.id);
        }
        assert!(page.contains(&preset.secret) && page.contains(&preset.dedupe), "{}", preset.id);
        let unverified = preset.status == Status::Unverified;
        assert_eq!(page.contains("**Unverified.**"), unverified, "{}", preset.id);
        let row = format!(
            "| [{}]({}.md) | `{}` | {} |",
            preset.name,
            preset.id,
            preset.id,
            if unverified { "unverified" } else { "confirmed" }
        );
        assert!(index.contains(&row), "{row}");
        for handshake in &preset.handshakes {
            assert!(index.contains(&format!("`{}`", handshake.name)), "{}", preset.id);
        }
    }
    let pages = fs::read_dir(root().join("examples").join("partners")).unwrap().count();
    assert_eq!(pages, all().len() + 1, "a page of no preset");
}
