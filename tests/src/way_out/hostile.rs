//! Subscribers that do not speak as they should.

#[path = "../../../gateway/server/src/dispatch/client/tests/behaviour.rs"]
mod behaviour;

use super::{attempts, hasty, numbered, settled};
use crate::harness::{Gateway, Receiver, eventually};
use behaviour::{Behaviour, Then};
use hookwright_core::audit::AuditDraft;
use hookwright_core::subscription::Subscription;
use hookwright_store::Change;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
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

/// Events that every subscriber is sent.
const EVENTS: usize = 200;
/// Healthy subscribers.
const HEALTHY: usize = 3;
/// Hostile ones, so that one that is given up on does not end the story.
const HOSTILE: usize = 10;

/// A listener whose every connection is hostile in the next of all ways; and which were played.
async fn hostile_in_every_way() -> (String, Arc<Mutex<BTreeSet<&'static str>>>) {
    let played = Arc::<Mutex<BTreeSet<&'static str>>>::default();
    let (noted, number, behaviours) = (Arc::clone(&played), AtomicUsize::new(0), Arc::new(behaviour::all()));
    let url = listening(move |stream| {
        let (noted, behaviours) = (Arc::clone(&noted), Arc::clone(&behaviours));
        let at = number.fetch_add(1, Ordering::SeqCst) % behaviours.len();
        async move {
            let row = &behaviours[at];
            noted.lock().unwrap().insert(row.name);
            // One answer a connection, so that the next is hostile in another way.
            let then = if matches!(row.then, Then::Serve) { Then::Close } else { row.then };
            behaviour::play(stream, &Behaviour { says: row.says.clone(), then, ..*row }).await.map(drop)
        }
    })
    .await;
    (url, played)
}

/// Publishes at an even pace and gives the time from publishing to receiving, in milliseconds, of all healthy subscribers; each gets each event once.
async fn latencies(gateway: &Gateway) -> Vec<i64> {
    let mut receivers = Vec::new();
    for _ in 0..HEALTHY {
        let receiver = Receiver::start().await;
        gateway.subscribe(&receiver.url("/"), &["*"], json!({})).await;
        receivers.push(receiver);
    }
    let mut published = Vec::with_capacity(EVENTS);
    for number in 0..EVENTS {
        published.push(gateway.now_ms());
        gateway.publish("order.placed", json!({ "number": number })).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut taken = Vec::new();
    for mut receiver in receivers {
        let mut seen = BTreeSet::new();
        while seen.len() < EVENTS {
            let delivered = receiver.next().await;
            let body: Value = serde_json::from_slice(&delivered.body).unwrap();
            let number = usize::try_from(body["data"]["number"].as_u64().unwrap()).unwrap();
            assert!(seen.insert(number), "event {number} came twice");
            taken.push(delivered.at_ms - published[number]);
        }
    }
    taken.sort_unstable();
    taken
}

fn p99(sorted: &[i64]) -> i64 {
    sorted[sorted.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_subscribers_of_every_kind_delay_no_healthy_one() {
    let alone = p99(&latencies(&hasty().start().await).await);
    let gateway = hasty().start().await;
    let (url, played) = hostile_in_every_way().await;
    for _ in 0..HOSTILE {
        gateway.subscribe(&url, &["*"], json!({ "retry_policy": "none", "timeout_ms": 300 })).await;
    }
    let beside = p99(&latencies(&gateway).await);
    // The machine that runs the tests may be busy; a hostile one that was waited for would show as its 300 ms, or as many of them.
    assert!(beside <= alone * 2 + 150, "p99 {beside} ms beside hostile ones, {alone} ms alone");
    let ways = eventually("most ways to be hostile were tried", async || {
        let ways = played.lock().unwrap().len();
        (ways >= 40).then_some(ways)
    })
    .await;
    assert!(ways <= behaviour::all().len());
    // Whatever came back, it is on record as something that is expected of one of them.
    let known = behaviour::all();
    for delivery in gateway.list("/admin/deliveries?status=failed&limit=100").await {
        let delivery = gateway.read(&format!("/admin/deliveries/{}", delivery["id"].as_str().unwrap())).await;
        for attempt in delivery["attempt_list"].as_array().unwrap() {
            let status = attempt["response_code"].as_u64().and_then(|status| u16::try_from(status).ok());
            let kind = attempt["error"]["kind"].as_str();
            assert!(known.iter().any(|row| row.came_to.fits(status, kind)), "{attempt}");
        }
    }
}
