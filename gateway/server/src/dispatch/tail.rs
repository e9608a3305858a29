//! What of a subscription's deliveries is in the table only, and how far it has been read.

use hookwright_core::id::DeliveryId;
use std::collections::HashSet;

/// How long a failed read is not repeated, in milliseconds.
pub(super) const READ_AGAIN_MS: i64 = 1_000;

/// The part of a subscription's deliveries that is in the table only.
#[derive(Debug)]
pub(super) struct Tail {
    /// Deliveries with ids above this one may be in the table and not in memory; `None` if there are none.
    unread: Option<i64>,
    /// The smallest id that found no room while a page was being read.
    missed: Option<i64>,
    /// A page is being read, and what was settled meanwhile: the page may still show it.
    reading: Option<HashSet<DeliveryId>>,
    /// When the soonest of the deliveries falls due that were read and found no room, unix milliseconds.
    spilled_due: i64,
    /// When a read that failed may be tried again, unix milliseconds.
    again_at: i64,
    /// Grows when everything in memory is let go: a page that was asked for before is of no use then.
    epoch: u32,
}

impl Tail {
    /// A table that was not looked at.
    pub(super) fn unread() -> Self {
        Self { unread: Some(0), missed: None, reading: None, spilled_due: i64::MAX, again_at: 0, epoch: 0 }
    }

    /// A table that is known to hold nothing, or is about to be scanned.
    pub(super) fn known() -> Self {
        Self { unread: None, ..Self::unread() }
    }

    /// Forgets what is known of the table; `unread` says whether it is to be looked at.
    pub(super) fn reset(&mut self, unread: bool) {
        let epoch = self.epoch.wrapping_add(1);
        *self = if unread { Self::unread() } else { Self::known() };
        self.epoch = epoch;
    }

    /// Which state of memory a page is read for.
    pub(super) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether something in the table is not in memory.
    pub(super) const fn is_behind(&self) -> bool {
        self.unread.is_some()
    }

    /// Whether the table's row with this id will be read in its turn.
    pub(super) fn will_read(&self, id: DeliveryId) -> bool {
        self.unread.is_some_and(|after| after < id.get())
    }

    /// A delivery that is due found no room in memory.
    pub(super) fn miss(&mut self, id: DeliveryId) {
        self.miss_after(id.get() - 1);
    }

    /// Whatever the table holds after this id may not be in memory.
    pub(super) fn miss_after(&mut self, id: i64) {
        let place = if self.reading.is_some() { &mut self.missed } else { &mut self.unread };
        *place = Some(place.map_or(id, |known| known.min(id)));
    }

    /// A delivery that is not due yet found no room in memory.
    pub(super) fn spill(&mut self, due_at: i64) {
        self.spilled_due = self.spilled_due.min(due_at);
    }

    /// Looks at the whole table again once something falls due that found no room.
    pub(super) fn recall(&mut self, now_ms: i64) {
        if self.spilled_due <= now_ms && self.reading.is_none() {
            self.spilled_due = i64::MAX;
            self.unread = Some(0);
        }
    }

    /// Whether a page may be asked for now.
    pub(super) fn may_read(&self, now_ms: i64) -> bool {
        self.unread.is_some() && self.reading.is_none() && !waits(self.again_at, now_ms)
    }

    /// Begins to read: the id after which.
    pub(super) fn begin(&mut self) -> i64 {
        self.reading = Some(HashSet::new());
        self.missed = None;
        self.unread.unwrap_or(0)
    }

    /// Notes that a delivery was settled.
    pub(super) fn settled(&mut self, id: DeliveryId) {
        if let Some(settled) = &mut self.reading {
            settled.insert(id);
        }
    }

    /// Whether a page that is being read may show this delivery although it is settled.
    pub(super) fn was_settled(&self, id: DeliveryId) -> bool {
        self.reading.as_ref().is_some_and(|settled| settled.contains(&id))
    }

    /// A page was read and taken up to this id; `end` if there is nothing after it.
    pub(super) fn finish(&mut self, taken_to: i64, end: bool) {
        self.reading = None;
        let missed = self.missed.take();
        self.unread = match missed {
            Some(missed) => Some(missed.min(taken_to)),
            None if end => None,
            None => Some(taken_to),
        };
    }

    /// A page could not be read.
    pub(super) fn fail(&mut self, now_ms: i64) {
        let after = self.unread.unwrap_or(0);
        self.finish(after, false);
        self.again_at = now_ms.saturating_add(READ_AGAIN_MS);
    }

    /// When the table is to be looked at again, unix milliseconds.
    pub(super) fn wake_at(&self, now_ms: i64) -> i64 {
        let again = if self.unread.is_some() && waits(self.again_at, now_ms) { self.again_at } else { i64::MAX };
        again.min(self.spilled_due)
    }
}

/// Whether a pause after a failed read still lasts. One that lies further ahead than any was made by a clock that has been set back since.
pub(super) const fn waits(again_at: i64, now_ms: i64) -> bool {
    again_at > now_ms && again_at.saturating_sub(now_ms) <= READ_AGAIN_MS
}
