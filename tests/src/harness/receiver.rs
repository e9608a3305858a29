//! A subscriber: records what comes, and answers as the test says.

use super::patience::PATIENCE;
use hookwright::clock::SystemClock;
use hookwright::sink::{Answerer, Delivered, Reply, Sink};
use http::StatusCode;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A running subscriber.
pub(crate) struct Receiver {
    sink: Sink,
    answerer: Arc<Mutex<Answerer>>,
}

impl Receiver {
    /// One that answers 200 at once.
    pub(crate) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// One on a listener of the test's own.
    pub(crate) fn on(listener: TcpListener) -> Self {
        let first: Answerer = Arc::new(|_| Reply::status(StatusCode::OK));
        let answerer = Arc::new(Mutex::new(first));
        let current = Arc::clone(&answerer);
        let ask: Answerer = Arc::new(move |delivered| {
            let answerer = Arc::clone(&current.lock().unwrap());
            answerer(delivered)
        });
        Self { sink: Sink::start(listener, Vec::new(), Arc::new(SystemClock), ask).unwrap(), answerer }
    }

    /// Answers otherwise from now on.
    pub(crate) fn answer(&self, answerer: impl Fn(&Delivered) -> Reply + Send + Sync + 'static) {
        *self.answerer.lock().unwrap() = Arc::new(answerer);
    }

    /// Answers with this status from now on.
    pub(crate) fn status(&self, status: StatusCode) {
        self.answer(move |_| Reply::status(status));
    }

    /// The address of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.sink.address())
    }

    /// The next request; panics if none comes.
    pub(crate) async fn next(&mut self) -> Delivered {
        let next = tokio::time::timeout(PATIENCE, self.sink.next()).await;
        next.expect("nothing was delivered in time").expect("the receiver ended")
    }

    /// The next request, however long it takes to come.
    pub(crate) async fn next_ever(&mut self) -> Delivered {
        self.sink.next().await.expect("the receiver ended")
    }
}
