//! The dispatcher's one task: it hears of everything, asks the board what to do next, and starts the tasks that do it.

use super::Command;
use super::board::{Action, Board, PageWanted};
use super::client::Peer;
use super::courier::Courier;
use super::endpoint::Endpoint;
use super::herald::News;
use super::notice::{Notice, Notices, Ticket};
use futures_util::FutureExt;
use hookwright_core::delivery::Pending;
use hookwright_core::id::{AttemptId, DeliveryId, EventId, SubscriptionId};
use hookwright_store::{Fresh, Ids, StoreError};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Notices taken at once.
const NOTICES_AT_ONCE: usize = 512;
/// Attempt ids made at once.
const IDS_AT_ONCE: usize = 32;
/// However far away the next due time is, the clock is looked at this often: it may have been set.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);
/// How often idle connections are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How long tasks that were given up are waited for, so that nothing of theirs outlives the engine.
const ABORT_WAIT: Duration = Duration::from_secs(1);

/// How the engine is woken without a queue that could be full.
#[derive(Debug, Default)]
pub(super) struct Nudge {
    /// Something changed.
    pub(super) notify: Notify,
    /// Something was offered that found no room.
    pub(super) overflow: AtomicBool,
}

/// An exchange under way.
struct Exchange {
    subscription: SubscriptionId,
    /// The subscriber has answered; what is left to do is to put that on record.
    is_over: bool,
    task: AbortHandle,
}

/// A stop that was asked for.
struct Stopping {
    deadline: Instant,
    /// Hears how many deliveries were given up.
    done: Option<oneshot::Sender<usize>>,
}

/// The dispatcher's one task.
pub(super) struct Engine {
    board: Board,
    courier: Arc<Courier>,
    ids: Ids,
    commands: Receiver<Command>,
    nudge: Arc<Nudge>,
    notices: Notices,
    heard: UnboundedReceiver<Notice>,
    news: UnboundedSender<News>,
    exchanges: HashMap<DeliveryId, Exchange>,
    attempt_ids: Vec<AttemptId>,
    stopping: Option<Stopping>,
}

impl Engine {
    /// An engine that has not begun.
    pub(super) fn new(
        board: Board,
        courier: Arc<Courier>,
        ids: Ids,
        commands: Receiver<Command>,
        nudge: Arc<Nudge>,
        news: UnboundedSender<News>,
    ) -> Self {
        let (notices, heard) = unbounded_channel();
        Self {
            board,
            courier,
            ids,
            commands,
            nudge,
            notices,
            heard,
            news,
            exchanges: HashMap::new(),
            attempt_ids: Vec::new(),
            stopping: None,
        }
    }

    /// Delivers until it is told to stop.
    pub(super) async fn run(mut self) {
        let store = Arc::clone(&self.courier.store);
        self.restore_failing().await;
        let mut fresh = store.fresh();
        let mut heard = Vec::with_capacity(NOTICES_AT_ONCE);
        let mut sweep_at = Instant::now() + SWEEP_EVERY;
        while !self.is_done() {
            let wake_at = self.begin_what_can().min(sweep_at);
            let mut batch = None;
            tokio::select! {
                biased;
                _ = self.heard.recv_many(&mut heard, NOTICES_AT_ONCE) => {}
                came = &mut fresh => batch = Some(came),
                command = self.commands.recv() => self.obey(command),
                () = self.nudge.notify.notified() => {}
                () = sleep_until(wake_at) => {}
            }
            // What was committed before a notice came is taken before the notice is heard: a delivery that was settled meanwhile is still known here, and not sent twice.
            while let Some(came) = batch.take().or_else(|| (&mut fresh).now_or_never()) {
                fresh = store.fresh();
                self.take_fresh(came);
            }
            let now_ms = self.courier.clock.now_ms();
            heard.drain(..).for_each(|notice| self.hear(notice, now_ms));
            if Instant::now() >= sweep_at {
                self.board.endpoints().filter_map(|endpoint| endpoint.peer().ok()).for_each(Peer::sweep);
                sweep_at = Instant::now() + SWEEP_EVERY;
            }
        }
        self.end(heard).await;
    }

    /// Without it, a subscriber that failed before a restart is given the whole time once more: no reason not to deliver.
    async fn restore_failing(&mut self) {
        let failing = self.courier.store.failing().await;
        if let Some(failing) = self.courier.told(failing) {
            self.sync(self.courier.clock.now_ms());
            self.board.restore_failing(&failing);
        }
    }

    fn is_done(&self) -> bool {
        let stopping = self.stopping.as_ref();
        stopping.is_some_and(|stopping| self.board.under_way() == 0 || Instant::now() >= stopping.deadline)
    }

