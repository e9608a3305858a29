//! A store as one simulated process holds it: over a [`Disk`] that outlives it, with a hand-over that does not, slow and failing as the weather is.

use super::dice::Dice;
use super::disk::Disk;
use super::plan::Bug;
use hookwright_core::delivery::Pending;
use hookwright_core::intake::Policy;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Fresh, Ids, StoreError};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// How the disk behaves: how slow it is at most, and how many of a hundred calls fail.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) dice: Dice,
    pub(super) slow_ms: u64,
    pub(super) failing: u64,
    /// Whether a failed call may have taken place all the same.
    pub(super) ambiguous: bool,
    /// Until when it behaves so, unix milliseconds.
    pub(super) until: i64,
}

/// What is to become of a call.
pub(super) enum Fate {
    /// It takes place, and is answered.
    Done,
    /// It does not take place, and fails.
    Failed,
    /// It takes place, and fails.
    DoneAndFailed,
}

/// A store as one process holds it.
pub(super) struct ModelStore {
    pub(super) disk: Arc<Mutex<Disk>>,
    pub(super) ids: Ids,
    pub(super) policy: Policy,
    weather: Option<Mutex<Weather>>,
    held: Mutex<Fresh>,
    held_max: usize,
    filled: Notify,
    known: Mutex<Arc<Vec<Arc<Subscription>>>>,
}

impl ModelStore {
    /// Opens the store; ids go on after the greatest on disk.
    pub(super) fn open(
        disk: Arc<Mutex<Disk>>,
        ids: Ids,
        policy: Policy,
        held_max: usize,
        weather: Option<Weather>,
    ) -> Self {
        ids.lock().resume_after(disk.lock().unwrap().greatest);
        let store = Self {
            disk,
            ids,
            policy,
            weather: weather.map(Mutex::new),
            held: Mutex::default(),
            held_max,
            filled: Notify::new(),
            known: Mutex::default(),
        };
        store.learn(&store.disk());
        store
    }

    pub(super) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.ids.clock().now_ms()
    }

    /// Waits as long as the disk takes, and tells what becomes of the call.
    pub(super) async fn passage(&self) -> Fate {
        let (wait, fate) = self.drawn();
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        fate
    }

    fn drawn(&self) -> (u64, Fate) {
        let Some(weather) = &self.weather else { return (0, Fate::Done) };
        let mut weather = weather.lock().unwrap();
        if self.now_ms() >= weather.until {
            return (1, Fate::Done);
        }
        let (slow, failing, ambiguous) = (weather.slow_ms, weather.failing, weather.ambiguous);
        let wait = weather.dice.below(slow + 1);
        let fate = match (weather.dice.percent(failing), ambiguous && weather.dice.percent(50)) {
            (false, _) => Fate::Done,
            (true, false) => Fate::Failed,
            (true, true) => Fate::DoneAndFailed,
        };
        (wait, fate)
    }

    /// Does something on disk, as the weather has it.
    pub(super) async fn with<T>(&self, act: impl FnOnce(&Self, &mut Disk) -> T) -> Result<T, StoreError> {
        match self.passage().await {
            Fate::Failed => Err(failed()),
            Fate::Done => Ok(act(self, &mut self.disk())),
            Fate::DoneAndFailed => {
                act(self, &mut self.disk());
                Err(failed())
            }
        }
    }

    /// Hands over what a commit created.
    pub(super) fn offer(&self, deliveries: Vec<Pending>) {
        if deliveries.is_empty() {
            return;
        }
        let mut held = self.held.lock().unwrap();
        let room = self.held_max.saturating_sub(held.deliveries.len());
        held.missed |= deliveries.len() > room;
        held.deliveries.extend(deliveries.into_iter().take(room));
        drop(held);
        self.filled.notify_one();
    }

    /// Takes what was handed over, or waits for it.
    pub(super) async fn take(&self) -> Fresh {
        loop {
            let filled = self.filled.notified();
            let mut fresh = std::mem::take(&mut *self.held.lock().unwrap());
            if fresh.missed || !fresh.deliveries.is_empty() {
                fresh.deliveries = self.handed_out(fresh.deliveries);
                return fresh;
            }
            filled.await;
        }
    }

    /// What leaves for the dispatcher; where a mistake was planted, with it.
    pub(super) fn handed_out(&self, mut deliveries: Vec<Pending>) -> Vec<Pending> {
        let mut disk = self.disk();
        match disk.bug {
            Some(Bug::DeleteBeforeSend) => {
                let now_ms = self.now_ms();
                for delivery in &deliveries {
                    disk.forget(delivery.id, now_ms);
                }
            }
            Some(Bug::OrderForgotten) => deliveries.iter_mut().for_each(|delivery| delivery.order = None),
            _ => {}
        }
        deliveries
    }

    /// The subscriptions as of the last commit.
    pub(super) fn known(&self) -> Arc<Vec<Arc<Subscription>>> {
        Arc::clone(&self.known.lock().unwrap())
    }

    /// Takes the subscriptions from disk.
    pub(super) fn learn(&self, disk: &Disk) {
        *self.known.lock().unwrap() = Arc::new(disk.subscriptions.values().cloned().collect());
    }
}

impl Disk {
    /// What a store does that deletes before it sends.
    fn forget(&mut self, id: hookwright_core::id::DeliveryId, now_ms: i64) {
        if let Some(pending) = self.pending.remove(&id) {
            let settled = super::disk::Settled {
                event_id: pending.event_id,
                subscription_id: pending.subscription_id,
                delivered: true,
                reason: None,
                attempts: pending.attempts,
                response_code: None,
                at: now_ms,
            };
            self.settled.insert(id, settled);
        }
    }
}

pub(super) fn failed() -> StoreError {
    StoreError::Unavailable("the weather is bad".into())
}
