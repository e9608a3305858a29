//! Nothing that a partner wrote reaches the process's log.

use super::wire::Wire;
use super::{assert_problem, post};
use crate::harness::{Gateway, eventually, guests, video_call};
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Stands for a name, an id, a secret: whatever must stay between partner and gateway.
const MARK: &str = "xq7marie-curie";

/// Everything that is logged in this process, by whatever test, until it is taken.
#[derive(Clone)]
struct Captured(Arc<Mutex<Option<Vec<u8>>>>);

impl Captured {
    fn has(&self, text: &str) -> bool {
        let captured = self.0.lock().unwrap();
        captured.as_ref().is_some_and(|bytes| String::from_utf8_lossy(bytes).contains(text))
    }

    /// What was logged; the tests after this one are not captured.
    fn take(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap().take().unwrap()).into_owned()
    }
}

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(captured) = self.0.lock().unwrap().as_mut() {
            captured.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_sends_is_not_in_the_log_however_talkative_it_is() {
    let captured = Captured(Arc::new(Mutex::new(Some(Vec::new()))));
    let subscriber = tracing_subscriber::fmt().with_env_filter("debug,hookwright=trace");
    // No other test sets one, and tests of one process share it.
    subscriber.with_writer(captured.clone()).init();
    let gateway = Gateway::start().await;
    gateway.push("unruly", guests::unruly()).await;
    gateway.source_open("open", json!({ "verification": { "type": "none" }, "plugin": "unruly" })).await;
    let emr = gateway.source("emr").await;
    let marked = format!("{{\"name\":\"{MARK}\"}}");
    let secret = format!("Bearer {MARK}");
    let headers = [("authorization", secret.as_str()), ("x-name", MARK), ("content-type", "application/json")];
    for hook in ["trap", "loop", "nonsense", "malformed", "settings", "event", "fine"] {
        post(&gateway, &format!("/webhooks/open/{hook}?name={MARK}"), &headers, marked.as_bytes()).await;
    }
    let broken = format!("{{\"name\":\"{MARK}\",");
    assert_problem(&post(&gateway, "/webhooks/open/x", &headers, broken.as_bytes()).await, 422, "malformed");
    post(&gateway, &format!("/webhooks/{MARK}/{MARK}"), &headers, marked.as_bytes()).await;
    post(&gateway, "/webhooks/emr/x", &headers, marked.as_bytes()).await;
    emr.post(&gateway, "video-call-completed", &video_call(MARK, MARK)).await;
    gateway.customer(MARK, "TX", "78701").await;
    let mut wire = Wire::open(&gateway).await;
    wire.send(
        format!("{} /webhooks/open/x HTTP/1.1\r\nhost: {MARK}\r\nconnection: close\r\n\r\n", MARK.to_uppercase())
            .as_bytes(),
    )
    .await;
    wire.read().await;
    let last = post(&gateway, "/webhooks/open/fine", &[("x-request-id", "the-last-one")], b"").await;
    assert!(last.status.is_success());
    // The log is written before the answer is read, and by other tests as well: the line must come.
    eventually("the last request is logged", async || captured.has("the-last-one").then_some(())).await;
    let text = captured.take();
    let told = text.lines().filter(|line| line.to_lowercase().contains(MARK)).collect::<Vec<_>>();
    assert!(told.is_empty(), "{}", told.join("\n"));
}
