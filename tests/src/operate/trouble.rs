//! What could not be pushed is on show until it is mended.

use super::{plugin, push, refused};
use crate::harness::{Gateway, guests};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn troubles_are_listed_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("broken.wasm"), b"no component").unwrap();
    let setting = directory.path().display().to_string();
    let gateway = Gateway::builder().without_plugins().set("plugins.directory", &setting).start().await;
    let good = push(&gateway, "emr", guests::emr_video_call());
    let whole = plugin(&gateway, &["list"]).expect(0);
    assert!(whole.out.contains("broken: "), "{}", whole.out);

    fs::write(gateway.directory().join("bad.wasm"), "nonsense").unwrap();
    refused(plugin(&gateway, &["push", "emr", "bad.wasm"]), &["422", "not WebAssembly"]);
    let list = plugin(&gateway, &["list"]).expect(0);
    let row = list.out.lines().find(|line| line.starts_with("emr ")).unwrap();
    let code = gateway.read("/admin/plugins/emr").await["trouble"]["code"].as_str().unwrap().to_owned();
    assert!(row.contains(&good[..12]) && row.ends_with(&code), "{}", list.out);
    assert!(list.out.lines().any(|line| line.starts_with("emr: ")), "{}", list.out);
    let shown = plugin(&gateway, &["show", "emr"]).expect(0);
    assert!(shown.out.contains(&good) && shown.out.contains(&code), "{}", shown.out);
    let absent = plugin(&gateway, &["show", "broken"]).expect(0);
    assert!(absent.out.contains("no version serves"), "{}", absent.out);

    push(&gateway, "emr", guests::emr_video_call());
    let mended = plugin(&gateway, &["list"]).expect(0);
    assert!(!mended.out.contains("emr: "), "{}", mended.out);
    let kept = plugin(&gateway, &["push", "emr", "none.wasm"]).expect(1);
    assert!(kept.err.contains("none.wasm"), "{}", kept.err);
}
