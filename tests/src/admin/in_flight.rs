//! Requests with one idempotency key at the same time: one is worked on, the others are told to come back.

use super::{bare, holder, problem, send};
use crate::harness::{Gateway, eventually};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BODY: &str = r#"{"type":"order.placed","data":{"n":1}}"#;

/// A request whose body the gateway has begun to wait for.
struct Held(TcpStream);

impl Held {
    async fn begin(gateway: &Gateway, key: &str) -> Self {
        let mut stream = TcpStream::connect(gateway.running.admin).await.unwrap();
        // The gateway says "go on" when its handler asks for the body: from then on the request is under way.
        let head = format!(
            "POST /admin/events HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nidempotency-key: {key}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
            gateway.running.admin,
            BODY.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut said = [0; 25];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    async fn end(mut self, body: &str) -> String {
        self.0.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

async fn publish(gateway: &Gateway, key: &str) -> hookwright::client::Answer {
    // The same bytes each time: they are what a key stands for.
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    gateway.admin.send(Method::POST, "/admin/events", &headers, BODY).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_comes_back_while_the_first_is_under_way_and_then_has_its_answer() {
    let gateway = bare().await;
    let held = Held::begin(&gateway, "k1").await;
    let early = publish(&gateway, "k1").await;
    assert_eq!(problem(&early), (409, "idempotency_in_flight".to_owned()));
    assert_eq!(early.header("retry-after"), Some("1"));
    assert_eq!(publish(&gateway, "k2").await.status, StatusCode::ACCEPTED, "another key is another matter");
    // So is the same key for another route.
    let source = json!({ "slug": "emr", "plugin": "p" });
    let other = send(&gateway.admin, Method::POST, "/admin/sources", &[("idempotency-key", "k1")], &source).await;
    assert_eq!(other.status, StatusCode::CREATED);

    let answer = held.end(BODY).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let late = publish(&gateway, "k1").await;
    assert_eq!((late.status, late.header("idempotency-replayed")), (StatusCode::ACCEPTED, Some("true")));
    assert!(answer.contains(late.json()["id"].as_str().unwrap()), "{answer}");
    assert_eq!(gateway.list("/admin/events").await.len(), 2);
    let different = json!({ "type": "order.placed", "data": { "n": 2 } });
    let clash = send(&gateway.admin, Method::POST, "/admin/events", &[("idempotency-key", "k1")], &different).await;
    assert_eq!(problem(&clash), (422, "idempotency_key_reused".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_request_ends_its_key_is_free() {
    let gateway = bare().await;
    // Refused: the body is not what it should be.
    let refused = Held::begin(&gateway, "k1").await.end(&BODY.replace("type", "tipe")).await;
    assert!(refused.starts_with("HTTP/1.1 422 "), "{refused}");
    assert_eq!(publish(&gateway, "k1").await.status, StatusCode::ACCEPTED);
    // Gone: the client hangs up in the middle.
    drop(Held::begin(&gateway, "k2").await);
    let answer = eventually("the key of a client that hung up is free", async || {
        let answer = publish(&gateway, "k2").await;
        (answer.status != StatusCode::CONFLICT).then_some(answer)
    })
    .await;
    assert_eq!((answer.status, answer.header("idempotency-replayed")), (StatusCode::ACCEPTED, None));
    assert_eq!(gateway.list("/admin/events").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_its_caller_s_own() {
    let gateway = bare().await;
    let held = Held::begin(&gateway, "k1").await;
    let admin = holder(&gateway.admin, &["admin"]).await;
    let body: Value = serde_json::from_str(BODY).unwrap();
    let answer = send(&admin, Method::POST, "/admin/events", &[("idempotency-key", "k1")], &body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json());
    assert!(held.end(BODY).await.starts_with("HTTP/1.1 202 "));
    assert_eq!(admin.get("/admin/events").await.unwrap().json()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_takes_effect_and_the_others_hear_of_it_or_come_back() {
    let gateway = bare().await;
    let body: Value = serde_json::from_str(BODY).unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (client, body) = (gateway.admin.clone(), body.clone());
            tokio::spawn(async move {
                send(&client, Method::POST, "/admin/events", &[("idempotency-key", "k1")], &body).await
            })
        })
        .collect();
    let (mut ids, mut fresh) = (Vec::new(), 0);
    for task in tasks {
        let answer = task.await.unwrap();
        if answer.status == StatusCode::CONFLICT {
            assert_eq!(problem(&answer).1, "idempotency_in_flight");
            continue;
        }
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json());
        fresh += usize::from(answer.header("idempotency-replayed").is_none());
        ids.push(answer.json()["id"].clone());
    }
    ids.dedup();
    assert_eq!((ids.len(), fresh), (1, 1));
    assert_eq!(gateway.list("/admin/events").await.len(), 1);
}
