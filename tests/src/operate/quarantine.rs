//! A version that failed too often: out of service, and let in again only by somebody who says why.

use super::{plugin, quarantined, refused};
use crate::harness::{eventually, guests};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn a_version_in_quarantine_serves_again_only_with_force_and_a_reason() {
    let (gateway, [good, bad]) = quarantined().await;
    let shown = plugin(&gateway, &["versions", "lab"]).expect(0);
    let row = |digest: &str| shown.out.lines().find(|line| line.contains(&digest[..12])).unwrap().to_owned();
    assert!(row(&bad).contains("quarantined") && row(&good).contains("active"), "{}", shown.out);

    refused(plugin(&gateway, &["activate", "lab", &bad]), &["409", "in quarantine"]);
    refused(plugin(&gateway, &["activate", "lab", &bad, "--force"]), &["422", "reason"]);
    refused(plugin(&gateway, &["canary", "start", "lab", &bad]), &["409", "in quarantine"]);
    assert_eq!(gateway.read("/admin/plugins/lab").await["active"], good.as_str());

    let forced = ["activate", "lab", &bad[..12], "--force", "--reason", "the laboratory sends something else now"];
    let ran = plugin(&gateway, &forced).expect(0);
    assert!(ran.out.contains(&format!("serves version {}", &bad[..12])), "{}", ran.out);
    assert!(gateway.read(&format!("/admin/plugins/lab/versions/{bad}")).await["quarantine"].is_null());
    let entry = &gateway.list("/admin/audit?limit=1").await[0];
    assert_eq!(entry["reason"], "the laboratory sends something else now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_lets_it_out_on_the_same_terms() {
    let (gateway, [good, bad]) = quarantined().await;
    fs::write(gateway.directory().join("bad.wasm"), guests::unruly()).unwrap();
    let push = ["push", "lab", "bad.wasm"];
    refused(plugin(&gateway, &push), &["409", "in quarantine"]);
    refused(plugin(&gateway, &[&push[..], &["--force"]].concat()), &["422", "reason"]);
    assert_eq!(gateway.read("/admin/plugins/lab").await["active"], good.as_str());
    plugin(&gateway, &[&push[..], &["--force", "--reason", "again"]].concat()).expect(0);
    assert_eq!(gateway.read("/admin/plugins/lab").await["active"], bad.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_left_behind_is_tried_and_then_taken_up() {
    let (gateway, [good, _]) = quarantined().await;
    assert_eq!(gateway.list("/admin/messages?status=quarantined").await.len(), 5);
    let dry = plugin(&gateway, &["reprocess", "lab", "--dry-run"]).expect(0);
    assert!(dry.out.contains("5 tried, 0 equal, 5 differ, 0 fail"), "{}", dry.out);
    assert_eq!(dry.out.matches("failed → refused").count(), 5, "{}", dry.out);
    assert_eq!(gateway.list("/admin/messages?status=quarantined").await.len(), 5, "nothing followed from it");

    let ran = plugin(&gateway, &["reprocess", "lab"]).expect(0);
    let told = format!("lab takes up 5 quarantined messages again, with version {}", &good[..12]);
    assert_eq!(ran.out.trim(), told);
    eventually("all were taken up", async || {
        gateway.list("/admin/messages?status=quarantined").await.is_empty().then_some(())
    })
    .await;
    assert_eq!(plugin(&gateway, &["reprocess", "lab", "--json"]).expect(0).json()["messages"], 0);
    refused(plugin(&gateway, &["reprocess", "none"]), &["404"]);
    refused(plugin(&gateway, &["reprocess", "none", "--dry-run"]), &["404"]);
}
