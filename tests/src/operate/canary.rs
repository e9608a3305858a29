//! A candidate beside the version that serves.

use super::{history, plugin, refused, two_versions};
use crate::harness::{eventually, video_call};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_started_watched_and_promoted() {
    let (gateway, [first, second]) = two_versions().await;
    let emr = gateway.source_with("emr", json!({ "plugin": "emr" })).await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let start = ["canary", "start", "emr", &second[..10], "--mode", "shadow", "--calls-min", "7"];
    let bound =
        ["--error-percent", "2.5", "--difference-percent", "0", "--binding", &emr.id, "--reason", "a rehearsal"];
    let ran = plugin(&gateway, &[&start[..], &bound].concat()).expect(0);
    assert_eq!(
        ran.out.trim(),
        format!("candidate {} runs as shadow; emr serves version {}", &second[..12], &first[..12])
    );
    emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await;
    let status = eventually("the candidate was asked, too", async || {
        let status = plugin(&gateway, &["canary", "status", "emr", "--json"]).expect(0).json();
        (status["counts"]["calls"] == 1).then_some(status)
    })
    .await;
    assert_eq!(status["digest"], second.as_str(), "whole, though its beginning was given");
    assert_eq!(status["counts"]["equal"], 1, "{status}");
    assert_eq!(status["stop"], json!({ "calls_min": 7, "error_percent": 2.5, "difference_percent": 0.0 }));
    let shown = plugin(&gateway, &["canary", "status", "emr"]).expect(0);
    assert!(shown.out.contains(&emr.id) && shown.out.contains("1 equal, 0 differ"), "{}", shown.out);

    let promoted = plugin(&gateway, &["canary", "promote", "emr", "--reason", "it does"]).expect(0);
    assert_eq!(promoted.out.trim(), format!("emr serves version {} (before: {})", &second[..12], &first[..12]));
    let ended = plugin(&gateway, &["canary", "status", "emr", "--json"]).expect(0).json();
    assert_eq!((ended["running"].as_bool(), ended["ended"]["outcome"].as_str()), (Some(false), Some("promoted")));
    assert_eq!(ended["counts"]["calls"], 1, "what was counted stays");
    assert_eq!(history(&gateway, "emr").await, [second, first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_stopped() {
    let (gateway, [first, second]) = two_versions().await;
    let started =
        plugin(&gateway, &["canary", "start", "emr", &second, "--percent", "12.5", "--json"]).expect(0).json();
    assert_eq!(
        (started["canary"]["mode"].as_str(), started["active"].as_str()),
        (Some("canary"), Some(first.as_str()))
    );
    assert_eq!(plugin(&gateway, &["canary", "status", "emr", "--json"]).expect(0).json()["percent"], 12.5);
    let stopped = plugin(&gateway, &["canary", "stop", "emr", "--reason", "enough"]).expect(0);
    assert!(stopped.out.contains(&format!("candidate {} has ended", &second[..12])), "{}", stopped.out);
    let ended = plugin(&gateway, &["canary", "status", "emr"]).expect(0);
    assert!(ended.out.contains("stopped") && ended.out.contains("enough"), "{}", ended.out);
    refused(plugin(&gateway, &["canary", "stop", "emr"]), &["409", "no candidate runs"]);
    refused(plugin(&gateway, &["canary", "promote", "emr"]), &["no candidate that runs"]);
    assert_eq!(history(&gateway, "emr").await, [first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_no_candidate_is_told() {
    let (gateway, [first, second]) = two_versions().await;
    for command in ["status", "stop", "promote"] {
        let ran = plugin(&gateway, &["canary", command, "emr"]).expect(1);
        assert!(!ran.err.is_empty(), "{command} without a candidate");
        refused(plugin(&gateway, &["canary", command, "none"]), &["404"]);
    }
    refused(plugin(&gateway, &["canary", "status", "emr"]), &["404", "canary"]);
    let start = |digest: &str, more: &[&str]| plugin(&gateway, &[&["canary", "start", "emr", digest], more].concat());
    refused(start(&first, &[]), &["409", "serves already"]);
    refused(start(&"0".repeat(64), &[]), &["409", "no version of this digest"]);
    refused(start("abc", &[]), &["422", "/digest"]);
    refused(start(&second, &["--percent", "101", "--calls-min", "0"]), &["/percent", "/calls_min"]);
    refused(start(&second, &["--binding", "cus_1"]), &["/bindings/0"]);
    start(&second, &["--mode", "half"]).expect(2);
    refused(plugin(&gateway, &["canary", "start", "none", &second]), &["404"]);
    assert!(gateway.read("/admin/plugins/emr").await["canary"].is_null());
}
