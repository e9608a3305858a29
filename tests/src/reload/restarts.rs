//! What the directory held before a restart, and holds after it.

use super::{Folder, audited, dealt_with, digest, mended, plugin, pushes, serves, trouble, variant};
use crate::harness::guests;
use http::{Method, StatusCode};
use std::time::Duration;

const FILE: &str = "unruly.wasm";

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_undo_a_rollback_and_takes_in_what_changed_meanwhile() {
    let folder = Folder::new();
    folder.write(FILE, guests::unruly());
    let gateway = folder.watched().await;
    let second = variant(guests::unruly(), "second");
    folder.write(FILE, &second);
    serves(&gateway, "unruly", &second).await;
    let path = "/admin/plugins/unruly/rollback";
    let answer = gateway.admin.send(Method::POST, path, &[], Vec::new()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    serves(&gateway, "unruly", guests::unruly()).await;

    let gateway = gateway.restart().await;
    assert_eq!(plugin(&gateway, "unruly").await["active"], digest(guests::unruly()));
    // Nor does it if the file is only written anew.
    folder.write(FILE, &second);
    dealt_with(&gateway, &folder).await;
    assert_eq!(plugin(&gateway, "unruly").await["active"], digest(guests::unruly()));

    let third = variant(guests::unruly(), "third");
    let gateway = gateway.restart_after(|| folder.write(FILE, &third)).await;
    assert_eq!(plugin(&gateway, "unruly").await["active"], digest(&third), "it serves before the doors open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_push_loses_nothing_and_pushes_nothing_twice() {
    let folder = Folder::new();
    let mut gateway = folder.watched().await;
    // Before the looks, between them, and while it is compiled.
    let moments = [0, 250, 450, 550, 700];
    for ms in moments {
        let component = variant(guests::unruly(), &format!("stopped after {ms} ms"));
        folder.write(FILE, &component);
        tokio::time::sleep(Duration::from_millis(ms)).await;
        gateway = gateway.restart().await;
        assert_eq!(plugin(&gateway, "unruly").await["active"], digest(&component));
        mended(&gateway, "unruly").await;
    }
    assert_eq!(audited(&gateway, "plugin.pushed", "unruly").await.len(), moments.len());
    assert_eq!(audited(&gateway, "plugin.push_failed", "unruly").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_once_after_a_restart() {
    let folder = Folder::new();
    folder.write(FILE, b"no component");
    let gateway = folder.watched().await;
    trouble(&gateway, "unruly", "not_wasm").await;
    let gateway = gateway.restart().await;
    trouble(&gateway, "unruly", "not_wasm").await;
    dealt_with(&gateway, &folder).await;
    assert_eq!(pushes(&gateway, "not_wasm").await, 1);
    assert_eq!(audited(&gateway, "plugin.push_failed", "unruly").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_holds_what_serves_is_noted_and_pushed_no_second_time() {
    let folder = Folder::new();
    let gateway = folder.watched().await;
    gateway.push("unruly", guests::unruly()).await;
    folder.write(FILE, guests::unruly());
    dealt_with(&gateway, &folder).await;
    assert_eq!(pushes(&gateway, "ok").await, 2, "the one by hand, and the one that shows that the watch was there");
    assert_eq!(audited(&gateway, "plugin.file_noted", "unruly").await.len(), 1);
    // Another one is pushed by hand. The file, which was noted, does not undo that.
    let second = variant(guests::unruly(), "second");
    gateway.push("unruly", &second).await;
    let gateway = gateway.restart().await;
    assert_eq!(plugin(&gateway, "unruly").await["active"], digest(&second));
    mended(&gateway, "unruly").await;
}
