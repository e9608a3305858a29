//! From the writers to the dispatcher: deliveries that were committed a moment ago, their events still in memory.

use hookwright_core::delivery::Pending;
use hookwright_store::Fresh;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// More than the dispatcher could send in the time it takes to read them from the table.
const HELD_MAX: usize = 16_384;
/// Bytes of events that are kept in memory for it; beyond, deliveries are handed over without their events.
const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) fresh: Fresh,
    event_bytes: usize,
    /// What the dispatcher serves has changed.
    pub(crate) turned: bool,
}

/// A bounded buffer that forgets rather than blocks: what does not fit is found in the table.
#[derive(Debug, Default)]
pub(crate) struct Handover {
    held: Mutex<Held>,
    pub(crate) filled: Notify,
}

impl Handover {
    /// Hands over what a commit created.
    pub(crate) fn offer(&self, deliveries: Vec<Pending>) {
        if deliveries.is_empty() {
            return;
        }
        let mut held = self.lock();
        let room = HELD_MAX.saturating_sub(held.fresh.deliveries.len());
        held.fresh.missed |= deliveries.len() > room;
        for mut delivery in deliveries.into_iter().take(room) {
            held.event_bytes += delivery.event.as_ref().map_or(0, |event| event.data.len());
            if held.event_bytes > EVENT_BYTES_MAX {
                delivery.event = None;
            }
            held.fresh.deliveries.push(delivery);
        }
        drop(held);
        self.filled.notify_one();
    }

    /// Takes everything there is; waits while there is nothing.
    pub(crate) async fn take(&self) -> Fresh {
        loop {
            // Interest is registered before the look, so that an offer in between is not missed.
            let filled = self.filled.notified();
            let Held { fresh, turned, .. } = std::mem::take(&mut *self.lock());
            if turned || fresh.missed || fresh.revoked || !fresh.deliveries.is_empty() {
                return fresh;
            }
            filled.await;
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Held> {
        // The buffer is whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
