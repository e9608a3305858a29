//! The HTTP/2 connections to one subscriber.

use super::pool::{AGE_MAX, IDLE_MAX};
use super::session::{Lease, Session};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections at once to one subscriber, for more exchanges than one may carry.
const SESSIONS_MAX: usize = 4;

/// What a subscriber was last heard to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// Nothing yet.
    Unknown = 0,
    /// HTTP/1.1.
    Http1 = 1,
    /// HTTP/2.
    Http2 = 2,
}

/// The HTTP/2 connections to one subscriber.
pub(super) struct Sessions {
    open: Mutex<Vec<Arc<Session>>>,
    spoken: AtomicU8,
    /// Held while one is made, so that exchanges that begin together share it.
    pub(super) dialling: tokio::sync::Mutex<()>,
}

impl Sessions {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { open: Mutex::default(), spoken: AtomicU8::new(0), dialling: tokio::sync::Mutex::new(()) }
    }

    /// What the subscriber was last heard to speak.
    pub(super) fn spoken(&self) -> Spoken {
        match self.spoken.load(Ordering::Relaxed) {
            1 => Spoken::Http1,
            2 => Spoken::Http2,
            _ => Spoken::Unknown,
        }
    }

    /// What it was heard to speak now.
    pub(super) fn heard(&self, spoken: Spoken) {
        self.spoken.store(spoken as u8, Ordering::Relaxed);
    }

    /// A share of a connection, unless a new one is better.
    pub(super) fn lease(&self) -> Option<Lease> {
        let mut open = self.lock();
        open.retain(|session| session.is_open(AGE_MAX));
        let least = open.iter().min_by_key(|session| session.streams())?;
        (least.has_room() || open.len() >= SESSIONS_MAX).then(|| least.lease())
    }

    /// Takes up a new connection, and gives a share of it.
    pub(super) fn open(&self, session: Arc<Session>) -> Lease {
        let lease = session.lease();
        if session.is_kept() {
            self.lock().push(session);
        }
        lease
    }

    /// Closes what has been idle for too long, or is of no use any more.
    pub(super) fn sweep(&self) {
        self.lock().retain(|session| session.is_open(AGE_MAX) && !session.is_idle(IDLE_MAX));
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Session>>> {
        // The list is whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
