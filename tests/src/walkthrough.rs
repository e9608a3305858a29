//! The walkthrough's commands, typed in as they stand there, against a real server.

use crate::harness::command::program;
use crate::harness::root;
use crate::harness::server::Server;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Every command of the shell's blocks; one that goes over several lines is one.
fn commands() -> Vec<String> {
    let text = fs::read_to_string(root().join("examples").join("walkthrough.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let joined: Vec<String> = blocks.map(|block| block.replace("\\\n", " ")).collect();
    joined.iter().flat_map(|block| block.lines()).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_walkthrough_s_commands_work_as_they_stand() {
    let directory = tempfile::tempdir().unwrap();
    // The plugins are named relative to the checkout, and nothing is to be written there.
    std::os::unix::fs::symlink(root().join("plugins"), directory.path().join("plugins")).unwrap();
    let server = Server::start(directory.path());
    let mut variables = BTreeMap::from([("A", server.admin.base().to_owned())]);
    variables.insert("HOOKWRIGHT_URL", server.admin.base().to_owned());
    let (mut posted, mut ran) = (Vec::new(), 0);
    for command in commands() {
        let elsewhere =
            ["cargo build", "alias ", "hookwright serve", "hookwright sink", "A=", "EMR_SECRET=", "MY_SECRET="];
        if elsewhere.iter().any(|start| command.starts_with(start)) {
            continue;
        }
        let command = command
            .replace("http://127.0.0.1:8080", server.public.base())
            .replace("hookwright ", &format!("{} ", program().display()));
        let output =
            Command::new("sh").args(["-ec", &command]).current_dir(directory.path()).envs(&variables).output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !out.contains("about:blank"), "{command}\n{out}\n{err}");
        ran += 1;
        let secret = || {
            let made: serde_json::Value = serde_json::from_str(&out).unwrap();
            made["secret"].as_str().unwrap().to_owned()
        };
        if command.contains("/admin/sources") {
            variables.insert("EMR_SECRET", secret());
        } else if command.contains("/admin/subscriptions") {
            variables.insert("MY_SECRET", secret());
        } else if command.contains("--curl") {
            posted.push(out);
        } else if command.contains("/admin/establishments") {
            assert!(out.contains(r#""region":"US-TX""#), "{out}");
        }
    }
    assert!(ran >= 10, "the walkthrough has more commands than {ran}");
    assert!(posted.len() == 1 && posted[0].starts_with("HTTP/1.1 200"), "{posted:?}");
}
