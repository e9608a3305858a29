//! The watched directory of plugins: how files get there, what is wrong with them, and what a restart makes of them.

mod faults;
mod places;
mod restarts;

use crate::harness::{Gateway, eventually, guests};
use hookwright_plugin_host::Digest;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The same component with another digest: a section that nobody reads is appended.
fn variant(component: &[u8], mark: &str) -> Vec<u8> {
    let name = b"variant";
    let payload = [&[u8::try_from(name.len()).unwrap()], &name[..], mark.as_bytes()].concat();
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 0x80, "one byte has to do for the length");
    [component, &[0, length], &payload].concat()
}

fn digest(component: &[u8]) -> String {
    Digest::of(component).to_string()
}

/// A directory that a gateway watches.
struct Folder {
    place: TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = Self { place: tempfile::tempdir().unwrap() };
        std::fs::create_dir(folder.path()).unwrap();
        folder
    }

    fn path(&self) -> PathBuf {
        self.beside("plugins")
    }

    /// A path beside the directory, on the same file system.
    fn beside(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn write(&self, name: &str, component: &[u8]) {
        std::fs::write(self.file(name), component).unwrap();
    }

    async fn watched(&self) -> Gateway {
        watched(&self.path()).await
    }
}

async fn watched(directory: &Path) -> Gateway {
    let directory = directory.display().to_string();
    Gateway::builder().without_plugins().set("plugins.directory", &directory).start().await
}

/// A plugin, or a file that is none, as the operator sees it; null if there is nothing of this name.
async fn plugin(gateway: &Gateway, name: &str) -> Value {
    let answer = gateway.admin.get(&format!("/admin/plugins/{name}")).await.unwrap();
    if answer.status.is_success() { answer.json() } else { Value::Null }
}

/// Waits until this is the version that serves.
async fn serves(gateway: &Gateway, name: &str, component: &[u8]) {
    let digest = digest(component);
    eventually(&format!("{name} serves {digest}"), async || {
        (plugin(gateway, name).await["active"] == digest.as_str()).then_some(())
    })
    .await;
}

/// Waits until a trouble of this code is on show.
async fn trouble(gateway: &Gateway, name: &str, code: &str) -> Value {
    eventually(&format!("the trouble {code} of {name}"), async || {
        let trouble = plugin(gateway, name).await["trouble"].clone();
        (trouble["code"] == code).then_some(trouble)
    })
    .await
}

/// Waits until no trouble is on show.
async fn mended(gateway: &Gateway, name: &str) {
    eventually(&format!("the end of the trouble of {name}"), async || {
        plugin(gateway, name).await["trouble"].is_null().then_some(())
    })
    .await;
}

/// Waits until the watch has dealt with whatever was done to the directory before: another plugin, the last by name, is put there and serves.
async fn dealt_with(gateway: &Gateway, folder: &Folder) {
    let last = variant(guests::unruly(), "last");
    folder.write("zz-last.wasm", &last);
    serves(gateway, "zz-last", &last).await;
}

/// Pushes so far that ended so.
async fn pushes(gateway: &Gateway, result: &str) -> u64 {
    let metrics = gateway.admin.get("/metrics").await.unwrap();
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let sample = format!("hookwright_plugin_pushes_total{{result=\"{result}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&sample)).map_or(0, |count| count.parse().unwrap())
}

/// What the audit says of a plugin under this action, the newest first: who and what.
async fn audited(gateway: &Gateway, action: &str, name: &str) -> Vec<(String, String)> {
    let entries = gateway.list("/admin/audit?limit=200").await;
    let entries = entries.iter().filter(|entry| entry["action"] == action && entry["target"] == name);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entries.map(|entry| (text(&entry["actor"]), text(&entry["detail"]))).collect()
}
