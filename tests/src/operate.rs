//! Plugins as operators run them: through the command, as a process, and a running gateway.

mod canary;
mod moves;
mod quarantine;
mod record;
mod requests;
mod trial;
mod trouble;

use crate::harness::command::{Ran, run};
use crate::harness::{Gateway, eventually, guests};
use hookwright::client::Answer;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;

/// A component that does what another one does, and has another digest.
fn version(component: &[u8], tag: &str) -> Vec<u8> {
    let name = b"tag";
    let size = u8::try_from(1 + name.len() + tag.len()).unwrap();
    assert!(size < 0x80, "the size of the section is one byte");
    let head = [0, size, u8::try_from(name.len()).unwrap()];
    [component, &head, name, tag.as_bytes()].concat()
}

/// `hookwright plugin …` on this gateway.
fn plugin(gateway: &Gateway, arguments: &[&str]) -> Ran {
    let all: Vec<&str> = ["plugin"].iter().chain(arguments).copied().collect();
    run(gateway.directory(), all.into_iter().chain(["--url", gateway.admin.base()]))
}

/// The same, with a key.
fn plugin_as(gateway: &Gateway, key: &str, arguments: &[&str]) -> Ran {
    let all: Vec<&str> = arguments.iter().copied().chain(["--api-key", key]).collect();
    plugin(gateway, &all)
}

/// Pushes by the command, and gives the digest.
fn push(gateway: &Gateway, name: &str, component: &[u8]) -> String {
    let file = gateway.directory().join("pushed.wasm");
    fs::write(&file, component).unwrap();
    let ran = plugin(gateway, &["push", name, file.to_str().unwrap(), "--json"]).expect(0);
    ran.json()["active"].as_str().unwrap().to_owned()
}

/// Has a version kept by the command, and gives the digest.
fn keep(gateway: &Gateway, name: &str, component: &[u8]) -> String {
    let file = gateway.directory().join("kept.wasm");
    fs::write(&file, component).unwrap();
    let ran = plugin(gateway, &["push", name, file.to_str().unwrap(), "--keep"]).expect(0);
    let digest = ran.out.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(ran.out.starts_with(&format!("{name} keeps version ")) && digest.len() == 64, "{}", ran.out);
    digest
}

/// A gateway whose plugin `emr` serves the first of two versions.
async fn two_versions() -> (Gateway, [String; 2]) {
    let gateway = Gateway::builder().without_plugins().start().await;
    let first = push(&gateway, "emr", guests::emr_video_call());
    let second = keep(&gateway, "emr", &version(guests::emr_video_call(), "second"));
    assert_eq!(gateway.read("/admin/plugins/emr").await["active"], first.as_str());
    (gateway, [first, second])
}

/// A gateway whose plugin `lab` crashed until its version came into quarantine: the good version before it serves, and the messages that it crashed on are still there.
async fn quarantined() -> (Gateway, [String; 2]) {
    let gateway = Gateway::builder().without_plugins().start().await;
    let good = push(&gateway, "lab", guests::emr_video_call());
    plugin(&gateway, &["set", "lab", "--reprocess", "false"]).expect(0);
    let bad = push(&gateway, "lab", guests::unruly());
    gateway.source_open("open", json!({ "verification": { "type": "none" }, "plugin": "lab" })).await;
    for number in 0..5 {
        let answer =
            gateway.public.send(Method::POST, "/webhooks/open/trap", &[], format!("Ada {number}")).await.unwrap();
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json());
    }
    let path = format!("/admin/plugins/lab/versions/{bad}");
    eventually("the version is in quarantine", async || {
        gateway.read(&path).await["quarantine"].is_object().then_some(())
    })
    .await;
    (gateway, [good, bad])
}

/// A key with these scopes, made with the first one's right.
async fn key(gateway: &Gateway, admin: Option<&str>, scopes: &[&str]) -> String {
    let client = match admin {
        Some(key) => gateway.admin.clone().with_key(key).unwrap(),
        None => gateway.admin.clone(),
    };
    let body = json!({ "name": "test", "scopes": scopes });
    let made = client.json(Method::POST, "/admin/keys", &body).await.unwrap();
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json());
    made.json()["key"].as_str().unwrap().to_owned()
}

/// Status and code of a problem.
fn problem(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

/// Panics unless the command failed and said all of this.
fn refused(ran: Ran, words: &[&str]) {
    let ran = ran.expect(1);
    for word in words {
        assert!(ran.err.contains(word), "{word} in {}", ran.err);
    }
}

/// The digests that served, the newest first.
async fn history(gateway: &Gateway, name: &str) -> Vec<String> {
    let rows = gateway.list(&format!("/admin/plugins/{name}/history")).await;
    rows.iter().map(|row: &Value| row["digest"].as_str().unwrap().to_owned()).collect()
}
