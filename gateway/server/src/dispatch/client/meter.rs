//! What passes over a connection: how much may still come in, and when anything last went out.
//!
//! The protocol machines bound a head and a body, but neither what comes before a head nor what belongs to no answer at all. Here every byte counts, whatever it means.

use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// What may come in before an answer's head is whole, interim answers (1xx) included, in bytes: more than the longest head and one read of what follows it.
pub(super) const BEFORE_BODY_BYTES_MAX: u64 = 32 * 1024;

/// The meter of one connection.
pub(super) struct Meter {
    read: AtomicU64,
    allowed: AtomicU64,
    born: Instant,
    /// When bytes last went out, in microseconds since it was made. Only kept if somebody waits by it.
    written_us: AtomicU64,
    timed: bool,
}

/// More came in than was allowed.
#[derive(Debug)]
pub(super) struct Excess;

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more came in than any answer needs")
    }
}

impl std::error::Error for Excess {}

impl Meter {
    /// A meter; `timed` if somebody waits by [`Meter::written_at`].
    pub(super) fn new(timed: bool) -> Arc<Self> {
        Arc::new(Self {
            read: AtomicU64::new(0),
            allowed: AtomicU64::new(BEFORE_BODY_BYTES_MAX),
            born: Instant::now(),
            written_us: AtomicU64::new(0),
            timed,
        })
    }

    /// An answer's head comes next.
    pub(super) fn expect_head(&self) {
        self.read.store(0, Ordering::Relaxed);
        self.allowed.store(BEFORE_BODY_BYTES_MAX, Ordering::Relaxed);
        self.note_written();
    }

    /// A body comes next; whoever reads it bounds it.
    pub(super) fn expect_body(&self) {
        self.allowed.store(u64::MAX, Ordering::Relaxed);
    }

    /// So many bytes more may come in from now on, whatever they mean.
    pub(super) fn allow(&self, bytes: usize) {
        self.allowed.store(self.total().saturating_add(bytes as u64), Ordering::Relaxed);
    }

    /// What has come in so far, or since a head was expected, in bytes.
    pub(super) fn total(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Refuses another read once too much has come in.
    pub(super) fn check(&self) -> Result<()> {
        let excess = self.total() >= self.allowed.load(Ordering::Relaxed);
        if excess { Err(Error::new(ErrorKind::InvalidData, Excess)) } else { Ok(()) }
    }

    /// So many bytes came in.
    pub(super) fn note_read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes went out.
    pub(super) fn note_written(&self) {
        if self.timed {
            let us = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.written_us.store(us, Ordering::Relaxed);
        }
    }

    /// Whether anything has come in since a head was expected.
    pub(super) fn has_read(&self) -> bool {
        self.total() > 0
    }

    /// When bytes last went out.
    pub(super) fn written_at(&self) -> Instant {
        self.born + Duration::from_micros(self.written_us.load(Ordering::Relaxed))
    }
}

impl Excess {
    /// Whether an error of a connection, or what it was made from, is this.
    pub(super) fn is_in(error: &Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}
