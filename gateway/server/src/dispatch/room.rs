//! How much of the backlog may be in memory, over all subscriptions.

use hookwright_core::delivery::Pending;

/// What every lane may hold even where the whole is full, so that a crowd of full lanes starves nobody.
const ENTRIES_OF_LANE_MIN: usize = 8;

/// What is in memory and how much may be.
#[derive(Debug)]
pub(super) struct Room {
    entries: usize,
    entries_max: usize,
    event_bytes: usize,
    event_bytes_max: usize,
}

impl Room {
    /// Room for so many deliveries, and for so many bytes of their events.
    pub(super) const fn new(entries_max: usize, event_bytes_max: usize) -> Self {
        Self { entries: 0, entries_max, event_bytes: 0, event_bytes_max }
    }

    /// Whether a lane that holds so many deliveries may hold one more.
    pub(super) fn fits(&self, of_lane: usize) -> bool {
        self.free(of_lane) > 0
    }

    /// How many more a lane may hold that holds so many.
    pub(super) fn free(&self, of_lane: usize) -> usize {
        self.entries_max.saturating_sub(self.entries).max(ENTRIES_OF_LANE_MIN.saturating_sub(of_lane))
    }

    /// Whether events may be loaded ahead of their turn.
    pub(super) const fn fits_events(&self) -> bool {
        self.event_bytes < self.event_bytes_max
    }

    /// Counts a delivery in. Its event is let go where there are too many bytes of them already: it is loaded again when its turn comes.
    pub(super) fn enter(&mut self, pending: &mut Pending) {
        self.entries += 1;
        if !self.fits_events() {
            pending.event = None;
        }
        self.event_bytes += bytes(pending);
    }

    /// Counts a delivery out.
    pub(super) fn leave(&mut self, pending: &Pending) {
        self.entries = self.entries.saturating_sub(1);
        self.event_bytes = self.event_bytes.saturating_sub(bytes(pending));
    }

    /// Counts the event in that was loaded for a delivery.
    pub(super) fn loaded(&mut self, pending: &Pending) {
        self.event_bytes += bytes(pending);
    }

    /// Deliveries in memory that wait for their turn or their time.
    #[cfg(test)]
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }
}

fn bytes(pending: &Pending) -> usize {
    pending.event.as_ref().map_or(0, |event| event.data.len())
}
