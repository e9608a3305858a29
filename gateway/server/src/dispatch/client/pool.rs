//! Idle HTTP/1.1 connections to one subscriber.

use super::link::Link;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A connection idle for longer is closed: most servers close theirs after a minute.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(30);
/// A connection older than this is not used again, so that a name that moved is followed.
pub(super) const AGE_MAX: Duration = Duration::from_mins(5);

/// How many idle connections there are and may be, over all subscribers.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    taken: Arc<AtomicUsize>,
    max: usize,
}

impl Allowance {
    /// Room for so many.
    pub(super) fn new(max: usize) -> Self {
        Self { taken: Arc::default(), max }
    }

    /// Takes up one of them, if there is one.
    pub(super) fn take(&self) -> bool {
        // A thread that reads while another gives back refuses one too many at worst.
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        if before >= self.max {
            self.give_back(1);
        }
        before < self.max
    }

    /// How many idle connections there are.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Gives some of them back.
    pub(super) fn give_back(&self, count: usize) {
        self.taken.fetch_sub(count, Ordering::Relaxed);
    }
}

/// Idle connections to one subscriber, the latest used first.
pub(super) struct Pool {
    idle: Mutex<Vec<Link>>,
    allowance: Allowance,
}

impl Pool {
    /// An empty pool that shares an allowance.
    pub(super) fn new(allowance: Allowance) -> Self {
        Self { idle: Mutex::default(), allowance }
    }

    /// The connection that was used last, if there is one worth trying.
    pub(super) fn take(&self) -> Option<Link> {
        let now = Instant::now();
        let link = self.lock().pop()?;
        self.allowance.give_back(1);
        // Those below it have been idle for longer: the sweep has them.
        (now - link.idle_since < IDLE_MAX && now - link.born < AGE_MAX).then_some(link)
    }

    /// Keeps a connection for the next exchange, if there is room.
    pub(super) fn put(&self, mut link: Link) {
        if self.allowance.take() {
            link.idle_since = Instant::now();
            self.lock().push(link);
        }
    }

    /// Idle connections in it.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Closes what has been idle for too long.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut idle = self.lock();
        let stale = idle.iter().take_while(|link| now - link.idle_since >= IDLE_MAX).count();
        self.allowance.give_back(stale);
        idle.drain(..stale);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Link>> {
        // The list is whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.allowance.give_back(self.lock().len());
    }
}
