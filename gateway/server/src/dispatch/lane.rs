//! One subscription's deliveries in memory: those that are ready, those that wait for their time, and what is known of the rest.
//!
//! It decides nothing about other subscriptions and does no input or output.

mod lines;
mod reads;
mod terms;

pub use terms::Health;
pub(super) use terms::{Reply, Settled, Terms, Window};

use super::decide::last_moment;
use super::failing::Fare;
use super::gate::Gate;
use super::room::Room;
use super::tail::Tail;
use hookwright_core::delivery::Pending;
use hookwright_core::delivery_options::HeadPolicy;
use hookwright_core::id::DeliveryId;
use lines::Lines;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// How long a delivery whose exchange ended without a word is left alone, in milliseconds.
const LOST_MS: i64 = 30_000;

/// One subscription's deliveries in memory.
#[derive(Debug)]
pub(super) struct Lane {
    window: Window,
    terms: Terms,
    in_flight: usize,
    ready: VecDeque<Pending>,
    waiting: BTreeMap<(i64, DeliveryId), Pending>,
    lines: Lines,
    /// Everything of this subscription that is in memory or under way.
    held: HashSet<DeliveryId>,
    /// Retries that an operator asked for while an attempt was under way.
    asked: HashMap<DeliveryId, Pending>,
    tail: Tail,
    gate: Gate,
    /// Deliveries that were too old to be tried when their turn came.
    expired: Vec<Pending>,
    /// Deliveries that were answered with 410 and are not on record yet: until they are, and the subscription is off, nothing more is sent.
    gone: Vec<DeliveryId>,
    loading: bool,
    load_again_at: i64,
}

impl Lane {
    /// A subscription's lane with nothing in it; `unread` says whether the table is to be looked at.
    pub(super) fn new(window: Window, terms: Terms, unread: bool) -> Self {
        // One that keeps an order reads the table itself: nothing is sent before what stands before it was seen.
        let unread = (unread || terms.order.is_some()) && terms.active;
        Self {
            window,
            terms,
            in_flight: 0,
            ready: VecDeque::new(),
            waiting: BTreeMap::new(),
            lines: Lines::default(),
            held: HashSet::new(),
            asked: HashMap::new(),
            tail: if unread { Tail::unread() } else { Tail::known() },
            gate: Gate::new(&terms),
            expired: Vec::new(),
            gone: Vec::new(),
            loading: false,
            load_again_at: 0,
        }
    }

    /// Takes the subscription's settings. One that is switched off lets go of what it has in memory; one that is switched on looks at the table, and is given another chance.
    pub(super) fn configure(&mut self, terms: Terms, room: &mut Room) {
        let former = std::mem::replace(&mut self.terms, terms);
        self.gate.configure(&terms);
        if terms.active != former.active {
            self.gate.forgive(&terms);
        }
        if terms.active != former.active || terms.order != former.order {
            self.let_go(room);
            self.tail.reset(terms.active);
        }
    }

    /// Takes how long it had done nothing but fail when the process began.
    pub(super) fn restore_failing(&mut self, since: i64, warned: bool) {
        self.gate.restore_failing(since, warned);
    }

