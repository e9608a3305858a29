//! The subscribers: each on a path of its own of one listener, with and without an order.

use super::ledger::Ledger;
use hookwright::clock::SystemClock;
use hookwright::sink::{Delivered, Reply, Sink};
use http::StatusCode;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// How many there are. Their deliveries are owned by subscription, so that every node is likely to own some.
pub(super) const COUNT: usize = ORDERED + UNORDERED;
const ORDERED: usize = 4;
const UNORDERED: usize = 3;
/// The share of requests that are answered with 500.
const REFUSED: f64 = 0.02;
/// An answer takes a moment, in which its node may be killed.
const DELAY: Duration = Duration::from_millis(3);

/// Starts them, and gives the subscriptions that are to be made.
pub(super) async fn start(ledger: &Arc<Ledger>, seed: u64) -> Vec<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let paths = (0..COUNT).map(|number| {
        let ordered = number < ORDERED;
        (ordered, if ordered { format!("/ordered-{number}") } else { format!("/unordered-{number}") })
    });
    let (notes, random) = (Arc::clone(ledger), Mutex::new(StdRng::seed_from_u64(seed)));
    let answerer = move |delivered: &Delivered| {
        let taken = !random.lock().unwrap().random_bool(REFUSED);
        note(&notes, delivered, taken);
        let status = if taken { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
        Reply { delay: DELAY, ..Reply::status(status) }
    };
    let mut sink = Sink::start(listener, Vec::new(), Arc::new(SystemClock), Arc::new(answerer)).unwrap();
    let base = format!("http://{}", sink.address());
    // The ledger has all that matters; what waits to be looked at must not fill its queue.
    tokio::spawn(async move { while sink.next().await.is_some() {} });
    let subscription = |(ordered, path): (bool, String)| {
        ledger.subscriber(&path, ordered);
        json!({
            "name": path, "url": format!("{base}{path}"), "events": if ordered { ["order.placed"] } else { ["*"] },
            "ordering": if ordered { "key" } else { "none" }, "retry_policy": "exponential", "max_retries": 50, "max_in_flight": 32,
        })
    };
    paths.map(subscription).collect()
}

fn note(ledger: &Ledger, delivered: &Delivered, taken: bool) {
    let envelope = delivered.json();
    let (Some(id), Some(event_type)) = (delivered.header("webhook-id"), envelope["type"].as_str()) else {
        return ledger.wrong(format!("{}: no event came", delivered.path));
    };
    if envelope["id"] != id {
        ledger.wrong(format!("{}: {id} brings {}", delivered.path, envelope["id"]));
    }
    let data = &envelope["data"];
    match event_type {
        "order.placed" => {
            let number = u32::try_from(data["number"].as_u64().unwrap()).unwrap();
            ledger.arrived(&delivered.path, (data["key"].as_str().unwrap(), number), id, taken);
        }
        "compliance.establishment_fulfilled" if taken => {
            ledger.heard(&delivered.path, data["customer_id"].as_str().unwrap(), id);
        }
        _ => {}
    }
}
