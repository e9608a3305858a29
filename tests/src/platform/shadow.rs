//! A candidate in the shadow of the version that serves.

use super::{acme, active, audited, digest, keep, messages, post};
use crate::harness::{Gateway, Receiver, eventually, guests};
use serde_json::{Value, json};

async fn counts(gateway: &Gateway, calls: u64) -> Value {
    eventually("the comparisons are made", async || {
        let shown = gateway.read("/admin/plugins/acme/canary").await;
        (shown["counts"]["calls"] == json!(calls)).then_some(shown)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_answers_count_as_equal_and_nothing_of_the_shadow_shows() {
    let gateway = acme().await;
    let candidate = keep(&gateway, &guests::variant(guests::emr_video_call(), "two")).await;
    gateway.make("/admin/plugins/acme/canary", &json!({ "digest": candidate, "mode": "shadow" })).await;
    for number in 0..3 {
        post(&gateway, "video-call-completed", &format!("appt_{number}")).await;
        counts(&gateway, number + 1).await;
    }
    let shown = counts(&gateway, 3).await;
    assert_eq!((&shown["counts"]["equal"], &shown["counts"]["differs"]), (&json!(3), &json!(0)), "{shown}");
    assert!(shown["counts"]["mean_micros"].is_u64() && shown["counts"]["active_mean_micros"].is_u64(), "{shown}");
    let serving = json!(digest(guests::emr_video_call()));
    assert!(messages(&gateway).await.iter().all(|message| message["plugin_digest"] == serving));
    let events = gateway.list("/admin/events?type=compliance.establishment_fulfilled").await;
    assert_eq!(events.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_differ_are_shown_without_their_values_and_end_it_above_the_limit() {
    let gateway = acme().await;
    let candidate = keep(&gateway, guests::unruly()).await;
    let begun = json!({ "digest": candidate, "mode": "shadow", "calls_min": 4, "difference_percent": 50 });
    gateway.make("/admin/plugins/acme/canary", &begun).await;
    for number in 0..3 {
        post(&gateway, "video-call-completed", &format!("appt_{number}")).await;
        counts(&gateway, number + 1).await;
    }
    let shown = counts(&gateway, 3).await;
    assert_eq!(shown["counts"]["differs"], 3);
    let samples = shown["samples"].to_string();
    assert!(samples.contains("/accepted") && samples.contains("msg_"), "{samples}");
    assert!(!samples.contains("cus_xyz") && !samples.contains("appt_"), "{samples}");
    post(&gateway, "video-call-completed", "appt_3").await;
    audited(&gateway, "plugin.canary_aborted").await;
    assert_eq!(active(&gateway).await, json!(digest(guests::emr_video_call())));
    assert!(messages(&gateway).await.iter().all(|message| message["status"] == "processed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_compared_and_sent_once() {
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.push("shape", guests::klaviyo_profile()).await;
    let candidate = guests::variant(guests::klaviyo_profile(), "two");
    let headers = [("content-type", "application/wasm")];
    let path = "/admin/plugins/shape?activate=false";
    gateway.admin.send(http::Method::PUT, path, &headers, candidate.clone()).await.unwrap();
    let mut receiver = Receiver::start().await;
    let transform = json!({ "transform": { "plugin": "shape" } });
    gateway.subscribe(&receiver.url("/"), &["order.placed"], transform).await;
    let begun = json!({ "digest": digest(&candidate), "mode": "shadow" });
    gateway.make("/admin/plugins/shape/canary", &begun).await;
    let order = json!({ "order_id": "ord_1", "total": 12.5, "currency": "USD", "item_count": 1,
        "customer": { "id": "cus_xyz", "email": "ada@example.com" } });
    gateway.publish("order.placed", order).await;
    receiver.next().await;
    let shown = eventually("the comparison is made", async || {
        let shown = gateway.read("/admin/plugins/shape/canary").await;
        (shown["counts"]["calls"] == 1).then_some(shown)
    })
    .await;
    assert_eq!(shown["counts"]["equal"], 1, "{shown}");
    assert_eq!(gateway.list("/admin/deliveries").await.len(), 1);

    // What happened then and what the candidate makes of it now are the same, with the very same arguments.
    let tried = gateway.make("/admin/plugins/shape/try", &json!({ "version": "candidate", "last": 5 })).await;
    assert_eq!((&tried["tried"], &tried["equal"]), (&json!(1), &json!(1)), "{tried}");
    assert_eq!(tried["results"][0]["now"]["outcome"], "send");
}
