//! Ends half-way through a backlog, with retries pending: what was acknowledged arrives, what was answered is not repeated, and deliveries go on at once.
//!
//! `cargo test --release -p hookwright-tests resumes -- --ignored --nocapture` measures how soon.

use super::Home;
use crate::harness::server::Server;
use crate::harness::{Receiver, eventually};
use hookwright::clock::SystemClock;
use hookwright::sink::Reply;
use hookwright_store::Clock;
use http::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const EVENTS: usize = 400;

/// How often each order was answered with 200, and when the first request after the latest start came.
#[derive(Clone, Default)]
struct Seen {
    taken: Arc<Mutex<BTreeMap<u64, u32>>>,
    arrivals: Arc<Mutex<Vec<i64>>>,
}

impl Seen {
    /// Notes whatever a subscriber gets.
    fn of(mut receiver: Receiver) -> Self {
        let seen = Self::default();
        let notes = seen.clone();
        tokio::spawn(async move {
            loop {
                let delivered = receiver.next_ever().await;
                notes.arrivals.lock().unwrap().push(delivered.at_ms);
                if delivered.answered == StatusCode::OK {
                    *notes.taken.lock().unwrap().entry(delivered.json()["data"]["n"].as_u64().unwrap()).or_default() +=
                        1;
                }
            }
        });
        seen
    }

    fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    fn first_after(&self, at_ms: i64) -> Option<i64> {
        self.arrivals.lock().unwrap().iter().copied().find(|arrival| *arrival >= at_ms)
    }

    async fn all(&self) {
        eventually("every order arrives", async || (self.count() == EVENTS).then_some(())).await;
    }
}

async fn subscribe(server: &Server, url: &str, max_in_flight: u32) {
    let body = json!({
        "name": "test", "url": url, "events": ["*"], "retry_policy": "exponential", "max_retries": 50, "max_in_flight": max_in_flight,
    });
    let answer = server.admin.json(Method::POST, "/admin/subscriptions", &body).await.unwrap();
    assert!(answer.status.is_success(), "{}", answer.json());
}

/// All orders, acknowledged.
async fn publish(server: &Server) {
    let events: Vec<_> = (0..EVENTS).map(|n| json!({ "type": "order.placed", "data": { "n": n } })).collect();
    for events in events.chunks(100) {
        let answer = server.admin.json(Method::POST, "/admin/events", &json!(events)).await.unwrap();
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json());
    }
}

/// A subscriber that takes its time, and one that fails until it is told otherwise.
struct Subscribers {
    slow: Seen,
    failing: Seen,
    well: Arc<Mutex<bool>>,
    urls: [String; 2],
}

async fn subscribers() -> Subscribers {
    let (slow, failing) = (Receiver::start().await, Receiver::start().await);
    slow.answer(|_| Reply { delay: Duration::from_millis(15), ..Reply::status(StatusCode::OK) });
    let well = Arc::new(Mutex::new(false));
    let is_well = Arc::clone(&well);
    failing.answer(move |_| {
        Reply::status(if *is_well.lock().unwrap() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR })
    });
    let urls = [slow.url("/"), failing.url("/")];
    Subscribers { slow: Seen::of(slow), failing: Seen::of(failing), well, urls }
}

/// Kills a server half-way through its backlog and starts it again. Returns how long after the start the first delivery came.
async fn kill_half_way(home: &Home) -> i64 {
    let subscribers = subscribers().await;
    let settings: &[&str] = &["delivery.breaker.failure_percent=101"];
    let server = home.start(settings).await;
    subscribe(&server, &subscribers.urls[0], 4).await;
    subscribe(&server, &subscribers.urls[1], 4).await;
    publish(&server).await;
    eventually("it is half-way", async || (subscribers.slow.count() > EVENTS / 4).then_some(())).await;
    server.kill();
    assert!(subscribers.slow.count() < EVENTS, "there is a backlog");
    let began = SystemClock.now_ms();
    let _server = home.start(settings).await;
    let first = eventually("deliveries go on", async || subscribers.slow.first_after(began)).await;
    *subscribers.well.lock().unwrap() = true;
    subscribers.slow.all().await;
    subscribers.failing.all().await;
    first - began
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_through_a_backlog_it_goes_on_at_once_and_loses_nothing() {
    let after = kill_half_way(&Home::on_sqlite()).await;
    println!("the first delivery came {after} ms after the start of the process");
    // A machine that runs other tests beside it is slow to start anything.
    assert!(after < 5_000, "{after} ms");
}

/// The lease of the former run does not keep it waiting: the machine knows that it is dead.
#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_through_a_backlog_on_postgresql_it_goes_on_at_once_and_loses_nothing() {
    let Some(home) = Home::on_postgres() else { return };
    let after = kill_half_way(&home).await;
    println!("the first delivery came {after} ms after the start of the process");
    assert!(after < 5_000, "{after} ms");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn how_soon_it_resumes_after_a_kill() {
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(kill_half_way(&Home::on_sqlite()).await);
    }
    all.sort_unstable();
    println!("from the start of the process to the first delivery: {all:?} ms, median {} ms", all[all.len() / 2]);
    assert!(all[all.len() / 2] <= 100, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_half_way_it_gives_up_what_hangs_and_repeats_nothing_that_was_answered() {
    let home = Home::on_sqlite();
    let slow = Receiver::start().await;
    slow.answer(|_| Reply { delay: Duration::from_millis(15), ..Reply::status(StatusCode::OK) });
    let hanging = Receiver::start().await;
    hanging.answer(|_| Reply { delay: Duration::from_mins(5), ..Reply::status(StatusCode::IM_A_TEAPOT) });
    let urls = [slow.url("/"), hanging.url("/")];
    let settings: &[&str] = &["drain=1s"];
    let server = home.start(settings).await;
    for url in &urls {
        subscribe(&server, url, 4).await;
    }
    let slow = Seen::of(slow);
    publish(&server).await;
    eventually("it is half-way", async || (slow.count() > EVENTS / 4).then_some(())).await;
    let began = SystemClock.now_ms();
    let code = tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    let took = SystemClock.now_ms() - began;
    assert_eq!(code, Some(0));
    assert!((900..10_000).contains(&took), "what hangs was waited for until the deadline: {took} ms");
    assert!(slow.count() < EVENTS, "there is a backlog");

    hanging.status(StatusCode::OK);
    let hanging = Seen::of(hanging);
    let _server = home.start(settings).await;
    slow.all().await;
    hanging.all().await;
    let repeated: Vec<_> =
        slow.taken.lock().unwrap().iter().filter(|(_, times)| **times > 1).map(|(n, _)| *n).collect();
    assert!(repeated.is_empty(), "what was answered before the end came again: {repeated:?}");
}
