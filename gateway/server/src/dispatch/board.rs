//! All subscriptions' lanes and whose turn it is: shares of the work are fair in bytes sent, and in what may be under way at once.
//!
//! Start-time fair queueing: each lane has a virtual time that grows by the cost of what it sends, and the lane that is furthest behind is next. A million due deliveries
//! or a few very large ones give a lane no more than its share, and one that comes back from idleness has saved nothing up.
//!
//! No input or output: the engine carries out the [`Action`]s and tells what came of them.

use super::decide::{EVENT_MISSING, EXPIRED};
use super::endpoint::Endpoint;
use super::failing::Fare;
use super::lane::{Health, Lane, Reply, Settled, Terms, Window};
use super::room::Room;
use super::scan::Scan;
use hookwright_core::breaker::BreakerRules;
use hookwright_core::delivery::Pending;
use hookwright_core::delivery_options::Ordering;
use hookwright_core::event::Event;
use hookwright_core::id::{DeliveryId, EventId, SubscriptionId};
use hookwright_core::subscription::Subscription;
use hookwright_store::{FailingSince, Fresh};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// Pages and batches of events that are being read at once.
const READS_MAX: usize = 4;

/// What may be in memory and under way at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Exchanges at once, over all subscriptions.
    pub(super) in_flight: usize,
    /// Exchanges and their records on the way to the store, at once.
    pub(super) under_way: usize,
    /// Deliveries in memory that are not under way.
    pub(super) entries: usize,
    /// Bytes of their events.
    pub(super) event_bytes: usize,
    /// What of it may be one subscription's.
    pub(super) window: Window,
    /// When breakers open.
    pub(super) breaker: BreakerRules,
    /// How long a subscriber may do nothing but fail, in milliseconds; `None` for ever.
    pub(super) disable_after_ms: Option<i64>,
    /// How old a delivery may be that is tried, where its subscription does not say, in milliseconds.
    pub(super) max_age_ms: Option<i64>,
}

/// What the engine is to do.
#[derive(Debug)]
pub(super) enum Action {
    /// Begin an exchange.
    Send {
        /// Where it goes.
        endpoint: Arc<Endpoint>,
        /// What goes, its event with it.
        pending: Pending,
    },
    /// End a delivery without an attempt.
    Abandon(Pending, &'static str),
    /// Tell how a subscription fares.
    Tell(Arc<Subscription>, Fare),
    /// Read a page of a subscription's deliveries.
    Read(PageWanted),
    /// Read a page of the whole table.
    Scan {
        /// After this id.
        after: i64,
        /// At most so many.
        limit: usize,
    },
    /// Load events.
    Load {
        /// For this subscription.
        subscription: SubscriptionId,
        /// These.
        events: Vec<EventId>,
    },
}

/// A page of a subscription's deliveries.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageWanted {
    /// The subscription.
    pub(super) subscription: SubscriptionId,
    /// After this id.
    pub(super) after: i64,
    /// At most so many.
    pub(super) limit: usize,
    /// Which state of memory it is for.
    pub(super) epoch: u32,
}

/// A lane and its place on the board.
struct Seat {
    lane: Lane,
    endpoint: Arc<Endpoint>,
    /// What it has sent, in virtual time.
    sent_to: u64,
    in_ring: bool,
    in_wants: bool,
    wake_at: i64,
    /// It was deleted, or went to another node, and has exchanges under way.
    is_leaving: bool,
}

