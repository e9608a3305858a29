//! One subscription's deliveries in memory: those that are ready, those that wait for their time, and what is known of the rest.
//!
//! It decides nothing about other subscriptions and does no input or output.

use super::decide::Throttled;
use super::room::Room;
use super::tail::{READ_AGAIN_MS, Tail, waits};
use super::throttle::Throttle;
use hookwright_core::delivery::Pending;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// How much of a subscription's backlog is in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// The most deliveries that are ready.
    pub(super) ready: usize,
    /// The most deliveries that wait for their time.
    pub(super) waiting: usize,
    /// Deliveries read from the table at once.
    pub(super) page: usize,
    /// Events are loaded when fewer than this many deliveries in front have theirs.
    pub(super) lookahead: usize,
    /// Events loaded at once.
    pub(super) load: usize,
    /// Events loaded at once where memory is short.
    pub(super) load_short: usize,
}

impl Window {
    /// What is in force unless a test says otherwise.
    pub(super) const USUAL: Self =
        Self { ready: 2_048, waiting: 16_384, page: 512, lookahead: 32, load: 128, load_short: 8 };
}

/// How long a delivery whose exchange ended without a word is left alone, in milliseconds.
const LOST_MS: i64 = 30_000;

/// What an exchange says about the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It took the delivery.
    Delivered,
    /// It has too much to do.
    Throttled(Throttled),
    /// It wants no more.
    Gone,
    /// Nothing that concerns its other deliveries.
    Other,
}

/// How an exchange and its recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The delivery is settled, or not ours to say: nothing more to do.
    Done,
    /// Another attempt is due.
    Retry {
        /// When, unix milliseconds.
        due_at: i64,
    },
    /// The task ended without recording anything, by a panic: the table says what it said before.
    Lost,
}

/// One subscription's deliveries in memory.
#[derive(Debug)]
pub(super) struct Lane {
    window: Window,
    active: bool,
    in_flight_max: usize,
    in_flight: usize,
    ready: VecDeque<Pending>,
    waiting: BTreeMap<(i64, DeliveryId), Pending>,
    /// Everything of this subscription that is in memory or under way.
    held: HashSet<DeliveryId>,
    /// Retries that an operator asked for while an attempt was under way.
    asked: HashMap<DeliveryId, Pending>,
    tail: Tail,
    throttle: Throttle,
    /// Deliveries that were answered with 410 and are not on record yet: until they are, and the subscription is off, nothing more is sent.
    gone: Vec<DeliveryId>,
    loading: bool,
    load_again_at: i64,
}

impl Lane {
    /// A subscription's lane with nothing in it; `unread` says whether the table is to be looked at.
    pub(super) fn new(window: Window, active: bool, in_flight_max: usize, unread: bool) -> Self {
        Self {
            window,
            active,
            in_flight_max,
            in_flight: 0,
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            held: HashSet::new(),
            asked: HashMap::new(),
            tail: if unread && active { Tail::unread() } else { Tail::known() },
            throttle: Throttle::default(),
            gone: Vec::new(),
            loading: false,
            load_again_at: 0,
        }
    }

    /// Takes the subscription's settings. One that is switched off lets go of what it has in memory; one that is switched on looks at the table.
    pub(super) fn configure(&mut self, active: bool, in_flight_max: usize, room: &mut Room) {
        self.in_flight_max = in_flight_max;
        if active != self.active {
            self.active = active;
            self.let_go(room);
            self.tail.reset(active);
        }
    }

    fn let_go(&mut self, room: &mut Room) {
        for pending in self.ready.drain(..).chain(std::mem::take(&mut self.waiting).into_values()) {
            room.leave(&pending);
            self.held.remove(&pending.id);
        }
    }

    /// Whether nothing of it is in memory or under way.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes a delivery that was committed a moment ago.
    pub(super) fn take_fresh(&mut self, pending: Pending, now_ms: i64, room: &mut Room) {
        if !self.active || self.held.contains(&pending.id) {
            return;
        }
        // While older ones wait in the table, part of the room is kept for them.
        let ready_max = if self.tail.is_behind() { self.window.ready - self.window.page } else { self.window.ready };
        let id = pending.id;
        if !self.admit(pending, now_ms, ready_max, room) {
            self.tail.miss(id);
        }
    }

