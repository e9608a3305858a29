//! The gateway on PostgreSQL, as an operator meets it.

mod moving;

use crate::harness::command::{hookwright, run};
use crate::harness::server::Server;
use crate::harness::{Gateway, Receiver};
use hookwright_test_postgres::{Auth, Cluster, Settings};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;

const PASSWORD: &str = "p@ss/word %41";

/// A directory with a sealing key, as every node has it.
fn place() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("shared.key"), "5c".repeat(32)).unwrap();
    fs::set_permissions(directory.path().join("shared.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    directory
}

#[test]
fn what_is_in_effect_is_shown_without_the_password() {
    let directory = tempfile::tempdir().unwrap();
    let url = "postgres://hook:hunter2@db.example:6543/hooks?sslmode=verify-full";
    for arguments in [&["check-config"][..], &["check-config", "--json"]] {
        let output = hookwright(directory.path(), arguments).env("HOOKWRIGHT_DATABASE_URL", url).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(out.contains("postgres://hook:[redacted]@db.example:6543/hooks?sslmode=verify-full"), "{out}");
        assert!(out.contains("needs its sealing keys named") && !out.contains("hunter2"), "{out}");
    }
}

#[test]
fn keys_that_nobody_named_are_not_made_up() {
    let directory = tempfile::tempdir().unwrap();
    for command in ["serve", "migrate"] {
        let ran =
            run(directory.path(), [command, "--set", "database_url=postgres://u:hunter2@127.0.0.1:1/d"]).expect(1);
        assert!(
            ran.err.contains("openssl rand -hex 32 > hookwright.key") && ran.err.contains("keys.file"),
            "{}",
            ran.err
        );
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_password_in_a_file_opens_the_database_and_is_never_told() {
    let settings = Settings { auth: Auth::Scram(PASSWORD.to_owned()), ..Settings::default() };
    let Some(cluster) = Cluster::start(&settings) else { return };
    let directory = place();
    let database = cluster.create_database();
    let name = database.rsplit('/').next().unwrap();
    let url = format!("database_url={}", cluster.url_as("hookwright", name));
    let with = |command: &[&str]| {
        let more = ["--set", &url, "--set", "keys.file=shared.key", "--set", "database.password_file=secret"];
        run(directory.path(), command.iter().copied().chain(more))
    };
    let missing = with(&["migrate"]).expect(1);
    assert!(missing.err.contains("cannot read secret (database.password_file)"), "{}", missing.err);
    fs::write(directory.path().join("secret"), "wrong\n").unwrap();
    fs::set_permissions(directory.path().join("secret"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let wrong = with(&["migrate"]).expect(1);
    assert!(wrong.err.contains("does not let user hookwright in") && !wrong.err.contains("wrong\n"), "{}", wrong.err);
    fs::write(directory.path().join("secret"), format!("{PASSWORD}\n")).unwrap();
    let made = with(&["migrate"]).expect(0);
    assert!(made.err.contains("others on this machine can read the database's password"), "{}", made.err);
    assert!(made.out.contains("was brought up to date") && made.out.contains("1 schema"), "{}", made.out);
    assert!(with(&["migrate"]).expect(0).out.contains("is up to date"));
    let key = with(&["keys", "create", "--name", "me", "--scope", "admin", "--json"]).expect(0).json();
    assert!(with(&["keys", "list"]).expect(0).out.contains(key["id"].as_str().unwrap()));
    for said in [&made.out, &made.err, &wrong.err] {
        assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
    }
}

#[test]
fn a_process_serves_on_it_with_the_password_from_the_environment() {
    let settings = Settings { auth: Auth::Scram(PASSWORD.to_owned()), ..Settings::default() };
    let Some(cluster) = Cluster::start(&settings) else { return };
    let directory = place();
    let database = cluster.create_database();
    let url = format!("database_url={}", cluster.url_as("hookwright", database.rsplit('/').next().unwrap()));
    let environment = [("HOOKWRIGHT_DATABASE_PASSWORD", OsStr::new(PASSWORD))];
    let server = Server::start_with(directory.path(), &[&url, "keys.file=shared.key"], &environment);
    assert_eq!(cluster.execute(&database, "SELECT count(*) FROM node WHERE name <> ''"), "1");
    assert_eq!(server.terminate(), Some(0));
    // Compiled plugins of a database elsewhere are not the working directory's.
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn an_event_is_delivered_and_still_there_after_a_restart() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let gateway = Gateway::builder().set("database_url", &url).without_plugins().start().await;
    let mut receiver = Receiver::start().await;
    let subscribed = gateway.subscribe(&receiver.url("/hook"), &["order.*"], json!({})).await;
    let event = gateway.publish("order.placed", json!({ "n": 1 })).await;
    assert!(subscribed.verifies(&receiver.next().await));
    let gateway = gateway.restart().await;
    let again = gateway.read(&format!("/admin/events/{}", event["id"].as_str().unwrap())).await;
    assert_eq!(again["data"], json!({ "n": 1 }));
    gateway.running.stop().await;
    cluster.drop_database(&url);
}
