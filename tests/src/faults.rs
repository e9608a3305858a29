//! Faults of the machine beneath a running gateway: a disk that is full for a while, and a clock that jumps.

use crate::harness::server::Server;
use crate::harness::{Gateway, Receiver, eventually, root};
use hookwright_store::{Clock, ManualClock};
use http::{Method, StatusCode};
use serde_json::json;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The shim of the store's own tests: with it, writes to the database fail while there is a file of a given name.
fn shim(directory: &Path) -> PathBuf {
    let library = directory.join("shim.so");
    let source = root().join("gateway").join("sqlite").join("tests").join("file").join("failing_disk").join("shim.c");
    let flags = ["-shared", "-fPIC", "-O1", "-o"];
    let status = Command::new("cc").args(flags).arg(&library).arg(source).args(["-ldl", "-lpthread"]).status().unwrap();
    assert!(status.success(), "the shim does not compile");
    library
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_problem_to_come_back_with_and_passes() {
    let directory = tempfile::tempdir().unwrap();
    let (library, full) = (shim(directory.path()), directory.path().join("full"));
    let place = directory.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let (at, marker, why) = (place.clone(), full.clone(), "28");
    let server = tokio::task::spawn_blocking(move || {
        let environment: [(&str, &OsStr); 4] = [
            ("LD_PRELOAD", library.as_os_str()),
            ("FAIL_DIR", at.as_os_str()),
            ("FAIL_WHILE", marker.as_os_str()),
            ("FAIL_ERRNO", OsStr::new(why)),
        ];
        let database = format!("database_url=sqlite:{}/hookwright.db", at.display());
        Server::start_with(&at, &[database.as_str()], &environment)
    })
    .await
    .unwrap();
    let publish = async |n: u32| {
        let body = json!({ "type": "order.placed", "data": { "n": n } });
        server.admin.json(Method::POST, "/admin/events", &body).await.unwrap()
    };
    let first = publish(1).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.json());

    std::fs::write(&full, "").unwrap();
    for n in 2..5 {
        let refused = publish(n).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.json());
        assert!(refused.headers.contains_key(http::header::RETRY_AFTER), "{:?}", refused.headers);
    }
    let ready = server.admin.get("/readyz").await.unwrap();
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);

    std::fs::remove_file(&full).unwrap();
    eventually("there is room again", async || (publish(9).await.status == StatusCode::ACCEPTED).then_some(())).await;
    let events = server.admin.get("/admin/events").await.unwrap().json();
    let events = events["data"].as_array().unwrap().len();
    assert_eq!(events, 2, "what was refused is not there");
    assert_eq!(server.admin.get("/readyz").await.unwrap().status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_forth_and_back_holds_up_nothing_and_ids_still_ascend() {
    const HOUR_MS: i64 = 3_600_000;
    let clock = Arc::new(ManualClock::at(1_767_565_800_000));
    let builder = Gateway::builder().without_plugins().clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let gateway = builder.set("delivery.schedule", "10m").start().await;
    let mut receiver = Receiver::start().await;
    receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
    gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
    let mut ids = Vec::new();
    for jump in [HOUR_MS, -3 * HOUR_MS, 2 * HOUR_MS, -HOUR_MS] {
        receiver.status(StatusCode::INTERNAL_SERVER_ERROR);
        let published = gateway.publish("order.placed", json!({ "jump": jump })).await;
        ids.push(published["id"].as_str().unwrap().to_owned());
        let first = receiver.next().await;
        assert_eq!(
            first.header("webhook-id").unwrap(),
            ids.last().unwrap(),
            "it goes at once, whatever the clock says"
        );
        eventually("its retry is on record", async || {
            gateway.list("/admin/deliveries?status=retrying").await.first().map(|_| ())
        })
        .await;
        receiver.status(StatusCode::OK);
        clock.advance(jump);
        if jump < 0 {
            // Set back, it is due by the old clock: not before that time by the new one.
            clock.advance(-jump);
        }
        clock.advance(15 * 60_000);
        let again = receiver.next().await;
        assert_eq!(again.header("webhook-id").unwrap(), ids.last().unwrap());
        eventually("it is delivered", async || {
            gateway.list("/admin/deliveries?status=retrying").await.is_empty().then_some(())
        })
        .await;
        if jump < 0 {
            clock.advance(jump);
        }
    }
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}
