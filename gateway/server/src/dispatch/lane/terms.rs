//! What a lane is told, and what it tells.

use crate::dispatch::decide::Throttled;
use hookwright_core::breaker::{BreakerRules, BreakerState};
use hookwright_core::delivery_options::HeadOfLine;

/// How much of a subscription's backlog is in memory.
#[derive(Clone, Copy, Debug)]
pub(in crate::dispatch) struct Window {
    /// The most deliveries that are ready.
    pub(in crate::dispatch) ready: usize,
    /// The most deliveries that wait for their time.
    pub(in crate::dispatch) waiting: usize,
    /// Deliveries read from the table at once.
    pub(in crate::dispatch) page: usize,
    /// Events are loaded when fewer than this many deliveries in front have theirs.
    pub(in crate::dispatch) lookahead: usize,
    /// Events loaded at once.
    pub(in crate::dispatch) load: usize,
    /// Events loaded at once where memory is short.
    pub(in crate::dispatch) load_short: usize,
}

impl Window {
    /// What is in force unless a test says otherwise.
    pub(in crate::dispatch) const USUAL: Self =
        Self { ready: 2_048, waiting: 16_384, page: 512, lookahead: 32, load: 128, load_short: 8 };
}

/// What a subscription's settings and the gateway's say of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) struct Terms {
    /// Whether it is delivered to.
    pub(in crate::dispatch) active: bool,
    /// Exchanges at once.
    pub(in crate::dispatch) in_flight_max: usize,
    /// Attempts in a second.
    pub(in crate::dispatch) rate: Option<u32>,
    /// Whether deliveries keep an order, and what becomes of those behind one that fails.
    pub(in crate::dispatch) order: Option<HeadOfLine>,
    /// How old a delivery may be that is tried, in milliseconds.
    pub(in crate::dispatch) max_age_ms: Option<i64>,
    /// When its breaker opens.
    pub(in crate::dispatch) breaker: BreakerRules,
    /// How long it may do nothing but fail, in milliseconds; `None` for ever.
    pub(in crate::dispatch) disable_after_ms: Option<i64>,
}

/// How a subscription fares, as far as memory knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Its breaker.
    pub breaker: BreakerState,
    /// Since when it has done nothing but fail, unix milliseconds.
    pub failing_since: Option<i64>,
    /// Until when it asked to be left in peace, unix milliseconds.
    pub throttled_until: Option<i64>,
    /// Exchanges under way.
    pub in_flight: usize,
    /// Deliveries in memory that could go at once.
    pub ready: usize,
    /// Deliveries in memory that wait for their time.
    pub waiting: usize,
    /// Deliveries in memory that wait for another with the same ordering key.
    pub behind: usize,
    /// Whether there are more in the store that are due.
    pub more_in_store: bool,
}

/// What an exchange says about the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Reply {
    /// It took the delivery.
    Delivered,
    /// It has too much to do.
    Throttled(Throttled),
    /// It wants no more.
    Gone,
    /// It failed to take the delivery.
    Failed,
    /// Nothing that concerns its other deliveries.
    Other,
}

/// How an exchange and its recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dispatch) enum Settled {
    /// The delivery is settled, or not ours to say: nothing more to do.
    Done,
    /// Another attempt is due.
    Retry {
        /// When, unix milliseconds.
        due_at: i64,
    },
    /// The table says something else than memory.
    Stale,
    /// The task ended without recording anything, by a panic: the table says what it said before.
    Lost,
}
