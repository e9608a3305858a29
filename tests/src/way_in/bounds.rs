//! Bodies and heads too large or too slow.

use super::wire::Wire;
use super::{assert_problem, post};
use crate::harness::{Gateway, video_call};
use http::StatusCode;
use std::fmt::Write;

const PATH: &str = "/webhooks/emr/video-call-completed";

/// The signed head of a request that announces a body of this length.
fn head(headers: &[(&'static str, String)], length: usize) -> String {
    let mut head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head + "\r\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_cap_is_refused_announced_or_not() {
    let gateway = Gateway::builder().set("public.body_bytes_max", "2KiB").start().await;
    gateway.source("emr").await;
    assert_problem(&post(&gateway, PATH, &[], &[b'x'; 4096]).await, 413, "body_too_large");
    // A megabyte is still on its way when the refusal is decided, and the sender hears it all the same.
    assert_problem(&post(&gateway, PATH, &[], &vec![b'x'; 1 << 20]).await, 413, "body_too_large");
    let mut wire = Wire::open(&gateway).await;
    wire.send(
        format!("POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n")
            .as_bytes(),
    )
    .await;
    for _ in 0..8 {
        wire.send(format!("200\r\n{}\r\n", "x".repeat(512)).as_bytes()).await;
    }
    wire.send(b"0\r\n\r\n").await;
    let answer = wire.read().await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
    assert!(gateway.list("/admin/messages").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_given_up() {
    let gateway = Gateway::builder().set("public.body_timeout", "300ms").start().await;
    let emr = gateway.source("emr").await;
    let body = video_call("cus_xyz", "appt_1").to_string();
    let headers = emr.sign("msg_1", gateway.now_ms() / 1000, body.as_bytes());
    let mut wire = Wire::open(&gateway).await;
    wire.send(head(&headers, body.len()).as_bytes()).await;
    wire.send(&body.as_bytes()[..10]).await;
    let answer = wire.read().await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_timeout"), "{answer}");
    assert!(gateway.list("/admin/messages").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_too_slowly_is_given_up() {
    let gateway = Gateway::builder().without_plugins().set("public.header_timeout", "300ms").start().await;
    let mut wire = Wire::open(&gateway).await;
    wire.send(b"POST /webhooks/emr/x HTTP/1.1\r\nhost: x\r\nx-slow").await;
    let answer = wire.read().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(gateway.public.get("/healthz").await.unwrap().status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_leaves_nothing_behind() {
    let gateway = Gateway::start().await;
    let emr = gateway.source("emr").await;
    let body = video_call("cus_xyz", "appt_1").to_string();
    let headers = emr.sign("msg_1", gateway.now_ms() / 1000, body.as_bytes());
    let mut wire = Wire::open(&gateway).await;
    wire.send(head(&headers, body.len()).as_bytes()).await;
    wire.send(&body.as_bytes()[..10]).await;
    drop(wire);
    // The same, whole, is no repeat of anything.
    let answer = emr.post_as(&gateway, "video-call-completed", "msg_1", body.as_bytes()).await;
    assert_eq!((answer.status, answer.json()["duplicate"].as_bool()), (StatusCode::ACCEPTED, Some(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_heads_are_bounded() {
    let gateway = Gateway::start().await;
    gateway.source("emr").await;
    let long = format!("/webhooks/emr/{}", "h".repeat(1025));
    assert_problem(&post(&gateway, &long, &[], b"{}").await, 414, "uri_too_long");
    let long = format!("{PATH}?{}", "q".repeat(8193));
    assert_problem(&post(&gateway, &long, &[], b"{}").await, 414, "uri_too_long");
    let mut wire = Wire::open(&gateway).await;
    let many = "x: 1\r\n".repeat(100);
    wire.send(format!("POST {PATH} HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes()).await;
    assert!(wire.read().await.starts_with("HTTP/1.1 431"));
    assert_eq!(gateway.public.get("/healthz").await.unwrap().status, StatusCode::OK);
}
