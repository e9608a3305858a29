//! Subscriptions as operators manage them by the command, as a process, and a running gateway.

use crate::harness::command::{Ran, run, run_on};
use crate::harness::{Gateway, Receiver};
use hookwright_core::secret::{Ed25519Public, SigningKey};
use serde_json::json;
use std::fs;

/// `hookwright subscriptions …` on this gateway.
fn subscriptions(gateway: &Gateway, arguments: &[&str]) -> Ran {
    run(gateway.directory(), with_url(gateway, arguments))
}

fn with_url<'a>(gateway: &'a Gateway, arguments: &[&'a str]) -> Vec<&'a str> {
    ["subscriptions"].iter().chain(arguments).copied().chain(["--url", gateway.admin.base()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_made_tested_paused_and_rekeyed() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let mut receiver = Receiver::start().await;
    let body = json!({ "name": "Mine", "url": receiver.url("/hook"), "events": ["order.*"] }).to_string();
    let file = gateway.directory().join("mine.json");
    fs::write(&file, &body).unwrap();
    let made = subscriptions(&gateway, &["create", "--file", file.to_str().unwrap(), "--reason", "a trial", "--json"]);
    let made = made.expect(0).json();
    let id = made["id"].as_str().unwrap();
    let audit = gateway.list("/admin/audit?limit=1").await;
    assert_eq!((&audit[0]["action"], &audit[0]["reason"]), (&json!("subscription.created"), &json!("a trial")));
    let second = run_on(gateway.directory(), with_url(&gateway, &["create"]), body.as_bytes()).expect(0);
    assert!(second.out.starts_with("whsec_") && second.out.contains("shown this once"), "{}", second.out);

    let listed = subscriptions(&gateway, &["list"]).expect(0);
    assert!(listed.out.contains(id) && listed.out.lines().count() == 3, "{}", listed.out);
    assert_eq!(subscriptions(&gateway, &["list", "--json"]).expect(0).json().as_array().map(Vec::len), Some(2));
    let shown = subscriptions(&gateway, &["get", id]).expect(0);
    assert!(shown.out.contains("POST http://127.0.0.1") && !shown.out.contains(made["secret"].as_str().unwrap()));

    let sent = subscriptions(&gateway, &["test", id]).expect(0);
    let delivered = receiver.next().await;
    assert!(sent.out.starts_with(delivered.header("webhook-id").unwrap()), "{}", sent.out);

    let rotated = subscriptions(&gateway, &["rotate-secret", id, "--type", "ed25519", "--overlap", "1h"]).expect(0);
    let secret = SigningKey::parse(rotated.out.lines().next().unwrap()).unwrap();
    let shown = subscriptions(&gateway, &["get", id, "--json"]).expect(0).json();
    assert_eq!(shown["secrets"][0]["public_key"].as_str().map(str::to_owned), secret.public());
    assert!(Ed25519Public::parse(&secret.public().unwrap()).is_ok());
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 2);
    let own = gateway.directory().join("own.secret");
    fs::write(&own, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let arguments = ["rotate-secret", id, "--secret-file", own.to_str().unwrap(), "--overlap", "0s", "--json"];
    let alone = subscriptions(&gateway, &arguments).expect(0).json();
    assert_eq!((&alone["secret_hint"], alone["secrets"].as_array().unwrap().len()), (&json!("whsec_…LaSw"), 1));

    let paused = subscriptions(&gateway, &["pause", id]).expect(0);
    assert_eq!(paused.out.trim(), format!("{id} (Mine) is paused"));
    let refused = subscriptions(&gateway, &["test", id]).expect(1);
    assert!(refused.err.contains("409") && refused.err.contains("resumed"), "{}", refused.err);
    assert_eq!(subscriptions(&gateway, &["resume", id]).expect(0).out.trim(), format!("{id} (Mine) is active"));
    subscriptions(&gateway, &["test", id]).expect(0);
    receiver.next().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_told_with_its_place() {
    let gateway = Gateway::builder().without_plugins().start().await;
    let bad = br#"{"name":"x","url":"http://10.0.0.1/","events":[]}"#;
    let refused = run_on(gateway.directory(), with_url(&gateway, &["create"]), bad).expect(1);
    assert!(refused.err.contains("/url: ") && refused.err.contains("/events: "), "{}", refused.err);
    subscriptions(&gateway, &["get", "evt_0000000000001"]).expect(2);
    let missing = subscriptions(&gateway, &["get", "sub_0000000000001"]).expect(1);
    assert!(missing.err.contains("404"), "{}", missing.err);
    let week = subscriptions(&gateway, &["rotate-secret", "sub_0000000000001", "--overlap", "8d"]).expect(1);
    assert!(week.err.contains("/overlap_seconds"), "{}", week.err);
    subscriptions(&gateway, &["rotate-secret", "sub_0000000000001", "--type", "rsa"]).expect(2);
}