    fn let_go(&mut self, room: &mut Room) {
        for pending in self.ready.drain(..).chain(std::mem::take(&mut self.waiting).into_values()) {
            room.leave(&pending);
            self.held.remove(&pending.id);
        }
        // What is left is under way.
        let behind = self.lines.let_go(|head| self.held.contains(&head));
        for pending in behind {
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
        if !self.terms.active || self.held.contains(&pending.id) {
            return;
        }
        if self.order_of(&pending).is_some() && self.tail.is_behind() {
            // Those before it may be in the table only: it is read after them.
            self.tail.miss(pending.id);
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
            if waited.order.is_some_and(|order| self.lines.is_head(order, id)) {
                self.place(pending, now_ms, room);
                return;
            }
            self.held.remove(&id);
        }
        if let Some(behind) = pending.order.and_then(|order| self.lines.find(order, id)) {
            (behind.budget_from, behind.due_at) = (pending.budget_from, pending.due_at);
        } else if let Some(ready) = self.ready.iter_mut().find(|ready| ready.id == id) {
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
        if self.order_of(&pending).is_some() {
            if self.terms.active && !self.held.contains(&id) {
                self.tail.miss(id);
            }
            return;
        }
        let known = self.held.contains(&id) || self.tail.was_settled(id) || self.tail.will_read(id);
        if self.terms.active && !known && !self.admit(pending, now_ms, self.window.ready, room) {
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

    /// The hand-over left some out after this id: one that keeps an order reads the table before it goes on.
    pub(super) fn missed_after(&mut self, id: i64) {
        if self.terms.active && self.terms.order.is_some() {
            self.tail.miss_after(id);
        }
    }

    /// Whether deliveries keep an order.
    pub(super) const fn keeps_order(&self) -> bool {
        self.terms.order.is_some()
    }

    /// What a delivery keeps its order with; nothing if the line has passed it.
    fn order_of(&self, pending: &Pending) -> Option<i64> {
        let head = self.terms.order?;
        let passed = head.policy == HeadPolicy::SkipAfterN && pending.budget_used() >= head.attempts;
        pending.order.filter(|_| !passed)
    }

    /// Puts a delivery that keeps an order where it belongs; false if there is no room.
    fn line_up(&mut self, order: i64, mut pending: Pending, now_ms: i64, ready_max: usize, room: &mut Room) -> bool {
        let full = self.waiting.len() + self.lines.behind() >= self.window.waiting;
        if full || self.ready.len() >= ready_max || !room.fits(self.queued()) {
            return false;
        }
        self.held.insert(pending.id);
        if self.lines.has(order) {
            room.enter(&mut pending);
            self.lines.join(order, pending);
        } else {
            self.lines.begin(order, pending.id);
            self.place(pending, now_ms, room);
        }
        true
    }

    /// Puts a delivery whose turn it is among those that are ready, or that wait for their time.
    fn place(&mut self, mut pending: Pending, now_ms: i64, room: &mut Room) {
        room.enter(&mut pending);
        self.held.insert(pending.id);
        if pending.due_at > now_ms {
            self.waiting.insert((pending.due_at, pending.id), pending);
        } else {
            self.ready.push_back(pending);
        }
    }

    /// Lets the one behind this delivery take its turn, if this was the head of a line.
    fn move_up(&mut self, order: Option<i64>, id: DeliveryId, now_ms: i64, room: &mut Room) {
        if let Some(order) = order.filter(|order| self.lines.is_head(*order, id))
            && let Some(next) = self.lines.advance(order)
        {
            room.leave(&next);
            self.place(next, now_ms, room);
        }
    }

    /// Puts a delivery where it belongs; false if it is due and finds no room.
    fn admit(&mut self, mut pending: Pending, now_ms: i64, ready_max: usize, room: &mut Room) -> bool {
        if let Some(order) = self.order_of(&pending) {
            return self.line_up(order, pending, now_ms, ready_max, room);
        }
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
            // Where an order is kept nobody makes room, for those behind rely on it.
            let may = self.terms.order.is_none();
            let Some(last) = self.waiting.last_entry().filter(|last| may && *last.key() > key) else {
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
        self.ready.len() + self.waiting.len() + self.lines.behind()
    }

    /// Makes ready what is due by now, as far as there is room.
    pub(super) fn promote(&mut self, now_ms: i64) {
        while self.ready.len() < self.window.ready
            && let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now_ms)
        {
            self.ready.push_back(first.remove());
        }
        if self.terms.active {
            self.tail.recall(now_ms);
        }
    }

    /// Takes the deliveries out that are too old to be tried, as far as their turn has come: the attempts an operator asked for have no such limit.
    pub(super) fn drop_expired(&mut self, now_ms: i64, room: &mut Room) {
        let Some(max_age_ms) = self.terms.max_age_ms else { return };
        let is_expired = |front: &Pending| last_moment(front, max_age_ms).is_some_and(|last| now_ms > last);
        while self.ready.front().is_some_and(is_expired)
            && let Some(pending) = self.ready.pop_front()
        {
            room.leave(&pending);
            self.expired.push(pending);
        }
    }

    /// Deliveries that were too old to be tried.
    pub(super) fn take_expired(&mut self) -> Vec<Pending> {
        std::mem::take(&mut self.expired)
    }

    /// What is to be told of the subscription.
    pub(super) fn take_news(&mut self) -> Vec<Fare> {
        self.gate.take_news()
    }

    /// How the subscription fares.
    pub(super) fn health(&self, now_ms: i64) -> Health {
        Health {
            breaker: self.gate.breaker(now_ms),
            failing_since: self.gate.failing_since(),
            throttled_until: self.gate.throttled_until(now_ms),
            in_flight: self.in_flight,
            ready: self.ready.len(),
            waiting: self.waiting.len(),
            behind: self.lines.behind(),
            more_in_store: self.tail.is_behind(),
        }
    }

    /// Whether an exchange may begin now, as far as this subscription goes.
    pub(super) fn is_runnable(&self, now_ms: i64) -> bool {
        self.terms.active
            && self.in_flight < self.terms.in_flight_max
            && self.gone.is_empty()
            && self.gate.admits(now_ms)
            && self.ready.front().is_some_and(|front| front.event.is_some())
    }

    /// Exchanges that are under way.
    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The next delivery to send. Call it only where [`Lane::is_runnable`] says so.
    pub(super) fn pick(&mut self, now_ms: i64, room: &mut Room) -> Option<Pending> {
        let pending = self.ready.pop_front()?;
        room.leave(&pending);
        self.in_flight += 1;
        self.gate.begin(now_ms);
        Some(pending)
    }

    /// An exchange is over, and its record is on its way to the store.
    pub(super) fn answered(&mut self, id: DeliveryId, reply: Reply, now_ms: i64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if reply == Reply::Gone {
            self.gone.push(id);
        }
        self.gate.end(reply, now_ms);
    }

    /// What became of a delivery is on record, or never will be.
    pub(super) fn settled(&mut self, mut pending: Pending, settled: Settled, now_ms: i64, room: &mut Room) {
        self.held.remove(&pending.id);
        self.tail.settled(pending.id);
        self.gone.retain(|gone| *gone != pending.id);
        let asked = self.asked.remove(&pending.id);
        match settled {
            Settled::Done => return self.move_up(pending.order, pending.id, now_ms, room),
            // Whoever changed it may have done anything: everything is read again.
            Settled::Stale => {
                self.let_go(room);
                return self.tail.reset(self.terms.active);
            }
            Settled::Lost => pending.due_at = now_ms.saturating_add(LOST_MS),
            Settled::Retry { due_at } => {
                pending.attempts += 1;
                pending.due_at = due_at;
            }
        }
        if let Some(asked) = asked {
            pending.budget_from = asked.budget_from;
        }
        let (order, id) = (pending.order, pending.id);
        let is_head = order.is_some_and(|order| self.lines.is_head(order, id));
        if self.terms.active && is_head && self.order_of(&pending).is_some() {
            return self.place(pending, now_ms, room);
        }
        if self.terms.active {
            self.wait(pending, room);
        }
        self.move_up(order, id, now_ms, room);
    }

    /// When something changes here by the passing of time alone, unix milliseconds.
    pub(super) fn wake_at(&self, now_ms: i64) -> i64 {
        if !self.terms.active {
            return i64::MAX;
        }
        let later = |at: i64| if at > now_ms { at } else { i64::MAX };
        let due = match self.waiting.first_key_value() {
            Some(((due_at, _), _)) if self.ready.len() < self.window.ready => *due_at,
            _ => i64::MAX,
        };
        let paused = match self.ready.front() {
            Some(front) if front.event.is_none() => later(self.load_again_at).min(later(self.gate.opens_at(now_ms))),
            Some(_) => later(self.gate.opens_at(now_ms)),
            None => i64::MAX,
        };
        later(due).min(paused).min(later(self.tail.wake_at(now_ms)))
    }
}

#[cfg(test)]
mod tests;