/// All subscriptions' lanes.
pub(super) struct Board {
    limits: Limits,
    room: Room,
    seats: HashMap<SubscriptionId, Seat>,
    known: Option<Arc<Vec<Arc<Subscription>>>>,
    /// Subscriptions that may send, the one that is furthest behind first.
    ring: BTreeSet<(u64, SubscriptionId)>,
    /// The virtual time: that of the lane that sent last.
    virtual_now: u64,
    /// Subscriptions that want to read.
    wants: VecDeque<SubscriptionId>,
    /// When which subscription is to be looked at again.
    alarms: BTreeSet<(i64, SubscriptionId)>,
    abandons: VecDeque<(Pending, &'static str)>,
    news: VecDeque<(Arc<Subscription>, Fare)>,
    scan: Scan,
    in_flight: usize,
    under_way: usize,
    reading: usize,
    stopped: bool,
    woken_at: i64,
}

impl Board {
    /// An empty board, about to walk over the whole table.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            room: Room::new(limits.entries, limits.event_bytes),
            seats: HashMap::new(),
            known: None,
            ring: BTreeSet::new(),
            virtual_now: 0,
            wants: VecDeque::new(),
            alarms: BTreeSet::new(),
            abandons: VecDeque::new(),
            news: VecDeque::new(),
            scan: Scan::from_start(),
            in_flight: 0,
            under_way: 0,
            reading: 0,
            stopped: false,
            woken_at: i64::MIN,
        }
    }

    /// Starts nothing from now on.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Exchanges and records on the way to the store.
    pub(super) const fn under_way(&self) -> usize {
        self.under_way
    }

    /// Takes the subscriptions as they are now. `connect` makes the endpoint of one that is new or has changed. Tells which ones appeared since the first time.
    pub(super) fn sync(
        &mut self,
        subscriptions: &Arc<Vec<Arc<Subscription>>>,
        now_ms: i64,
        connect: impl Fn(&Arc<Subscription>) -> Arc<Endpoint>,
    ) -> Vec<SubscriptionId> {
        if self.known.as_ref().is_some_and(|known| Arc::ptr_eq(known, subscriptions)) {
            return Vec::new();
        }
        // The walk over the table at the start fills the lanes there are; one that appears later has to look for itself.
        let later = self.known.is_some();
        let (mut changed, mut gained): (Vec<SubscriptionId>, Vec<SubscriptionId>) = (Vec::new(), Vec::new());
        for subscription in subscriptions.iter() {
            match self.seats.get_mut(&subscription.id) {
                Some(seat) if !seat.is_leaving && Arc::ptr_eq(seat.endpoint.subscription(), subscription) => continue,
                Some(seat) => {
                    seat.is_leaving = false;
                    seat.endpoint = connect(subscription);
                    seat.lane.configure(self.limits.terms(subscription), &mut self.room);
                }
                None => {
                    let lane = Lane::new(self.limits.window, self.limits.terms(subscription), later);
                    let seat = Seat {
                        lane,
                        endpoint: connect(subscription),
                        sent_to: 0,
                        in_ring: false,
                        in_wants: false,
                        wake_at: i64::MAX,
                        is_leaving: false,
                    };
                    self.seats.insert(subscription.id, seat);
                    gained.push(subscription.id);
                }
            }
            changed.push(subscription.id);
        }
        self.drop_deleted(subscriptions);
        self.known = Some(Arc::clone(subscriptions));
        for id in changed {
            self.look_at(id, now_ms);
        }
        if later { gained } else { Vec::new() }
    }

    /// Whether a subscription is served.
    pub(super) fn serves(&self, id: SubscriptionId) -> bool {
        self.seats.get(&id).is_some_and(|seat| !seat.is_leaving)
    }

    fn drop_deleted(&mut self, subscriptions: &[Arc<Subscription>]) {
        let present: std::collections::HashSet<SubscriptionId> = subscriptions.iter().map(|s| s.id).collect();
        for (id, seat) in self.seats.iter_mut().filter(|(id, _)| !present.contains(*id)) {
            let off = Terms { active: false, ..self.limits.terms(seat.endpoint.subscription()) };
            seat.lane.configure(off, &mut self.room);
            seat.is_leaving = true;
            self.alarms.remove(&(seat.wake_at, *id));
            seat.wake_at = i64::MAX;
        }
        // One with exchanges under way goes when they are over and the subscriptions change again.
        self.seats.retain(|id, seat| present.contains(id) || !seat.lane.is_empty());
    }

    /// Takes what was committed a moment ago.
    pub(super) fn take_fresh(&mut self, fresh: Fresh, now_ms: i64) {
        if fresh.missed {
            let from = self.scan.missed();
            self.seats.values_mut().for_each(|seat| seat.lane.missed_after(from));
            let keeping_order = self.seats.iter().filter(|(_, seat)| seat.lane.keeps_order());
            for id in keeping_order.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.look_at(id, now_ms);
            }
        }
        for pending in fresh.deliveries {
            self.scan.saw(pending.id);
            let id = pending.subscription_id;
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.lane.take_fresh(pending, now_ms, &mut self.room);
                self.look_at(id, now_ms);
            }
        }
    }

    /// Takes a delivery that an operator wants tried now.
    pub(super) fn take_asked(&mut self, pending: Pending, now_ms: i64) {
        self.with(pending.subscription_id, now_ms, |lane, room| lane.take_asked(pending, now_ms, room));
    }

    /// Walks over the whole table again: something was offered that could not be taken.
    pub(super) fn rescan(&mut self) {
        self.scan.restart();
    }

    /// Takes a page of the whole table, or that it could not be read.
    pub(super) fn take_scan(&mut self, page: Option<Vec<Pending>>, now_ms: i64) {
        self.reading -= 1;
        let Some(page) = page else {
            self.scan.fail(now_ms);
            return;
        };
        let settled = self.scan.finish(page.last().map(|last| last.id), page.len() < self.limits.window.page);
        for pending in page.into_iter().filter(|pending| !settled.contains(&pending.id)) {
            self.with(pending.subscription_id, now_ms, |lane, room| lane.take_scanned(pending, now_ms, room));
        }
    }

    /// Takes a page of a subscription's deliveries, or that it could not be read.
    pub(super) fn take_page(&mut self, wanted: PageWanted, page: Option<Vec<Pending>>, now_ms: i64) {
        self.reading -= 1;
        self.with(wanted.subscription, now_ms, |lane, room| match page {
            Some(page) => lane.take_page(wanted.epoch, page, wanted.limit, now_ms, room),
            None => lane.page_failed(wanted.epoch, now_ms),
        });
    }

    /// Takes events that were asked for, or that they could not be loaded.
    pub(super) fn take_events(
        &mut self,
        subscription: SubscriptionId,
        asked: &[EventId],
        events: Option<Vec<Arc<Event>>>,
        now_ms: i64,
    ) {
        self.reading -= 1;
        let mut gone = Vec::new();
        self.with(subscription, now_ms, |lane, room| match events {
            Some(events) => gone = lane.take_events(asked, events, room),
            None => lane.load_failed(now_ms),
        });
        self.abandons.extend(gone.into_iter().map(|pending| (pending, EVENT_MISSING)));
    }

    /// An exchange is over, and its record is on its way to the store.
    pub(super) fn answered(&mut self, subscription: SubscriptionId, delivery: DeliveryId, reply: Reply, now_ms: i64) {
        self.in_flight -= 1;
        self.with(subscription, now_ms, |lane, _| lane.answered(delivery, reply, now_ms));
    }

    /// What became of a delivery is on record, or never will be.
    pub(super) fn settled(&mut self, pending: Pending, settled: Settled, now_ms: i64) {
        self.under_way -= 1;
        self.scan.settled(pending.id);
        self.with(pending.subscription_id, now_ms, |lane, room| lane.settled(pending, settled, now_ms, room));
    }

    fn with(&mut self, id: SubscriptionId, now_ms: i64, change: impl FnOnce(&mut Lane, &mut Room)) {
        if let Some(seat) = self.seats.get_mut(&id) {
            change(&mut seat.lane, &mut self.room);
            self.look_at(id, now_ms);
        }
    }

    /// Gives a lane the places that its state asks for.
    fn look_at(&mut self, id: SubscriptionId, now_ms: i64) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        seat.lane.promote(now_ms);
        seat.lane.drop_expired(now_ms, &mut self.room);
        self.abandons.extend(seat.lane.take_expired().into_iter().map(|pending| (pending, EXPIRED)));
        for fare in seat.lane.take_news() {
            self.news.push_back((Arc::clone(seat.endpoint.subscription()), fare));
        }
        if !seat.in_ring && seat.lane.is_runnable(now_ms) {
            seat.in_ring = true;
            seat.sent_to = seat.sent_to.max(self.virtual_now);
            self.ring.insert((seat.sent_to, id));
        }
        if !seat.in_wants && seat.lane.wants_read(now_ms, &self.room) {
            seat.in_wants = true;
            self.wants.push_back(id);
        }
        let wake_at = seat.lane.wake_at(now_ms);
        if wake_at != seat.wake_at {
            self.alarms.remove(&(seat.wake_at, id));
            seat.wake_at = wake_at;
            if wake_at < i64::MAX {
                self.alarms.insert((wake_at, id));
            }
        }
    }

    /// Looks at the lanes whose time has come; at all of them where the clock was set back, for their alarms are those of the old one.
    pub(super) fn wake(&mut self, now_ms: i64) {
        if now_ms < self.woken_at {
            self.alarms.clear();
            self.seats.values_mut().for_each(|seat| seat.wake_at = i64::MAX);
            let everyone: BTreeSet<SubscriptionId> = self.seats.keys().copied().collect();
            for id in everyone {
                self.look_at(id, now_ms);
            }
        }
        self.woken_at = now_ms;
        while let Some((_, id)) = self.alarms.first().copied().filter(|(at, _)| *at <= now_ms) {
            self.alarms.pop_first();
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.wake_at = i64::MAX;
            }
            self.look_at(id, now_ms);
        }
    }

    /// When to [`Board::wake`] next, unix milliseconds.
    pub(super) fn wake_at(&self, now_ms: i64) -> Option<i64> {
        let alarm = self.alarms.first().map_or(i64::MAX, |(at, _)| *at);
        Some(alarm.min(self.scan.wake_at(now_ms))).filter(|at| *at < i64::MAX)
    }

    /// What is to be done next; `None` when nothing can be done before something changes.
    pub(super) fn next(&mut self, now_ms: i64) -> Option<Action> {
        if let Some((subscription, fare)) = self.news.pop_front() {
            return Some(Action::Tell(subscription, fare));
        }
        if self.stopped {
            return None;
        }
        if let Some((pending, reason)) = self.abandons.pop_front() {
            self.under_way += 1;
            return Some(Action::Abandon(pending, reason));
        }
        self.next_send(now_ms).or_else(|| self.next_read(now_ms))
    }

    fn next_send(&mut self, now_ms: i64) -> Option<Action> {
        if self.under_way >= self.limits.under_way {
            return None;
        }
        let free = self.limits.in_flight.saturating_sub(self.in_flight);
        let mut after = None;
        while free > 0
            && let Some(place) = self.ring.range((after.map_or(Unbounded, Excluded), Unbounded)).next().copied()
        {
            let (sent_to, id) = place;
            after = Some(place);
            let Some(seat) = self.seats.get_mut(&id).filter(|seat| seat.lane.is_runnable(now_ms)) else {
                self.leave_ring(place);
                continue;
            };
            // No lane takes more than is left for all others: however many hang, one more always finds room.
            if seat.lane.in_flight() >= free {
                continue;
            }
            let picked = seat.lane.pick(now_ms, &mut self.room);
            let endpoint = Arc::clone(&seat.endpoint);
            self.leave_ring(place);
            let Some(pending) = picked else { continue };
            self.virtual_now = sent_to;
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.sent_to = sent_to.saturating_add(cost(&pending));
            }
            self.in_flight += 1;
            self.under_way += 1;
            self.look_at(id, now_ms);
            return Some(Action::Send { endpoint, pending });
        }
        None
    }

    fn leave_ring(&mut self, place: (u64, SubscriptionId)) {
        self.ring.remove(&place);
        if let Some(seat) = self.seats.get_mut(&place.1) {
            seat.in_ring = false;
        }
    }

    fn next_read(&mut self, now_ms: i64) -> Option<Action> {
        if self.reading >= READS_MAX {
            return None;
        }
        while let Some(id) = self.wants.pop_front() {
            let Some(seat) = self.seats.get_mut(&id) else { continue };
            seat.in_wants = false;
            let action = if let Some(events) = seat.lane.begin_load(now_ms, &self.room) {
                Action::Load { subscription: id, events }
            } else if let Some((after, limit)) = seat.lane.begin_page(now_ms, &self.room) {
                Action::Read(PageWanted { subscription: id, after, limit, epoch: seat.lane.epoch() })
            } else {
                continue;
            };
            self.reading += 1;
            self.look_at(id, now_ms);
            return Some(action);
        }
        let after = self.scan.begin(now_ms)?;
        self.reading += 1;
        Some(Action::Scan { after, limit: self.limits.window.page })
    }

    /// Takes how long subscribers had done nothing but fail when the process began.
    pub(super) fn restore_failing(&mut self, failing: &[FailingSince]) {
        for one in failing {
            if let Some(seat) = self.seats.get_mut(&one.subscription_id) {
                seat.lane.restore_failing(one.since, one.warned);
            }
        }
    }

    /// How a subscription fares; nothing if there is none.
    pub(super) fn health(&self, id: SubscriptionId, now_ms: i64) -> Option<Health> {
        self.seats.get(&id).filter(|seat| !seat.is_leaving).map(|seat| seat.lane.health(now_ms))
    }

    /// Every endpoint in the order of its subscription's id, for the care of its idle connections.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        let seats: BTreeMap<_, _> = self.seats.iter().collect();
        seats.into_values().map(|seat| &seat.endpoint)
    }
}

/// What a delivery costs its lane: about the bytes it moves.
fn cost(pending: &Pending) -> u64 {
    let data = pending.event.as_ref().map_or(0, |event| event.data.len());
    1_024 + u64::try_from(data).unwrap_or(u64::MAX / 2)
}

impl Limits {
    /// What a subscription's settings and these come to.
    fn terms(&self, subscription: &Subscription) -> Terms {
        let options = &subscription.options;
        let asked = options.max_age_secs.map(|secs| i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(1_000));
        Terms {
            active: subscription.active,
            in_flight_max: usize::try_from(subscription.max_in_flight).unwrap_or(usize::MAX).max(1),
            rate: options.rate_per_second,
            order: (options.ordering == Ordering::Key).then_some(options.head_of_line),
            max_age_ms: asked.or(self.max_age_ms),
            breaker: self.breaker,
            disable_after_ms: self.disable_after_ms,
        }
    }
}

#[cfg(test)]
mod tests;
