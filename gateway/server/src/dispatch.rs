//! The way out: pending deliveries become signed requests, and what became of them goes back to the store.
//!
//! One task, the engine, owns every subscription's queue and decides what goes next; each exchange runs in a task of its own, which asks nobody for a lock. Memory is
//! the lease and the table of pending deliveries is the truth: whatever is not in memory is found there again, after a crash as after an overflow.

mod board;
pub(crate) mod bucket;
pub(crate) mod client;
mod courier;
mod decide;
mod endpoint;
mod engine;
mod failing;
pub(crate) mod failure;
mod gate;
mod herald;
mod lane;
mod notice;
mod outgoing;
mod report;
mod room;
mod scan;
#[cfg(test)]
mod simulation;
mod tail;
mod throttle;
mod transform;

use crate::config::DeliveryConfig;
use crate::plugins::Plugins;
use board::{Board, Limits};
use client::{Client, ClientConfig, Timeouts};
use courier::Courier;
use decide::Defaults;
use engine::{Engine, Nudge};
use herald::Herald;
use hookwright_core::delivery::Pending;
use hookwright_core::egress::{AddressPolicy, Cidr};
use hookwright_core::id::SubscriptionId;
use hookwright_store::{Clock, Ids, Store};
pub use lane::Health;
use lane::Window;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

/// Deliveries in memory that are not under way.
const ENTRIES_MAX: usize = 131_072;
/// Bytes of their events.
const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Records on their way to the store beside as many as there may be exchanges.
const RECORDS_MAX: usize = 4_096;
/// Commands that wait for the engine.
const COMMANDS_MAX: usize = 1_024;

/// What the dispatcher works with.
#[derive(Clone)]
pub struct DispatchParts {
    /// Where deliveries come from and where their outcome goes.
    pub store: Arc<dyn Store>,
    /// New ids, for attempts.
    pub ids: Ids,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the operator asked for.
    pub config: DeliveryConfig,
    /// Ranges that deliveries may reach although they are not public.
    pub egress_allow: Vec<Cidr>,
    /// The plugins that reshape deliveries.
    pub plugins: Arc<Plugins>,
    /// Told when a notice to operators was left in the store.
    pub noticed: Arc<Notify>,
}

impl DispatchParts {
    /// What the client goes by.
    fn client(&self) -> ClientConfig {
        ClientConfig {
            policy: AddressPolicy { allow: self.egress_allow.clone() },
            proxy: self.config.proxy.clone(),
            timeouts: Timeouts {
                connect: self.config.connect_timeout,
                tls: self.config.tls_timeout,
                first_byte: self.config.first_byte_timeout,
            },
            response_bytes_max: self.config.response_bytes_max,
            idle_max: self.config.in_flight_max,
        }
    }
}

/// What the engine is told.
enum Command {
    /// An operator wants this delivery tried now.
    Offer(Pending),
    /// Somebody asks how a subscription fares.
    Health(SubscriptionId, oneshot::Sender<Option<Health>>),
    /// Start nothing new, and end.
    Drain {
        /// How long what is under way is waited for.
        deadline: Duration,
        /// Hears how many deliveries were given up.
        done: oneshot::Sender<usize>,
    },
}

/// A handle on the dispatcher.
#[derive(Clone)]
pub struct Dispatcher {
    commands: mpsc::Sender<Command>,
    nudge: Arc<Nudge>,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dispatcher { .. }")
    }
}

impl Dispatcher {
    /// Starts delivering, on the runtime of the caller. The task ends after [`Dispatcher::drain`], or when every handle is gone.
    pub fn start(parts: DispatchParts) -> (Self, JoinHandle<()>) {
        let client = Client::new(parts.client());
        if let Some(fault) = client.tls_fault() {
            tracing::warn!("deliveries to https URLs will fail: {fault}");
        }
        Self::start_with(parts, client)
    }

    /// The same with a client that was made before.
    fn start_with(parts: DispatchParts, client: Client) -> (Self, JoinHandle<()>) {
        let in_flight_max = parts.config.in_flight_max;
        let courier = Courier {
            store: parts.store,
            clock: parts.clock,
            plugins: parts.plugins,
            client,
            schedule: parts.config.schedule,
            defaults: Defaults { permanent_statuses: parts.config.permanent_statuses, max_age: parts.config.max_age },
            complained_at: AtomicI64::new(0),
            noticed: Arc::clone(&parts.noticed),
        };
        let disable_after_ms =
            parts.config.disable_after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        let board = Board::new(Limits {
            in_flight: in_flight_max,
            under_way: in_flight_max.saturating_add(RECORDS_MAX),
            entries: ENTRIES_MAX,
            event_bytes: EVENT_BYTES_MAX,
            window: Window::USUAL,
            breaker: parts.config.breaker,
            disable_after_ms,
            max_age_ms: i64::try_from(parts.config.max_age.as_millis()).ok(),
        });
        let nudge = Arc::<Nudge>::default();
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let courier = Arc::new(courier);
        let herald = Herald { courier: Arc::clone(&courier), disable_after_ms, noticed: parts.noticed };
        let (news, told) = mpsc::unbounded_channel();
        tokio::spawn(herald.run(told));
        let engine = Engine::new(board, courier, parts.ids, receiver, Arc::clone(&nudge), news);
        (Self { commands, nudge }, tokio::spawn(engine.run()))
    }

    /// Whether deliveries are made: false once drained, and if the engine died.
    pub fn is_running(&self) -> bool {
        !self.commands.is_closed()
    }

    /// A subscription was created, changed, paused, resumed or deleted: what memory holds of it is looked at again. The engine would see it at its next turn in any case.
    pub fn subscription_changed(&self, _id: SubscriptionId) {
        self.nudge.notify.notify_one();
    }

    /// A delivery that an operator wants tried now; it is pending again in the store.
    pub fn offer(&self, pending: Pending) {
        if self.commands.try_send(Command::Offer(pending)).is_err() {
            // Too many at once: they are found in the table.
            self.nudge.overflow.store(true, Ordering::Release);
            self.nudge.notify.notify_one();
        }
    }

    /// How a subscription fares; nothing if there is none, or the dispatcher has ended.
    pub async fn health(&self, id: SubscriptionId) -> Option<Health> {
        let (sender, health) = oneshot::channel();
        self.commands.send(Command::Health(id, sender)).await.ok()?;
        health.await.ok().flatten()
    }

    /// Starts nothing new, and waits for what is under way; what is not done by the deadline is given up, still pending in the store. Returns how many were given up.
    pub async fn drain(&self, deadline: Duration) -> usize {
        let (done, given_up) = oneshot::channel();
        if self.commands.send(Command::Drain { deadline, done }).await.is_err() {
            return 0;
        }
        given_up.await.unwrap_or(0)
    }
}
