//! Which version serves: pushed, kept, activated, gone back from.

use super::{history, keep, plugin, push, refused, two_versions, version};
use crate::harness::{Gateway, guests};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_version_is_activated_and_gone_back_from() {
    let (gateway, [first, second]) = two_versions().await;
    let ran = plugin(&gateway, &["activate", "emr", &second[..8], "--reason", "the new form"]).expect(0);
    assert_eq!(ran.out.trim(), format!("emr serves version {} (before: {})", &second[..12], &first[..12]));
    assert_eq!(gateway.read("/admin/plugins/emr").await["active"], second.as_str());
    let entry = &gateway.list("/admin/audit?limit=1").await[0];
    assert_eq!((entry["action"].as_str(), entry["reason"].as_str()), (Some("plugin.activated"), Some("the new form")));

    let ran = plugin(&gateway, &["rollback", "emr", "--json"]).expect(0).json();
    assert_eq!((ran["active"].as_str(), ran["previous"].as_str()), (Some(first.as_str()), Some(second.as_str())));
    assert_eq!(history(&gateway, "emr").await, [first.as_str(), &second, &first]);
    refused(plugin(&gateway, &["rollback", "emr"]), &["409", "no version to go back to"]);
    let again = plugin(&gateway, &["activate", "emr", &first.to_uppercase(), "--json"]).expect(0).json();
    assert_eq!(again["active"], first.as_str(), "what serves goes on");
    assert_eq!(history(&gateway, "emr").await.len(), 3, "and that is no new activation");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_and_what_served_are_shown() {
    let (gateway, [first, second]) = two_versions().await;
    let versions = plugin(&gateway, &["versions", "emr"]).expect(0);
    let row = |digest: &str| versions.out.lines().find(|line| line.contains(&digest[..12])).unwrap().to_owned();
    assert!(row(&first).contains("active") && row(&first).contains("KiB"), "{}", versions.out);
    assert!(!row(&second).contains("active") && !row(&second).contains("candidate"), "{}", versions.out);
    plugin(&gateway, &["canary", "start", "emr", &second]).expect(0);
    let versions = plugin(&gateway, &["versions", "emr"]).expect(0);
    assert_eq!(versions.out.matches("candidate").count(), 1, "{}", versions.out);
    assert_eq!(plugin(&gateway, &["versions", "emr", "--json"]).expect(0).json().as_array().map(Vec::len), Some(2));

    plugin(&gateway, &["activate", "emr", &second]).expect(0);
    let served = plugin(&gateway, &["versions", "emr", "--history"]).expect(0);
    let causes: Vec<&str> = served.out.lines().skip(1).map(|line| line.split_whitespace().nth(3).unwrap()).collect();
    assert_eq!(causes, ["activate", "push"], "{}", served.out);
    let json = plugin(&gateway, &["versions", "emr", "--history", "--json"]).expect(0).json();
    assert_eq!(
        (json[0]["digest"].as_str(), json[0]["previous"].as_str()),
        (Some(second.as_str()), Some(first.as_str()))
    );
    for arguments in [&["versions", "none"][..], &["versions", "none", "--history"]] {
        refused(plugin(&gateway, arguments), &["404", "plugin"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_activated_is_told() {
    let (gateway, [first, _]) = two_versions().await;
    refused(plugin(&gateway, &["activate", "none", &first]), &["404"]);
    for digest in ["0".repeat(64), "0123456789".to_owned()] {
        refused(plugin(&gateway, &["activate", "emr", &digest]), &["409", "no version of this digest"]);
    }
    refused(plugin(&gateway, &["activate", "emr", &first[..7]]), &["422", "/digest", "8"]);
    refused(plugin(&gateway, &["activate", "emr", &"0".repeat(65)]), &["422", "/digest"]);
    refused(plugin(&gateway, &["rollback", "none"]), &["404"]);
    refused(plugin(&gateway, &["rollback", "emr"]), &["409", "no version to go back to"]);
    plugin(&gateway, &["activate", "emr"]).expect(2);
    assert_eq!(history(&gateway, "emr").await, [first]);
}

/// Two versions whose digests begin with the same eight digits: one in some ten thousand tries finds them.
fn alike() -> [Vec<u8>; 2] {
    let whole = version(guests::emr_video_call(), "00000000");
    let (start, _) = whole.split_at(whole.len() - 8);
    let hashed = Sha256::new_with_prefix(start);
    let mut seen: HashMap<[u8; 4], u32> = HashMap::new();
    for number in 0_u32..10_000_000 {
        let of = |number: u32| format!("{number:08x}");
        let digest = hashed.clone().chain_update(of(number)).finalize();
        if let Some(other) = seen.insert([digest[0], digest[1], digest[2], digest[3]], number) {
            return [other, number].map(|number| [start, of(number).as_bytes()].concat());
        }
    }
    panic!("no two digests are alike");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_that_two_digests_have_names_neither() {
    let gateway = Gateway::builder().without_plugins().start().await;
    push(&gateway, "emr", guests::emr_video_call());
    let [one, other] = alike().map(|component| keep(&gateway, "emr", &component));
    assert_eq!(one[..8], other[..8]);
    refused(plugin(&gateway, &["activate", "emr", &one[..8]]), &["422", "/digest", "more digits"]);
    refused(plugin(&gateway, &["canary", "start", "emr", &one[..8]]), &["422", "/digest", "more digits"]);
    refused(plugin(&gateway, &["try", "emr", "--version", &one[..8]]), &["422", "/version", "more digits"]);
    plugin(&gateway, &["activate", "emr", &one[..12]]).expect(0);
    assert_eq!(gateway.read("/admin/plugins/emr").await["active"], one.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_plugin_is_run_is_set_and_shown() {
    let (gateway, [first, second]) = two_versions().await;
    let ran = plugin(&gateway, &["set", "emr", "--failures-max", "0", "--reprocess", "false"]).expect(0);
    assert_eq!(ran.out.trim(), "emr runs with failures_max=0 reprocess=false reuse=1");
    plugin(&gateway, &["set", "emr", "--reuse", "50"]).expect(0);
    plugin(&gateway, &["canary", "start", "emr", &second, "--mode", "shadow"]).expect(0);
    let shown = plugin(&gateway, &["show", "emr"]).expect(0);
    for words in [first.as_str(), "inbound", "failures_max=0 reprocess=false reuse=50", &second[..12], "shadow; runs"] {
        assert!(shown.out.contains(words), "{words} in {}", shown.out);
    }
    assert_eq!(plugin(&gateway, &["show", "emr", "--json"]).expect(0).json()["policy"]["reuse"], 50);

    let nothing = plugin(&gateway, &["set", "emr"]).expect(2);
    assert!(nothing.err.contains("--failures-max"), "{}", nothing.err);
    plugin(&gateway, &["set", "emr", "--reprocess", "maybe"]).expect(2);
    refused(plugin(&gateway, &["set", "emr", "--reuse", "0"]), &["422", "/policy/reuse", "from 1 to"]);
    refused(plugin(&gateway, &["set", "emr", "--failures-max", "1001"]), &["/policy/failures_max"]);
    refused(plugin(&gateway, &["set", "none", "--reuse", "2"]), &["404"]);
    refused(plugin(&gateway, &["show", "none"]), &["404"]);
    assert_eq!(gateway.read("/admin/plugins/emr").await["policy"]["reuse"], 50);
}