    /// Takes a delivery that an operator wants tried now.
    pub(super) fn take_asked(&mut self, pending: Pending, now_ms: i64, room: &mut Room) {
        let id = pending.id;
        let waits = self.waiting.keys().find(|(_, waiting)| *waiting == id).copied();
        if let Some(key) = waits
            && let Some(waited) = self.waiting.remove(&key)
        {
            room.leave(&waited);
            self.held.remove(&id);
        }
        if let Some(ready) = self.ready.iter_mut().find(|ready| ready.id == id) {
            ready.budget_from = pending.budget_from;
        } else if self.held.contains(&id) {
            self.asked.insert(id, pending);
        } else {
            self.take_fresh(pending, now_ms, room);
        }
    }

    /// Takes a row of a scan over the whole table.
    pub(super) fn take_scanned(&mut self, pending: Pending, now_ms: i64, room: &mut Room) {
        let id = pending.id;
        let known = self.held.contains(&id) || self.tail.was_settled(id) || self.tail.will_read(id);
        if self.active && !known && !self.admit(pending, now_ms, self.window.ready, room) {
            self.tail.miss(id);
        }
    }

    /// Takes a page of the table, which was asked for in `epoch` with this limit.
    pub(super) fn take_page(&mut self, epoch: u32, page: Vec<Pending>, limit: usize, now_ms: i64, room: &mut Room) {
        if epoch != self.tail.epoch() {
            return;
        }
        let end = page.len() < limit;
        let mut taken_to = page.last().map_or(0, |last| last.id.get());
        let mut full = false;
        for pending in page {
            let id = pending.id;
            if self.held.contains(&id) || self.tail.was_settled(id) {
                continue;
            }
            if !self.admit(pending, now_ms, self.window.ready, room) {
                taken_to = id.get() - 1;
                full = true;
                break;
            }
        }
        self.tail.finish(taken_to, end && !full);
    }

    /// A page that was asked for could not be read.
    pub(super) fn page_failed(&mut self, epoch: u32, now_ms: i64) {
        if epoch == self.tail.epoch() {
            self.tail.fail(now_ms);
        }
    }

    /// Puts a delivery where it belongs; false if it is due and finds no room.
    fn admit(&mut self, mut pending: Pending, now_ms: i64, ready_max: usize, room: &mut Room) -> bool {
        if pending.due_at > now_ms {
            self.wait(pending, room);
            return true;
        }
        if self.ready.len() >= ready_max || !room.fits(self.queued()) {
            return false;
        }
        room.enter(&mut pending);
        self.held.insert(pending.id);
        self.ready.push_back(pending);
        true
    }

    /// Keeps a delivery until its time. Where there is no room, the one that is due last goes: the table has it.
    fn wait(&mut self, mut pending: Pending, room: &mut Room) {
        pending.event = None;
        let key = (pending.due_at, pending.id);
        if self.waiting.len() >= self.window.waiting || !room.fits(self.queued()) {
            let Some(last) = self.waiting.last_entry().filter(|last| *last.key() > key) else {
                self.tail.spill(pending.due_at);
                return;
            };
            let last = last.remove();
            room.leave(&last);
            self.held.remove(&last.id);
            self.tail.spill(last.due_at);
        }
        room.enter(&mut pending);
        self.held.insert(pending.id);
        self.waiting.insert(key, pending);
    }

    fn queued(&self) -> usize {
        self.ready.len() + self.waiting.len()
    }