    /// Gives up what is still under way, and tells how much that was.
    async fn end(mut self, mut heard: Vec<Notice>) {
        let given_up = self.exchanges.len();
        // In the order of their ids, so that a simulation repeats it.
        let exchanges: BTreeMap<_, _> = self.exchanges.drain().collect();
        for exchange in exchanges.values() {
            exchange.task.abort();
        }
        let mut left = given_up;
        let until = Instant::now() + ABORT_WAIT;
        while left > 0 && timeout_at(until, self.heard.recv_many(&mut heard, NOTICES_AT_ONCE)).await.is_ok() {
            left -= heard.drain(..).filter(|notice| matches!(notice, Notice::Settled { .. })).count().min(left);
        }
        if let Some(done) = self.stopping.and_then(|stopping| stopping.done) {
            // Whoever asked may have stopped waiting.
            let _ = done.send(given_up);
        }
    }

    fn obey(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Offer(pending)) => {
                let now_ms = self.courier.clock.now_ms();
                self.sync(now_ms);
                self.board.take_asked(pending, now_ms);
            }
            Some(Command::Health(id, asked)) => {
                let now_ms = self.courier.clock.now_ms();
                self.sync(now_ms);
                // Whoever asked may have gone.
                let _ = asked.send(self.board.health(id, now_ms));
            }
            Some(Command::Drain { deadline, done }) => {
                self.board.stop();
                self.stopping = Some(Stopping { deadline: Instant::now() + deadline, done: Some(done) });
            }
            // Every handle is gone: nobody could ask any more.
            None => {
                self.board.stop();
                self.stopping = Some(Stopping { deadline: Instant::now(), done: None });
            }
        }
    }

    /// Takes the subscriptions that this node serves as of the last commit.
    fn sync(&mut self, now_ms: i64) {
        let client = &self.courier.client;
        let subscriptions = self.courier.store.served();
        let connect = |subscription: &_| Arc::new(Endpoint::new(subscription, client));
        let gained = self.board.sync(&subscriptions, now_ms, connect);
        if !gained.is_empty() && self.courier.store.is_shared() {
            self.begin_failing(gained);
        }
    }

    /// Reads how those have fared that another node has served so far.
    fn begin_failing(&self, gained: Vec<SubscriptionId>) {
        let (courier, notices) = (Arc::clone(&self.courier), self.notices.clone());
        tokio::spawn(async move {
            if let Some(failing) = courier.told(courier.store.failing().await) {
                // The engine may have ended meanwhile.
                let _ = notices.send(Notice::Failing { gained, failing });
            }
        });
    }

    fn take_fresh(&mut self, fresh: Fresh) {
        let now_ms = self.courier.clock.now_ms();
        self.sync(now_ms);
        if fresh.revoked {
            self.cut_short();
        }
        self.board.take_fresh(fresh, now_ms);
    }

    /// Ends exchanges with subscriptions that are another node's by now, or about to be: it begins where the record ends. What was answered is
    /// still put on record: a success is true whoever made it.
    fn cut_short(&mut self) {
        let board = &self.board;
        let not_ours =
            self.exchanges.values().filter(|exchange| !exchange.is_over && !board.serves(exchange.subscription));
        not_ours.for_each(|exchange| exchange.task.abort());
    }

    fn hear(&mut self, notice: Notice, now_ms: i64) {
        match notice {
            Notice::Failing { gained, mut failing } => {
                failing.retain(|one| gained.contains(&one.subscription_id));
                self.board.restore_failing(&failing);
            }
            Notice::Answered { subscription, delivery, reply } => {
                if let Some(exchange) = self.exchanges.get_mut(&delivery) {
                    exchange.is_over = true;
                }
                self.board.answered(subscription, delivery, reply, now_ms);
            }
            Notice::Settled { pending, settled } => {
                self.exchanges.remove(&pending.id);
                self.board.settled(pending, settled, now_ms);
            }
            Notice::Page(wanted, page) => self.board.take_page(wanted, page, now_ms),
            Notice::Scanned(page) => self.board.take_scan(page, now_ms),
            Notice::Loaded { subscription, asked, events } => {
                self.board.take_events(subscription, &asked, events, now_ms);
            }
        }
    }

    /// Begins everything that can begin now. Returns when to look again if nothing happens before.
    fn begin_what_can(&mut self) -> Instant {
        let now_ms = self.courier.clock.now_ms();
        self.sync(now_ms);
        if self.nudge.overflow.swap(false, Ordering::AcqRel) {
            self.board.rescan();
        }
        self.board.wake(now_ms);
        while let Some(action) = self.board.next(now_ms) {
            self.begin(action, now_ms);
        }
        // Made for this moment: later attempts get ids of their own time.
        self.attempt_ids.clear();
        let alarm = self.board.wake_at(now_ms).map(|at| Duration::from_millis(at.abs_diff(now_ms)));
        let wake_at = Instant::now() + alarm.unwrap_or(LOOK_AT_CLOCK).min(LOOK_AT_CLOCK);
        self.stopping.as_ref().map_or(wake_at, |stopping| wake_at.min(stopping.deadline))
    }

    fn begin(&mut self, action: Action, now_ms: i64) {
        match action {
            Action::Send { endpoint, pending } => self.begin_exchange(endpoint, pending, now_ms),
            Action::Abandon(pending, reason) => self.begin_abandon(pending, reason),
            // The herald lives as long as the engine does.
            Action::Tell(subscription, fare) => drop(self.news.send((subscription, fare))),
            Action::Read(wanted) => self.begin_page(wanted),
            Action::Scan { after, limit } => self.begin_scan(after, limit),
            Action::Load { subscription, events } => self.begin_load(subscription, events),
        }
    }

    fn begin_exchange(&mut self, endpoint: Arc<Endpoint>, mut pending: Pending, now_ms: i64) {
        let event = pending.event.take();
        let ticket = Ticket::in_flight(self.notices.clone(), pending.clone());
        // The board hands out no delivery without its event; if it did, the ticket would say that it is lost, and it would be read again.
        let Some(event) = event else { return };
        let (id, subscription) = (pending.id, pending.subscription_id);
        // Without leave it is another node's, or this one's lease is about to end: the ticket says that it is lost here.
        let Some(permit) = self.courier.store.permit(subscription) else { return };
        let (courier, attempt) = (Arc::clone(&self.courier), self.next_attempt_id(now_ms));
        let exchange = tokio::spawn(async move {
            courier.deliver(endpoint, pending, event, attempt, ticket).await;
            drop(permit);
        });
        self.exchanges.insert(id, Exchange { subscription, is_over: false, task: exchange.abort_handle() });
    }

    fn next_attempt_id(&mut self, now_ms: i64) -> AttemptId {
        if self.attempt_ids.is_empty() {
            // One lock for many: the way in makes its ids under the same one.
            let mut maker = self.ids.lock();
            self.attempt_ids.extend((0..IDS_AT_ONCE).map(|_| maker.make::<AttemptId>(now_ms)));
            self.attempt_ids.reverse();
        }
        self.attempt_ids.pop().unwrap_or_else(|| self.ids.next())
    }

    fn begin_abandon(&mut self, pending: Pending, reason: &'static str) {
        let (courier, id, subscription) = (Arc::clone(&self.courier), pending.id, pending.subscription_id);
        let ticket = Ticket::without_exchange(self.notices.clone(), pending);
        let task = tokio::spawn(async move { ticket.settled(courier.abandon(id, reason).await) });
        self.exchanges.insert(id, Exchange { subscription, is_over: true, task: task.abort_handle() });
    }

    fn begin_page(&self, wanted: PageWanted) {
        let (courier, notices) = (Arc::clone(&self.courier), self.notices.clone());
        tokio::spawn(async move {
            let (after, limit) = (DeliveryId::from_i64(wanted.after).ok(), rows(wanted.limit));
            let page = courier.store.pending_of(wanted.subscription, after, limit).await;
            // The engine may have ended meanwhile; then nobody needs the page.
            let _ = notices.send(Notice::Page(wanted, courier.told(page)));
        });
    }

    fn begin_scan(&self, after: i64, limit: usize) {
        let (courier, notices) = (Arc::clone(&self.courier), self.notices.clone());
        tokio::spawn(async move {
            let page = courier.store.pending(DeliveryId::from_i64(after).ok(), rows(limit)).await;
            // As above.
            let _ = notices.send(Notice::Scanned(courier.told(page)));
        });
    }

    fn begin_load(&self, subscription: SubscriptionId, asked: Vec<EventId>) {
        let (courier, notices) = (Arc::clone(&self.courier), self.notices.clone());
        tokio::spawn(async move {
            let events = courier.store.load_events(asked.clone()).await;
            // As above.
            let _ = notices.send(Notice::Loaded { subscription, asked, events: courier.told(events) });
        });
    }
}

impl Courier {
    /// What the store told, or nothing with a complaint.
    fn told<T>(&self, answer: Result<T, StoreError>) -> Option<T> {
        answer.inspect_err(|error| self.complain("reading pending deliveries failed", error)).ok()
    }
}

fn rows(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}
