//! A candidate that serves its share of the calls.

use super::{acme, active, all_processed, audited, digest, keep, messages, post};
use crate::harness::{Gateway, eventually, guests};
use http::{Method, StatusCode};
use serde_json::{Value, json};

async fn begin(gateway: &Gateway, fields: Value) {
    gateway.make("/admin/plugins/acme/canary", &fields).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_messages_goes_to_the_candidate_and_promotion_gives_it_the_rest() {
    let gateway = acme().await;
    let candidate = keep(&gateway, &guests::variant(guests::emr_video_call(), "two")).await;
    begin(&gateway, json!({ "digest": candidate, "percent": 50 })).await;
    for number in 0..60 {
        post(&gateway, "video-call-completed", &format!("appt_{number}")).await;
    }
    let by = |messages: &[Value], digest: &str| {
        messages.iter().filter(|message| message["plugin_digest"] == json!(digest)).count()
    };
    let served = messages(&gateway).await;
    let (old, new) = (by(&served, &digest(guests::emr_video_call())), by(&served, &candidate));
    assert_eq!(old + new, 60);
    assert!((10..=50).contains(&new), "{new} of 60 went to the candidate");
    let shown = gateway.read("/admin/plugins/acme/canary").await;
    assert_eq!((&shown["running"], &shown["counts"]["calls"]), (&json!(true), &json!(new)), "{shown}");
    assert_eq!(shown["counts"]["errors"], 0);

    gateway.make("/admin/plugins/acme/activate", &json!({ "digest": candidate[..12] })).await;
    let shown = gateway.read("/admin/plugins/acme/canary").await;
    assert_eq!((&shown["running"], &shown["ended"]["outcome"]), (&json!(false), &json!("promoted")));
    assert_eq!(shown["counts"]["calls"], json!(new), "the counts are kept with the end");
    post(&gateway, "video-call-completed", "appt_60").await;
    assert_eq!(messages(&gateway).await.last().unwrap()["plugin_digest"], json!(candidate));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_fails_is_given_up_and_its_messages_are_read_by_the_one_that_serves() {
    let gateway = acme().await;
    let never = json!({ "policy": { "failures_max": 0 } });
    assert_eq!(gateway.request(Method::PATCH, "/admin/plugins/acme", &never).await.status, StatusCode::OK);
    let candidate = keep(&gateway, guests::unruly()).await;
    begin(&gateway, json!({ "digest": candidate, "percent": 100, "calls_min": 8, "error_percent": 25 })).await;
    for number in 0..8 {
        post(&gateway, "trap", &format!("appt_{number}")).await;
    }
    let entry = audited(&gateway, "plugin.canary_aborted").await;
    assert_eq!(entry["reason"], "8 of 8 calls failed");
    let messages = all_processed(&gateway, 8).await;
    let serving = digest(guests::emr_video_call());
    assert!(messages.iter().all(|message| message["plugin_digest"] == json!(serving)));
    assert_eq!(active(&gateway).await, json!(serving));
    let shown = gateway.read("/admin/plugins/acme/canary").await;
    assert_eq!((&shown["ended"]["outcome"], &shown["counts"]["errors"]), (&json!("aborted"), &json!(8)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_survives_a_restart_and_ends_on_demand() {
    let gateway = acme().await;
    let candidate = keep(&gateway, &guests::variant(guests::emr_video_call(), "two")).await;
    begin(&gateway, json!({ "digest": candidate, "percent": 100 })).await;
    let gateway = gateway.restart().await;
    post(&gateway, "video-call-completed", "appt_1").await;
    assert_eq!(messages(&gateway).await[0]["plugin_digest"], json!(candidate));
    let end = async || gateway.admin.send(Method::DELETE, "/admin/plugins/acme/canary", &[], Vec::new()).await.unwrap();
    let answer = end().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    post(&gateway, "video-call-completed", "appt_2").await;
    assert_eq!(messages(&gateway).await[1]["plugin_digest"], json!(digest(guests::emr_video_call())));
    let again = end().await;
    assert_eq!((again.status, &again.json()["code"]), (StatusCode::CONFLICT, &json!("no_canary")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_must_be_another_version_that_may_serve() {
    let gateway = acme().await;
    for (digest, code) in [(digest(guests::emr_video_call()), "candidate_serves"), ("ab".repeat(32), "unknown_version")]
    {
        let answer = gateway.request(Method::POST, "/admin/plugins/acme/canary", &json!({ "digest": digest })).await;
        assert_eq!((answer.status, &answer.json()["code"]), (StatusCode::CONFLICT, &json!(code)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traps_one_after_the_other_quarantine_a_candidate_before_its_share_is_judged() {
    let gateway = acme().await;
    let candidate = keep(&gateway, guests::unruly()).await;
    begin(&gateway, json!({ "digest": candidate, "percent": 100, "calls_min": 1000 })).await;
    for number in 0..5 {
        post(&gateway, "trap", &format!("appt_{number}")).await;
    }
    all_processed(&gateway, 5).await;
    eventually("the candidate is in quarantine", async || {
        let version = gateway.read(&format!("/admin/plugins/acme/versions/{candidate}")).await;
        version["quarantine"].is_object().then_some(())
    })
    .await;
    let shown = gateway.read("/admin/plugins/acme/canary").await;
    assert_eq!(shown["ended"]["outcome"], "aborted");
}
