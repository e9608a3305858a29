//! The README's plugin: what strangers copy compiles, is taken, and does what the README says.

use crate::harness::{Gateway, eventually, root};
use hookwright_plugin_host::build::build_guest;
use http::StatusCode;
use serde_json::json;
use std::fs;

/// The text of the block of `language` that holds `word`.
fn block(language: &str, word: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let fence = format!("```{language}\n");
    let mut blocks = readme.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.contains(word)).unwrap().to_owned()
}

fn build() -> Vec<u8> {
    // Always the same place, so that what it needs is compiled once.
    let directory = root().join("target").join("readme-plugin");
    let sdk = root().join("plugins").join("sdk");
    let manifest = block("toml", "hookwright-plugin-sdk").replace("../hookwright/plugins/sdk", sdk.to_str().unwrap());
    fs::create_dir_all(directory.join("src")).unwrap();
    // It lies inside the checkout, whose workspace it is none of.
    fs::write(directory.join("Cargo.toml"), format!("{manifest}\n[workspace]\n")).unwrap();
    fs::write(directory.join("src").join("lib.rs"), block("rust", "export_inbound!")).unwrap();
    // The same releases as in the checkout, so that nothing new is fetched.
    fs::copy(root().join("Cargo.lock"), directory.join("Cargo.lock")).unwrap();
    build_guest(&directory, &root().join("target").join("guests")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_s_plugin_works_as_it_is_printed() {
    let component = tokio::task::spawn_blocking(build).await.unwrap();
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("acme", &component).await;
    let acme = gateway.source_with("acme", json!({ "plugin": "acme" })).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let visit =
        json!({ "type": "visit.finished", "patient": "cus_xyz", "visit": "v_1", "ended": "2026-01-04T22:30:00Z" });
    let answer = acme.post(&gateway, "visits", &visit).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    eventually("the establishment is there", async || {
        let rows = gateway.list("/admin/establishments?customer_id=cus_xyz").await;
        rows.first().map(|row| assert_eq!(row["appointment_id"], "v_1"))
    })
    .await;
    let wrong =
        acme.post(&gateway, "visits", &json!({ "type": "visit.finished", "patient": "cus_xyz", "visit": "v_2" })).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.json().to_string().contains("/ended"), "{}", wrong.json());
}