    /// Makes ready what is due by now, as far as there is room.
    pub(super) fn promote(&mut self, now_ms: i64) {
        while self.ready.len() < self.window.ready
            && let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now_ms)
        {
            self.ready.push_back(first.remove());
        }
        if self.active {
            self.tail.recall(now_ms);
        }
    }

    /// Whether an exchange may begin now, as far as this subscription goes.
    pub(super) fn is_runnable(&self, now_ms: i64) -> bool {
        self.active
            && self.in_flight < self.in_flight_max
            && self.gone.is_empty()
            && self.throttle.until(now_ms) <= now_ms
            && self.ready.front().is_some_and(|front| front.event.is_some())
    }

    /// Exchanges that are under way.
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The next delivery to send. Call it only where [`Lane::is_runnable`] says so.
    pub(super) fn pick(&mut self, room: &mut Room) -> Option<Pending> {
        let pending = self.ready.pop_front()?;
        room.leave(&pending);
        self.in_flight += 1;
        Some(pending)
    }

    /// An exchange is over, and its record is on its way to the store.
    pub(super) fn answered(&mut self, id: DeliveryId, reply: Reply, now_ms: i64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match reply {
            Reply::Delivered => self.throttle.delivered(),
            Reply::Throttled(asked) => self.throttle.slow(asked, now_ms),
            Reply::Gone => self.gone.push(id),
            Reply::Other => {}
        }
    }

    /// What became of a delivery is on record, or never will be.
    pub(super) fn settled(&mut self, mut pending: Pending, settled: Settled, now_ms: i64, room: &mut Room) {
        self.held.remove(&pending.id);
        self.tail.settled(pending.id);
        self.gone.retain(|gone| *gone != pending.id);
        let asked = self.asked.remove(&pending.id);
        match settled {
            Settled::Done => return,
            Settled::Lost => pending.due_at = now_ms.saturating_add(LOST_MS),
            Settled::Retry { due_at } => {
                pending.attempts += 1;
                pending.due_at = due_at;
            }
        }
        if let Some(asked) = asked {
            pending.budget_from = asked.budget_from;
        }
        if self.active {
            self.wait(pending, room);
        }
    }

    /// Whether something is to be read for it.
    pub(super) fn wants_read(&self, now_ms: i64, room: &Room) -> bool {
        self.wants_events(now_ms, room) || self.wants_page(now_ms, room)
    }

    fn wants_page(&self, now_ms: i64, room: &Room) -> bool {
        let roomy = self.window.ready - self.ready.len() >= self.window.page && room.fits(self.queued());
        self.active && roomy && self.tail.may_read(now_ms)
    }

    /// The page of the table that is wanted: the id after which, and how many rows.
    pub(super) fn begin_page(&mut self, now_ms: i64, room: &Room) -> Option<(i64, usize)> {
        self.wants_page(now_ms, room).then(|| (self.tail.begin(), room.free(self.queued()).min(self.window.page)))
    }

    /// Which state of memory a page is read for.
    pub(super) const fn epoch(&self) -> u32 {
        self.tail.epoch()
    }

    fn wants_events(&self, now_ms: i64, room: &Room) -> bool {
        let bare = |pending: Option<&Pending>| pending.is_some_and(|pending| pending.event.is_none());
        let may = self.active && !self.loading && !waits(self.load_again_at, now_ms);
        let soon = self.ready.get(self.window.lookahead).or(self.ready.back());
        may && (bare(self.ready.front()) || bare(soon) && room.fits_events())
    }

    /// The events that are wanted soon and not in memory.
    pub(super) fn begin_load(&mut self, now_ms: i64, room: &Room) -> Option<Vec<EventId>> {
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
    pub(super) fn take_events(&mut self, asked: &[EventId], events: Vec<Arc<Event>>, room: &mut Room) -> Vec<Pending> {
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
    pub(super) fn load_failed(&mut self, now_ms: i64) {
        self.loading = false;
        self.load_again_at = now_ms.saturating_add(READ_AGAIN_MS);
    }

    /// When something changes here by the passing of time alone, unix milliseconds.
    pub(super) fn wake_at(&self, now_ms: i64) -> i64 {
        if !self.active {
            return i64::MAX;
        }
        let later = |at: i64| if at > now_ms { at } else { i64::MAX };
        let due = match self.waiting.first_key_value() {
            Some(((due_at, _), _)) if self.ready.len() < self.window.ready => *due_at,
            _ => i64::MAX,
        };
        let paused = match self.ready.front() {
            Some(front) if front.event.is_none() => later(self.load_again_at).min(later(self.throttle.until(now_ms))),
            Some(_) => later(self.throttle.until(now_ms)),
            None => i64::MAX,
        };
        later(due).min(paused).min(later(self.tail.wake_at(now_ms)))
    }
}

#[cfg(test)]
mod tests;
