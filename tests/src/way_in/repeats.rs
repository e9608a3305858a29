//! The same message once more: no second effect, and the first answer's ids.

use crate::harness::{Gateway, eventually, video_call};
use hookwright_store::ManualClock;
use http::StatusCode;
use std::sync::Arc;

const NOW: i64 = 1_767_571_200_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_request_is_answered_with_the_first_ids() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let body = video_call("cus_xyz", "appt_1").to_string();
    let first = emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await;
    let again = emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await;
    assert_eq!((first.status, again.status), (StatusCode::OK, StatusCode::OK));
    let (first, again) = (first.json(), again.json());
    assert_eq!((&first["message_id"], &first["events"]), (&again["message_id"], &again["events"]));
    assert_eq!((first["duplicate"].as_bool(), again["duplicate"].as_bool()), (Some(false), Some(true)));
    // The vendor's own id of the message tells it under another id of the transport's, too.
    let resent = emr.post(&gateway, "video-call-completed", &video_call("cus_xyz", "appt_1")).await.json();
    assert_eq!((&resent["message_id"], resent["duplicate"].as_bool()), (&first["message_id"], Some(true)));
    assert_eq!(gateway.list("/admin/messages").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_at_the_same_moment_have_one_effect() {
    let gateway = Arc::new(Gateway::start().await);
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let body = video_call("cus_xyz", "appt_1").to_string();
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (gateway, emr, body) = (Arc::clone(&gateway), emr.clone(), body.clone());
        posts
            .spawn(async move { emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await.json() });
    }
    let answers = posts.join_all().await;
    let fresh = answers.iter().filter(|answer| answer["duplicate"] == false).count();
    assert_eq!(fresh, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer["message_id"] == answers[0]["message_id"]));
    assert_eq!(gateway.list("/admin/establishments").await.len(), 1);
    let fulfilled = gateway.list("/admin/events?type=compliance.establishment_fulfilled").await;
    assert_eq!(fulfilled.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_after_a_week_and_a_restart_is_still_known() {
    let clock = Arc::new(ManualClock::at(NOW));
    let gateway = Gateway::builder().clock(clock.clone()).start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_xyz", "TX", "78701").await;
    let body = video_call("cus_xyz", "appt_1").to_string();
    let first = emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await.json();
    clock.advance(7 * 86_400_000 - 1_000);
    let gateway = gateway.restart().await;
    let again = emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await.json();
    assert_eq!((again["duplicate"].as_bool(), &again["message_id"]), (Some(true), &first["message_id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_what_waited_hears_what_became_of_it() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let body = video_call("cus_xyz", "appt_1").to_string();
    let first = emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await;
    assert_eq!((first.status, first.json()["status"].as_str()), (StatusCode::ACCEPTED, Some("waiting")));
    gateway.customer("cus_xyz", "TX", "78701").await;
    let processed = eventually("the waiting message is resumed", async || {
        let again = emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await.json();
        (again["status"] == "processed").then_some(again)
    })
    .await;
    assert_eq!((processed["duplicate"].as_bool(), processed["events"].as_array().map(Vec::len)), (Some(true), Some(1)));
}
