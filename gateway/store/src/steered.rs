//! A clock that follows another one.

use crate::clock::Clock;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::time::Instant;

/// Goes on from the moment it was last told, by a clock that nobody sets. Nodes that share a database go by its clock: what one of them writes is read by others.
#[derive(Debug)]
pub struct SteeredClock {
    began: Instant,
    /// What it showed when it began, unix milliseconds.
    origin_ms: AtomicI64,
}

impl SteeredClock {
    /// A clock that shows `now_ms` now.
    pub fn at(now_ms: i64) -> Self {
        Self { began: Instant::now(), origin_ms: AtomicI64::new(now_ms) }
    }

    /// Sets it to show `now_ms` now.
    pub fn steer(&self, now_ms: i64) {
        self.origin_ms.store(now_ms.saturating_sub(self.elapsed_ms()), Ordering::Relaxed);
    }

    fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Clock for SteeredClock {
    fn now_ms(&self) -> i64 {
        self.origin_ms.load(Ordering::Relaxed).saturating_add(self.elapsed_ms())
    }
}
