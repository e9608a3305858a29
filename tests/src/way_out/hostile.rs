//! Subscribers that do not speak as they should.

use super::{attempts, hasty, numbered, settled};
use crate::harness::Gateway;
use hookwright_core::audit::AuditDraft;
use hookwright_core::subscription::Subscription;
use hookwright_store::Change;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listener that treats every connection so, and its URL.
async fn listening<F>(behave: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A sender that hangs up is what these tests are about.
            tokio::spawn(behave(stream));
        }
    });
    url
}

/// The one attempt to deliver there.
async fn attempt(gateway: &Gateway, url: &str) -> Value {
    gateway.subscribe(url, &["*"], json!({ "retry_policy": "none", "timeout_ms": 1_000 })).await;
    gateway.publish("order.placed", json!({})).await;
    let delivery = settled(gateway, "failed").await;
    assert_eq!(delivery["reason"], "retries_exhausted");
    delivery
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_fail_has_its_kind_and_is_an_attempt() {
    for (says, kind) in [
        ("", "reset"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", "reset"),
    ] {
        let gateway = hasty().start().await;
        let url = listening(move |mut stream| async move {
            let mut request = Vec::new();
            while !request.ends_with(b"}}") {
                stream.read_buf(&mut request).await?;
            }
            stream.write_all(says.as_bytes()).await
        })
        .await;
        assert_eq!(attempts(&attempt(&gateway, &url).await), numbered(&[kind]), "{says:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_timeout() {
    let gateway = hasty().start().await;
    let url = listening(|mut stream| async move {
        let mut request = [0; 4_096];
        while stream.read(&mut request).await? > 0 {}
        Ok(())
    })
    .await;
    let delivery = attempt(&gateway, &url).await;
    assert_eq!(attempts(&delivery), numbered(&["timeout"]));
    let attempt = &delivery["attempt_list"][0];
    let took = attempt["duration_ms"].as_u64().unwrap();
    assert!((1_000..5_000).contains(&took), "{took} ms");
    assert_eq!(attempt["error"]["detail"], "no whole answer within 1000 ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens() {
    let gateway = hasty().start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(attempts(&attempt(&gateway, &url).await), numbered(&["connect"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_longer_allowed_is_not_dialled() {
    let gateway = hasty().start().await;
    gateway.subscribe("https://example.com/", &["*"], json!({ "retry_policy": "none" })).await;
    // As if the allow-list had been longer when the address was entered: the API itself would refuse it.
    let app = &gateway.running.app;
    let known = Arc::clone(&app.store.subscriptions()[0]);
    let moved = Subscription { url: "https://10.0.0.1/".to_owned(), ..Subscription::clone(&known) };
    let audit = AuditDraft {
        at: gateway.now_ms(),
        actor: "test".to_owned(),
        action: "subscription.updated".to_owned(),
        target: known.id.to_string(),
        reason: None,
        request_id: None,
        detail: String::new(),
    };
    app.store.update_subscription(moved, known.version, Change { audit, claim: None }).await.unwrap();
    gateway.publish("order.placed", json!({})).await;
    let delivery = settled(&gateway, "failed").await;
    assert_eq!(attempts(&delivery), numbered(&["egress_refused"]));
    let detail = &delivery["attempt_list"][0]["error"]["detail"];
    assert!(detail.as_str().unwrap().contains("private"), "{detail}");
}
