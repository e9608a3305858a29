//! Files that are not taken: the version before them goes on serving, and the operator sees why.

use super::{Folder, audited, dealt_with, digest, mended, plugin, pushes, serves, trouble, variant, watched};
use crate::harness::{Gateway, eventually, guests};
use hookwright_plugin_host::fixture::{self, Fixture};
use http::Method;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::symlink;

const FILE: &str = "unruly.wasm";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_leaves_the_good_one_serving_and_shows_everywhere_until_it_is_mended() {
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    let gateway = folder.watched().await;
    serves(&gateway, "unruly", guests::unruly()).await;

    folder.write(FILE, b"no component");
    let told = trouble(&gateway, "unruly", "not_wasm").await;
    assert!(told["detail"].as_str().unwrap().contains("hookwright plugin build"), "{told}");
    assert_eq!(told["digest"], digest(b"no component"));
    serves(&gateway, "unruly", guests::unruly()).await;
    assert_eq!(pushes(&gateway, "not_wasm").await, 1);
    let [(actor, detail)] = &audited(&gateway, "plugin.push_failed", "unruly").await[..] else { panic!("one failed") };
    assert_eq!(actor, "system");
    assert!(detail.contains("from=directory file=unruly.wasm") && detail.contains("code=not_wasm"), "{detail}");
    let ready = gateway.public.get("/readyz?details").await.unwrap().json();
    assert_eq!(ready["details"]["plugin_troubles"]["unruly"], "not_wasm");

    // Written anew without a change, it is not tried again.
    folder.write(FILE, b"no component");
    dealt_with(&gateway, &folder).await;
    assert_eq!(pushes(&gateway, "not_wasm").await, 1);
    trouble(&gateway, "unruly", "not_wasm").await;

    let good = variant(guests::unruly(), "good");
    folder.write(FILE, &good);
    serves(&gateway, "unruly", &good).await;
    mended(&gateway, "unruly").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_that_goes_away_or_is_taken_back_takes_its_trouble_along() {
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    let gateway = folder.watched().await;
    // Half of a component, as an interrupted upload leaves it.
    folder.write(FILE, &guests::unruly()[..guests::unruly().len() / 2]);
    trouble(&gateway, "unruly", "truncated").await;
    folder.write(FILE, guests::unruly());
    mended(&gateway, "unruly").await;
    folder.write("other.wasm", b"\0asm\x01\0\0\0");
    trouble(&gateway, "other", "core_module").await;
    fs::remove_file(folder.file("other.wasm")).unwrap();
    mended(&gateway, "other").await;
    assert_eq!(audited(&gateway, "plugin.pushed", "unruly").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_fixture_is_named_with_what_was_expected_and_what_came() {
    let folder = Folder::new();
    folder.write("emr-video-call.wasm", guests::emr_video_call());
    let gateway = folder.watched().await;
    serves(&gateway, "emr-video-call", guests::emr_video_call()).await;
    let fixture = json!({
        "world": "inbound",
        "settings": {},
        "input": { "hook": "video-call-completed", "body": { "event": "chat.started" } },
        "expected": { "refusal": { "code": "a-code-that-never-comes", "location": "/event" } },
    });
    let fixture = Fixture::parse("chat-is-refused", fixture.to_string().as_bytes()).unwrap();
    let failing = fixture::pack(guests::emr_video_call(), &[fixture]).unwrap();
    folder.write("emr-video-call.wasm", &failing);
    let told = trouble(&gateway, "emr-video-call", "fixtures_failed").await;
    let error = &told["errors"][0];
    assert_eq!(error["pointer"], "chat-is-refused", "{told}");
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains("expected \"a-code-that-never-comes\", got \""), "{detail}");
    serves(&gateway, "emr-video-call", guests::emr_video_call()).await;
    assert_eq!(pushes(&gateway, "fixtures_failed").await, 1);
    // It is shown a moment before its entry is on disk.
    let failed = eventually("the failure is in the audit", async || {
        audited(&gateway, "plugin.push_failed", "emr-video-call").await.into_iter().next()
    })
    .await;
    assert!(failed.1.contains("code=fixtures_failed"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_of_one_name_clash_and_the_first_stays() {
    let folder = Folder::new();
    let (first, second) = (variant(guests::unruly(), "first"), variant(guests::unruly(), "second"));
    folder.write("my-plugin.wasm", &first);
    folder.write("my_plugin.wasm", &second);
    let gateway = folder.watched().await;
    serves(&gateway, "my-plugin", &first).await;
    let told = trouble(&gateway, "my_plugin.wasm", "name_clash").await;
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("my-plugin.wasm") && detail.contains("my_plugin.wasm"), "{detail}");
    // Without the first, the second is the one.
    fs::remove_file(folder.file("my-plugin.wasm")).unwrap();
    serves(&gateway, "my-plugin", &second).await;
    mended(&gateway, "my_plugin.wasm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_told_under_the_files_name_until_it_is_mended() {
    let folder = Folder::new();
    folder.write("no plugin.wasm", guests::unruly());
    File::create(folder.file("huge.wasm")).unwrap().set_len(1 << 30).unwrap();
    fs::create_dir(folder.file("folder.wasm")).unwrap();
    symlink("nowhere", folder.file("dangling.wasm")).unwrap();
    let gateway = folder.watched().await;
    trouble(&gateway, "no%20plugin.wasm", "name").await;
    trouble(&gateway, "huge.wasm", "too_large").await;
    trouble(&gateway, "folder.wasm", "not_a_file").await;
    trouble(&gateway, "dangling.wasm", "file_unreadable").await;
    assert_eq!(gateway.list("/admin/plugins").await.len(), 4);

    fs::rename(folder.file("no plugin.wasm"), folder.file("plugin.wasm")).unwrap();
    fs::remove_file(folder.file("huge.wasm")).unwrap();
    fs::remove_dir(folder.file("folder.wasm")).unwrap();
    let mended = variant(guests::unruly(), "no longer dangling");
    folder.write("nowhere", &mended);
    serves(&gateway, "plugin", guests::unruly()).await;
    serves(&gateway, "dangling", &mended).await;
    for gone in ["no%20plugin.wasm", "huge.wasm", "folder.wasm", "dangling.wasm"] {
        super::mended(&gateway, gone).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_no_directory_is_told_and_the_gateway_runs() {
    let folder = Folder::new();
    let path = folder.beside("a-file");
    fs::write(&path, b"x").unwrap();
    let gateway = watched(&path).await;
    trouble(&gateway, "plugins.directory", "directory_unreadable").await;
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(path.join(FILE), guests::unruly()).unwrap();
    serves(&gateway, "unruly", guests::unruly()).await;
    mended(&gateway, "plugins.directory").await;
}

/// Makes the version that serves trap until it is put into quarantine.
async fn trap_until_withdrawn(gateway: &Gateway, trapping: &[u8]) {
    let digest = digest(trapping);
    eventually("the quarantine", async || {
        let path = "/webhooks/open/trap";
        gateway.public.send(Method::POST, path, &[], b"x".to_vec()).await.unwrap();
        (plugin(gateway, "unruly").await["active"] != digest.as_str()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_in_quarantine_does_not_come_back_through_the_directory() {
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    let gateway = folder.watched().await;
    gateway.source_open("open", json!({ "verification": { "type": "none" }, "plugin": "unruly" })).await;
    let trapping = variant(guests::unruly(), "trapping");
    folder.write(FILE, &trapping);
    serves(&gateway, "unruly", &trapping).await;
    trap_until_withdrawn(&gateway, &trapping).await;
    serves(&gateway, "unruly", guests::unruly()).await;

    let third = variant(guests::unruly(), "third");
    folder.write(FILE, &third);
    serves(&gateway, "unruly", &third).await;
    folder.write(FILE, &trapping);
    let told: Value = trouble(&gateway, "unruly", "refused").await;
    assert!(told["detail"].as_str().unwrap().contains("with force"), "{told}");
    serves(&gateway, "unruly", &third).await;
}
