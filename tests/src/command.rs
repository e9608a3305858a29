//! The commands, as processes: exit codes, what they say, and what they leave behind.

use crate::harness::command::{hookwright, run, run_on};
use crate::harness::root;
use crate::harness::server::Server;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BODY: &[u8] = br#"{"event":"video_call.completed"}"#;

#[test]
fn what_is_no_command_ends_with_2() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["frobnicate"],
        vec!["sign"],
        vec!["serve", "--set", "nothing"],
        vec!["keys", "create", "--name", "x", "--scope", "all"],
    ] {
        let ran = run(directory.path(), &arguments).expect(2);
        assert!(!ran.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn every_command_explains_itself() {
    let directory = tempfile::tempdir().unwrap();
    let mut all = String::new();
    for command in [
        "",
        "serve",
        "demo",
        "check-config",
        "migrate",
        "keys",
        "keys create",
        "subscriptions",
        "subscriptions list",
        "subscriptions create",
        "subscriptions rotate-secret",
        "subscriptions test",
        "sink",
        "sign",
        "verify",
        "plugin",
        "plugin new",
        "plugin build",
        "plugin test",
        "plugin run",
        "plugin bench",
        "plugin inspect",
        "plugin pack",
        "plugin push",
        "plugin list",
        "plugin show",
        "plugin versions",
        "plugin activate",
        "plugin rollback",
        "plugin set",
        "plugin canary",
        "plugin canary start",
        "plugin canary status",
        "plugin canary stop",
        "plugin canary promote",
        "plugin try",
        "plugin reprocess",
        "plugin record",
    ] {
        let arguments: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).chain(["--help"]).collect();
        let ran = run(directory.path(), &arguments).expect(0);
        let said = ran.out.replace("hookwright-under-test", "hookwright");
        all.extend(["$ hookwright ", &arguments.join(" "), "\n", &said, "\n"]);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_is_signed_verifies_and_what_is_bent_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let schemes: [&[&str]; 4] = [
        &[],
        &["--signature-header", "X-Signature", "--prefix", "sha256="],
        &[
            "--signature-header",
            "X-Signature",
            "--encoding",
            "base64",
            "--digest",
            "sha512",
            "--timestamp-header",
            "X-Time",
        ],
        &[
            "--scheme",
            r#"{"type":"hmac","header":"X-S","timestamp_header":"X-T","signed_content":["v0:","{timestamp}",":","{body}"]}"#,
        ],
    ];
    for scheme in schemes {
        let flags: Vec<&str> = ["--secret", SECRET].into_iter().chain(scheme.iter().copied()).collect();
        let signed = run_on(directory.path(), ["sign"].iter().chain(&flags), BODY).expect(0);
        fs::write(directory.path().join("headers"), &signed.out).unwrap();
        let verify: Vec<&str> = ["verify", "--headers-file", "headers"].into_iter().chain(flags).collect();
        run_on(directory.path(), &verify, BODY).expect(0);
        let bent = run_on(directory.path(), &verify, b"{}").expect(1);
        assert!(bent.out.contains("signature_mismatch"), "{}", bent.out);
    }
}

#[test]
fn verify_says_why_not() {
    let directory = tempfile::tempdir().unwrap();
    let base = ["verify", "--secret", SECRET, "--json"];
    let none = run_on(directory.path(), base, BODY).expect(1).json();
    assert_eq!(none["code"], "missing_header");
    let old =
        run_on(directory.path(), ["sign", "--secret", SECRET, "--timestamp", "1000", "--json"], BODY).expect(0).json();
    let headers: Vec<String> =
        old.as_object().unwrap().iter().map(|(name, value)| format!("{name}: {}", value.as_str().unwrap())).collect();
    let mut arguments: Vec<&str> = base.to_vec();
    arguments.extend(headers.iter().flat_map(|header| ["-H", header.as_str()]));
    assert_eq!(run_on(directory.path(), &arguments, BODY).expect(1).json()["code"], "timestamp_out_of_tolerance");
    arguments.extend(["--at", "1100"]);
    assert_eq!(run_on(directory.path(), &arguments, BODY).expect(0).json()["verified"], true);
}

#[test]
fn sign_and_sink_understand_one_another() {
    let directory = tempfile::tempdir().unwrap();
    let arguments =
        ["sink", "--port", "0", "--secret", SECRET, "--json", "--count", "3", "--fail", "1", "--status", "202"];
    let mut sink = hookwright(directory.path(), arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(sink.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
    let url = lines.next().unwrap()["listening"].as_str().unwrap().to_owned();
    for (secret, status, verified) in
        [(SECRET, "500", true), (SECRET, "202", true), ("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "202", false)]
    {
        let curl =
            run_on(directory.path(), ["sign", "--secret", secret, "--curl", &format!("{url}/hook")], BODY).expect(0);
        let posted = std::process::Command::new("sh").args(["-c", &curl.out]).output().unwrap();
        let answer = String::from_utf8_lossy(&posted.stdout).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        let delivered = lines.next().unwrap();
        assert_eq!(delivered["verified"], verified, "{delivered}");
        assert_eq!(delivered["body"].as_str().unwrap().as_bytes(), BODY);
        assert_eq!(delivered["path"], "/hook");
    }
    assert_eq!(sink.wait().unwrap().code(), Some(1), "one request was not verified");
}

#[test]
fn migrate_makes_a_database_with_a_key_that_only_its_owner_can_read() {
    let directory = tempfile::tempdir().unwrap();
    let ran = run(directory.path(), ["migrate"]).expect(0);
    assert!(ran.out.contains("hookwright.db was created"), "{}", ran.out);
    assert!(ran.err.contains("made the sealing key hookwright.key"), "{}", ran.err);
    let again = run(directory.path(), ["migrate", "--json"]).expect(0);
    assert_eq!(again.json()["created"], false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(fs::metadata(directory.path().join("hookwright.key")).unwrap().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_wrong_or_missing_key_is_a_refusal_that_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), ["migrate"]).expect(0);
    let database = fs::read(directory.path().join("hookwright.db")).unwrap();
    let key = fs::read(directory.path().join("hookwright.key")).unwrap();

    fs::remove_file(directory.path().join("hookwright.key")).unwrap();
    let missing = run(directory.path(), ["serve"]).expect(1);
    assert!(missing.err.contains("nothing was changed"), "{}", missing.err);
    assert!(!directory.path().join("hookwright.key").exists());

    fs::write(directory.path().join("hookwright.key"), "00ff".repeat(16)).unwrap();
    let wrong =
        run(directory.path(), ["serve", "--set", "public.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"])
            .expect(1);
    assert!(wrong.err.contains("key"), "{}", wrong.err);
    assert_eq!(fs::read(directory.path().join("hookwright.db")).unwrap(), database);

    fs::write(directory.path().join("hookwright.key"), key).unwrap();
    run(directory.path(), ["migrate"]).expect(0);
}

#[test]
fn keys_are_made_listed_and_revoked_on_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let made = run(
        directory.path(),
        ["keys", "create", "--name", "ci", "--scope", "publish", "--scope", "read", "--expires", "90d", "--json"],
    )
    .expect(0)
    .json();
    assert!(made["key"].as_str().unwrap().starts_with("hwk_"), "{made}");
    let id = made["id"].as_str().unwrap();
    let list = run(directory.path(), ["keys", "list"]).expect(0);
    assert!(list.out.contains(id) && list.out.contains("publish,read"), "{}", list.out);
    assert!(!list.out.contains("hwk_"), "a key is shown once");
    run(directory.path(), ["keys", "revoke", id]).expect(0);
    run(directory.path(), ["keys", "revoke", id]).expect(1);
    assert_eq!(run(directory.path(), ["keys", "list", "--json"]).expect(0).json(), serde_json::json!([]));
}

#[test]
fn a_database_in_use_is_told_and_the_running_gateway_can_be_asked() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    let locked = run(directory.path(), ["keys", "list"]).expect(1);
    assert!(locked.err.contains("in use by another process"), "{}", locked.err);
    assert!(locked.err.contains("--url"), "{}", locked.err);
    let url = server.admin.base().to_owned();
    let made =
        run(directory.path(), ["keys", "create", "--name", "first", "--scope", "admin", "--json", "--url", &url])
            .expect(0)
            .json();
    // From now on a key is needed.
    let refused = run(directory.path(), ["keys", "list", "--url", &url]).expect(1);
    assert!(refused.err.contains("401"), "{}", refused.err);
    let key = made["key"].as_str().unwrap();
    let list = run(directory.path(), ["keys", "list", "--url", &url, "--api-key", key]).expect(0);
    assert!(list.out.contains("first"), "{}", list.out);
    assert_eq!(server.terminate(), Some(0), "SIGTERM is a good end");
}

#[test]
fn the_admin_listener_stays_on_this_machine_until_a_key_exists() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--admin-listen", "0.0.0.0:0", "--public-listen", "127.0.0.1:0"];
    let refused = run(directory.path(), arguments).expect(1);
    assert!(
        refused.err.contains("no API key exists") && refused.err.contains("hookwright keys create"),
        "{}",
        refused.err
    );
}

#[test]
fn plugins_are_built_pushed_and_listed() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    let url = server.admin.base().to_owned();
    let source = root().join("plugins").join("klaviyo-profile");
    run(directory.path(), ["plugin", "build", source.to_str().unwrap(), "--output", "k.wasm"]).expect(0);
    let pushed =
        run(directory.path(), ["plugin", "push", "klaviyo", "k.wasm", "--url", &url, "--json"]).expect(0).json();
    let digest = pushed["active"].as_str().unwrap().to_owned();
    let list = run(directory.path(), ["plugin", "list", "--url", &url]).expect(0);
    assert!(list.out.contains("klaviyo") && list.out.contains(&digest[..12]), "{}", list.out);
    assert!(list.out.contains("outbound"), "{}", list.out);

    fs::write(directory.path().join("bad.wasm"), "nonsense").unwrap();
    let refused = run(directory.path(), ["plugin", "push", "klaviyo", "bad.wasm", "--url", &url]).expect(1);
    assert!(refused.err.contains("not WebAssembly"), "{}", refused.err);
    let list = run(directory.path(), ["plugin", "list", "--url", &url]).expect(0);
    assert!(list.out.contains(&digest[..12]), "the old one goes on: {}", list.out);
    run(directory.path(), ["plugin", "build", "."]).expect(1);
}
