//! The walk over the whole table of pending deliveries: at the start, and when the hand-over of fresh ones overflowed.

use super::tail::{READ_AGAIN_MS, waits};
use hookwright_core::id::DeliveryId;
use std::collections::HashSet;

/// How far back a walk begins before the last delivery that was seen, as an id: ten seconds. Ids ascend by creation, and commits follow them closely.
const MARGIN: i64 = 10_000 << 22;

/// Where the walk is.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The id after which the next page begins, while there is one to read.
    after: Option<i64>,
    /// Where to begin anew once the page that is being read is here.
    again: Option<i64>,
    /// What was settled while a page is being read: the page may still show it.
    reading: Option<HashSet<DeliveryId>>,
    again_at: i64,
    newest_seen: i64,
}

impl Scan {
    /// A walk from the beginning.
    pub(super) fn from_start() -> Self {
        Self { after: Some(0), ..Self::default() }
    }

    /// Notes a delivery that the hand-over brought.
    pub(super) fn saw(&mut self, id: DeliveryId) {
        self.newest_seen = self.newest_seen.max(id.get());
    }

    /// The hand-over left some out after this one had been seen: those are looked for. Returns the id after which.
    pub(super) fn missed(&mut self) -> i64 {
        let from = self.newest_seen.saturating_sub(MARGIN).max(0);
        self.walk_from(from);
        from
    }

    /// Walks the whole table again.
    pub(super) fn restart(&mut self) {
        self.walk_from(0);
    }

    fn walk_from(&mut self, from: i64) {
        let place = if self.reading.is_some() { &mut self.again } else { &mut self.after };
        *place = Some(place.map_or(from, |place| place.min(from)));
    }

    /// The id after which a page is wanted.
    pub(super) fn begin(&mut self, now_ms: i64) -> Option<i64> {
        if self.reading.is_some() || waits(self.again_at, now_ms) {
            return None;
        }
        let after = self.after?;
        self.reading = Some(HashSet::new());
        Some(after)
    }

    /// Notes that a delivery was settled.
    pub(super) fn settled(&mut self, id: DeliveryId) {
        if let Some(settled) = &mut self.reading {
            settled.insert(id);
        }
    }

    /// Ends the reading of a page whose last row is `last`, the end of the table if `end`. Returns what was settled meanwhile.
    pub(super) fn finish(&mut self, last: Option<DeliveryId>, end: bool) -> HashSet<DeliveryId> {
        self.after = if end { None } else { last.map(DeliveryId::get) };
        let settled = self.reading.take().unwrap_or_default();
        self.begin_anew();
        settled
    }

    fn begin_anew(&mut self) {
        if let Some(from) = self.again.take() {
            self.walk_from(from);
        }
    }

    /// A page could not be read.
    pub(super) fn fail(&mut self, now_ms: i64) {
        self.reading = None;
        self.again_at = now_ms.saturating_add(READ_AGAIN_MS);
        self.begin_anew();
    }

    /// When a page that could not be read is tried again, unix milliseconds.
    pub(super) fn wake_at(&self, now_ms: i64) -> i64 {
        if self.after.is_some() && waits(self.again_at, now_ms) { self.again_at } else { i64::MAX }
    }
}
