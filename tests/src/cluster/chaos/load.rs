//! Publishers and a partner, who post to whichever node, and repeat what was not acknowledged, by the same key and with the same bytes, at another.

use super::ledger::Ledger;
use crate::cluster::node::Node;
use hookwright::clock::SystemClock;
use hookwright_core::secret::SigningSecret;
use hookwright_core::signature::sign_v1;
use hookwright_store::Clock;
use http::{Method, StatusCode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// Keys of one publisher; the events of a key are posted one after the other.
const KEYS_EACH: usize = 6;
/// After this a caller gives an attempt up: the node may have stopped.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// The share of posts that go to two nodes at once, as from a caller that has no patience.
const IMPATIENT: f64 = 0.1;
/// Between two posts of one publisher.
const PACE: Duration = Duration::from_millis(60);

/// What the posting tasks share.
pub(super) struct Load {
    pub(super) nodes: Arc<Vec<Node>>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) secret: SigningSecret,
    pub(super) seed: u64,
    pub(super) ended: AtomicBool,
    pub(super) posts: AtomicU64,
    /// Posts that got no answer, or one that says later: they are repeated.
    pub(super) repeated: AtomicU64,
    /// Answers that say so: the post before it had been committed, and its answer was lost.
    pub(super) replayed: AtomicU64,
    /// The longest time from the first attempt to the acknowledgement.
    pub(super) longest: Mutex<Duration>,
}

/// A request that is repeated until it is acknowledged.
enum Post {
    /// By the platform.
    Publish { body: String, key: Option<String> },
    /// By the partner, under its message id; signed anew each time.
    Call { id: String, body: String },
}

/// What came of one attempt.
enum Outcome {
    Taken(Value),
    Later,
    Refused(String),
}

impl Load {
    /// Posts until it is acknowledged, and gives the answer.
    async fn post(&self, random: &mut StdRng, post: &Post) -> Value {
        let began = Instant::now();
        loop {
            let first = random.random_range(0..self.nodes.len());
            // Now and then one that has no patience asks two nodes at once.
            let second = random.random_bool(IMPATIENT).then(|| (first + 1) % self.nodes.len());
            let answers = tokio::join!(self.at(Some(first), post), self.at(second, post));
            if let (Some(first), Some(second)) = &answers
                && first["id"] != second["id"]
            {
                self.ledger.wrong(format!("two nodes take one post for two: {first} and {second}"));
            }
            if let Some(answer) = answers.0.or(answers.1) {
                let mut longest = self.longest.lock().unwrap();
                *longest = longest.max(began.elapsed());
                return answer;
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One attempt; the answer if it was taken.
    async fn at(&self, node: Option<usize>, post: &Post) -> Option<Value> {
        let node = &self.nodes[node?];
        self.posts.fetch_add(1, Ordering::Relaxed);
        match self.attempt(node, post).await {
            Outcome::Taken(answer) => Some(answer),
            Outcome::Later => None,
            Outcome::Refused(why) => {
                self.ledger.wrong(format!("node {} refuses: {why}", node.index));
                None
            }
        }
    }

    async fn attempt(&self, node: &Node, post: &Post) -> Outcome {
        let Some(doors) = node.doors() else { return Outcome::Later };
        let json = ("content-type", "application/json");
        let sent = async {
            match post {
                Post::Publish { body, key } => {
                    let key = key.as_deref().map(|key| ("idempotency-key", key));
                    let headers: Vec<_> = [json].into_iter().chain(key).collect();
                    doors.admin.send(Method::POST, "/admin/events", &headers, body.clone()).await
                }
                Post::Call { id, body } => {
                    let now_secs = SystemClock.now_ms().div_euclid(1000);
                    let timestamp = now_secs.to_string();
                    let signature = sign_v1(std::slice::from_ref(&self.secret), id, now_secs, body.as_bytes());
                    let headers = [
                        json,
                        ("webhook-id", id.as_str()),
                        ("webhook-timestamp", timestamp.as_str()),
                        ("webhook-signature", signature.as_str()),
                    ];
                    doors.public.send(Method::POST, "/webhooks/emr/video-call-completed", &headers, body.clone()).await
                }
            }
        };
        let Ok(Ok(answer)) = tokio::time::timeout(ANSWER_MAX, sent).await else { return Outcome::Later };
        let later = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS, StatusCode::CONFLICT];
        if answer.status.is_success() {
            let replayed = answer.header("idempotency-replayed").is_some() || answer.json()["duplicate"] == true;
            self.replayed.fetch_add(u64::from(replayed), Ordering::Relaxed);
            Outcome::Taken(answer.json())
        } else if later.contains(&answer.status) {
            Outcome::Later
        } else {
            Outcome::Refused(format!("{} {}", answer.status, answer.json()))
        }
    }

    /// The next event of a key. Half of the keys name it in the body, half in the header.
    async fn publish(&self, random: &mut StdRng, slot: usize, key: &str, number: u32) {
        let once = format!("{key}-{number}");
        let mut body = json!({ "type": "order.placed", "ordering_key": key, "data": { "key": key, "number": number } });
        let header = slot.is_multiple_of(2);
        if !header {
            body["idempotency_key"] = json!(once);
        }
        let post = Post::Publish { body: body.to_string(), key: header.then_some(once) };
        let answer = self.post(random, &post).await;
        self.ledger.published(key, number, answer["id"].as_str().unwrap());
    }

    async fn customer(&self, random: &mut StdRng, id: &str) {
        let address = json!({ "state": "TX", "postal_code": "78701", "country": "US" });
        let body = json!({ "type": "customer.created", "data": { "customer_id": id, "address": address } });
        self.post(random, &Post::Publish { body: body.to_string(), key: Some(format!("new-{id}")) }).await;
    }

    async fn call(&self, random: &mut StdRng, patient: &str) {
        let body = json!({
            "event": "video_call.completed", "patient_external_id": patient, "appointment_id": format!("appt_{patient}"),
            "provider_id": "dr_abc", "call_duration_minutes": 15, "completed_at": "2026-11-04T22:30:00Z",
        });
        self.post(random, &Post::Call { id: format!("msg_{patient}"), body: body.to_string() }).await;
        self.ledger.called(patient);
    }
}

/// Posts the events of its keys until the end.
pub(super) async fn publisher(load: Arc<Load>, number: usize) {
    let mut random = StdRng::seed_from_u64(load.seed.wrapping_mul(1_000).wrapping_add(number as u64));
    let mut last = [0; KEYS_EACH];
    while !load.ended.load(Ordering::Relaxed) {
        let slot = random.random_range(0..KEYS_EACH);
        last[slot] += 1;
        load.publish(&mut random, slot, &format!("key-{number}-{slot}"), last[slot]).await;
        tokio::time::sleep(PACE).await;
    }
}

/// Posts consultations until the end, half of them before their patient is known: the message waits, and is resumed.
pub(super) async fn partner(load: Arc<Load>) {
    let mut random = StdRng::seed_from_u64(load.seed.wrapping_mul(1_000).wrapping_add(999));
    for number in 0_u64.. {
        if load.ended.load(Ordering::Relaxed) {
            break;
        }
        let patient = format!("cus_{number}");
        if random.random_bool(0.5) {
            load.call(&mut random, &patient).await;
            load.customer(&mut random, &patient).await;
        } else {
            load.customer(&mut random, &patient).await;
            load.call(&mut random, &patient).await;
        }
        tokio::time::sleep(PACE * 2).await;
    }
}
