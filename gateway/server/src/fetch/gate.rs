//! How hard one partner is asked: so many requests a second, and so many at once.

use crate::dispatch::bucket::Bucket;
use hookwright_core::id::SourceId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Requests to one partner that are under way at once.
const AT_ONCE_MAX: usize = 8;

/// The gate of one source.
pub(super) struct Gate {
    began: Instant,
    bucket: Mutex<Bucket>,
    under_way: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            bucket: Mutex::new(Bucket::new(Some(1))),
            under_way: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }

    /// Waits until another request may be made, and holds its place.
    pub(super) async fn pass(&self, rate_per_second: u32) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.under_way).acquire_owned().await.ok()?;
        while let Some(wait) = self.take(rate_per_second) {
            tokio::time::sleep(wait).await;
        }
        Some(permit)
    }

    /// Takes a request out of the bucket, or tells how long to wait for one.
    fn take(&self, rate_per_second: u32) -> Option<Duration> {
        // Measured from the beginning, so that a clock that is set has no say.
        let now = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.configure(Some(rate_per_second));
        let ready = bucket.ready_at(now);
        if ready <= now {
            bucket.take(now);
            return None;
        }
        Some(Duration::from_millis(ready.abs_diff(now)))
    }
}

/// The gates of all sources.
#[derive(Default)]
pub(super) struct Gates(Mutex<HashMap<SourceId, Arc<Gate>>>);

impl Gates {
    pub(super) fn of(&self, source: SourceId) -> Arc<Gate> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(source).or_insert_with(|| Arc::new(Gate::new())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_requests_begin_in_a_second_than_the_rate_allows() {
        let gate = Gate::new();
        let began = Instant::now();
        for _ in 0..21 {
            drop(gate.pass(10).await.unwrap());
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(1_900) && took <= Duration::from_millis(2_100), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn eight_are_under_way_at_once_and_no_more() {
        let gate = Arc::new(Gate::new());
        let mut held = Vec::new();
        for _ in 0..AT_ONCE_MAX {
            held.push(gate.pass(1_000).await.unwrap());
        }
        let next = tokio::time::timeout(Duration::from_secs(5), gate.pass(1_000)).await;
        assert!(next.is_err());
        held.pop();
        assert!(tokio::time::timeout(Duration::from_secs(5), gate.pass(1_000)).await.is_ok());
    }
}
