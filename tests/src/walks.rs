//! The walks of the integrator and the operator, typed in as they stand, each in one shell against a real server.

use crate::clients::installed;
use crate::harness::command::program;
use crate::harness::guests;
use crate::harness::root;
use crate::harness::server::Server;
use hookwright_test_postgres::free_port;
use std::fs;
use std::process::Command;

/// What the shell's blocks say, but for what the test does in its own way: starting the server, and saying where it is.
fn script(walk: &str) -> String {
    let text = fs::read_to_string(root().join("examples").join(walk)).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines =
        blocks.flat_map(str::lines).filter(|line| !line.starts_with("hookwright serve") && !line.starts_with("A="));
    // A line that is meant to fail stops the shell if it does not.
    let meant = lines.map(|line| match line.strip_prefix("! ") {
        Some(command) => format!("if {command}; then echo 'this was meant to fail: {}'; exit 9; fi", quiet(command)),
        None => line.to_owned(),
    });
    meant.collect::<Vec<_>>().join("\n")
}

fn quiet(command: &str) -> String {
    command.replace('\'', "")
}

fn walk(name: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    let mut commands = script(name).replace("http://127.0.0.1:8080", server.public.base());
    if commands.contains("plugins/fhir") {
        // Built once for all tests.
        let fhir = directory.path().join("fhir.wasm");
        fs::write(&fhir, guests::fhir()).unwrap();
        commands = commands.replace("plugins/fhir", &fhir.display().to_string());
    }
    if commands.contains("9100") {
        commands = commands.replace("9100", &free_port().to_string());
    }
    let script =
        format!("set -e\nhookwright() {{ {} \"$@\"; }}\nA={}\n{commands}\n", program().display(), server.admin.base());
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(directory.path())
        .env("HOOKWRIGHT_URL", server.admin.base())
        // One place for all that is compiled here, so that it is compiled once.
        .env("CARGO_TARGET_DIR", root().join("target").join("walks"))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {:?}\n{out}\n{err}", output.status);
    format!("{out}\n{err}")
}

#[test]
fn the_integrator_s_walk_goes_from_an_empty_folder_to_a_live_plugin() {
    let said = walk("integrator.md");
    assert!(said.contains("fixtures") && said.contains("/person"), "{said}");
}

#[test]
fn the_operator_s_walk_survives_a_bad_version_and_a_worse_one() {
    let said = walk("operator.md");
    assert!(said.contains("force"), "the way around a quarantine is told: {said}");
}

#[test]
fn the_walk_of_a_partner_that_only_names_things_asks_it_and_waits_for_it() {
    if !installed("Python, which plays the partner,", Command::new("python3").arg("--version")) {
        return;
    }
    let said = walk("fetching.md");
    assert!(said.contains("\"status\":\"fetching\"") && said.contains("US-TX"), "{said}");
}
