//! What a lane reads from the store: pages of the table, and the events of what is next.

use super::Lane;
use crate::dispatch::room::Room;
use crate::dispatch::tail::{READ_AGAIN_MS, waits};
use hookwright_core::delivery::Pending;
use hookwright_core::event::Event;
use hookwright_core::id::EventId;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

impl Lane {
    /// Whether something is to be read for it.
    pub(in crate::dispatch) fn wants_read(&self, now_ms: i64, room: &Room) -> bool {
        self.wants_events(now_ms, room) || self.wants_page(now_ms, room)
    }

    fn wants_page(&self, now_ms: i64, room: &Room) -> bool {
        let roomy = self.window.ready.saturating_sub(self.ready.len()) >= self.window.page && room.fits(self.queued());
        let lines_full = self.terms.order.is_some() && self.waiting.len() + self.lines.behind() >= self.window.waiting;
        self.terms.active && roomy && !lines_full && self.tail.may_read(now_ms)
    }

    /// The page of the table that is wanted: the id after which, and how many rows.
    pub(in crate::dispatch) fn begin_page(&mut self, now_ms: i64, room: &Room) -> Option<(i64, usize)> {
        self.wants_page(now_ms, room).then(|| (self.tail.begin(), room.free(self.queued()).min(self.window.page)))
    }

    /// Which state of memory a page is read for.
    pub(in crate::dispatch) const fn epoch(&self) -> u32 {
        self.tail.epoch()
    }

    fn wants_events(&self, now_ms: i64, room: &Room) -> bool {
        let bare = |pending: Option<&Pending>| pending.is_some_and(|pending| pending.event.is_none());
        let may = self.terms.active && !self.loading && !waits(self.load_again_at, now_ms);
        let soon = self.ready.get(self.window.lookahead).or(self.ready.back());
        may && (bare(self.ready.front()) || bare(soon) && room.fits_events())
    }

    /// The events that are wanted soon and not in memory.
    pub(in crate::dispatch) fn begin_load(&mut self, now_ms: i64, room: &Room) -> Option<Vec<EventId>> {
        if !self.wants_events(now_ms, room) {
            return None;
        }
        let load_max = if room.fits_events() { self.window.load } else { self.window.load_short };
        let in_front = self.ready.iter().take(self.window.load).filter(|pending| pending.event.is_none());
        let events = in_front.take(load_max).map(|pending| pending.event_id).collect();
        self.loading = true;
        Some(events)
    }

    /// Takes the events that were asked for. Returns the deliveries whose event is not in the store: there is nothing to send.
    pub(in crate::dispatch) fn take_events(
        &mut self,
        asked: &[EventId],
        events: Vec<Arc<Event>>,
        room: &mut Room,
    ) -> Vec<Pending> {
        self.loading = false;
        let events: HashMap<EventId, Arc<Event>> = events.into_iter().map(|event| (event.id, event)).collect();
        let mut missing = HashSet::new();
        for pending in self.ready.iter_mut().take(self.window.load).filter(|pending| pending.event.is_none()) {
            if let Some(event) = events.get(&pending.event_id) {
                pending.event = Some(Arc::clone(event));
                room.loaded(pending);
            } else if asked.contains(&pending.event_id) {
                missing.insert(pending.id);
            }
        }
        if missing.is_empty() {
            return Vec::new();
        }
        let (gone, kept) = self.ready.drain(..).partition(|pending| missing.contains(&pending.id));
        self.ready = kept;
        let gone: VecDeque<Pending> = gone;
        for pending in &gone {
            room.leave(pending);
        }
        gone.into()
    }

    /// The events that were asked for could not be loaded.
    pub(in crate::dispatch) fn load_failed(&mut self, now_ms: i64) {
        self.loading = false;
        self.load_again_at = now_ms.saturating_add(READ_AGAIN_MS);
    }
}
