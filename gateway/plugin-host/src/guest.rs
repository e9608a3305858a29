//! One guest: the store of a fresh instance, its log, and how its end is told.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use wasmtime::{Engine, Error, Store, Trap};

use crate::answer::Invalid;
use crate::bindings::inbound::hookwright::plugin::log;
use crate::call::{CallFailure, Called, LogLevel, LogLine};
use crate::limits::{CallLimits, LOG_LINES_MAX, MemoryLimitReached, Meter};

/// Characters of a trap's description that are kept.
const TRAP_CHARS_MAX: usize = 1024;

/// What the host keeps for an instance while it lives.
pub(crate) struct Guest {
    meter: Meter,
    log: Vec<LogLine>,
    log_bytes_left: usize,
    log_truncated: bool,
}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, mut message: String) {
        if self.log.len() == LOG_LINES_MAX || self.log_bytes_left == 0 {
            self.log_truncated = true;
            return;
        }
        if message.len() > self.log_bytes_left {
            self.log_truncated = true;
            message.truncate(message.floor_char_boundary(self.log_bytes_left));
        }
        self.log_bytes_left -= message.len();
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.log.push(LogLine { level, message });
    }
}

/// A store for one instance, held to the limits of its call.
pub(crate) fn store(engine: &Engine, limits: &CallLimits) -> Store<Guest> {
    let guest =
        Guest { meter: Meter::new(limits), log: Vec::new(), log_bytes_left: limits.log_bytes, log_truncated: false };
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.meter);
    store.set_hostcall_fuel(limits.output_bytes);
    store.set_epoch_deadline(limits.deadline_epochs());
    store.epoch_deadline_trap();
    store
}

/// Why a guest gave no answer, before it is known what that means.
pub(crate) enum Stop {
    /// No instance could be made.
    Instantiate(Error),
    /// The call failed.
    Call(Error),
    /// The answer breaks the contract.
    Invalid(Invalid),
    /// The plugin's own answer.
    Declined(CallFailure),
}

/// Makes a fresh store, waits for the call in it no longer than the deadline, and tells how it ended.
pub(crate) async fn watch<T>(
    engine: &Engine,
    limits: &CallLimits,
    call: impl AsyncFnOnce(&mut Store<Guest>) -> Result<T, Stop>,
) -> Called<T> {
    let deadline = limits.effective_deadline();
    let started = Instant::now();
    let mut store = store(engine, limits);
    let result = match timeout(deadline, call(&mut store)).await {
        Ok(result) => result.map_err(|stop| describe(stop, &store.data().meter, limits)),
        // Only a guest asleep in the host gets here: one that computes is stopped by its epoch.
        Err(_) => Err(CallFailure::Timeout { deadline }),
    };
    let guest = store.into_data();
    // The instance is gone, and what it wrote has been wiped from its slot: that too is time on the thread.
    let duration = started.elapsed();
    Called {
        result,
        memory_peak_bytes: guest.meter.peak_bytes(),
        log: guest.log,
        log_truncated: guest.log_truncated,
        waited: Duration::ZERO,
        duration,
    }
}

fn describe(stop: Stop, meter: &Meter, limits: &CallLimits) -> CallFailure {
    let (error, instantiated) = match stop {
        Stop::Declined(failure) => return failure,
        Stop::Invalid(Invalid { field, problem }) => return CallFailure::InvalidOutput { field, problem },
        Stop::Instantiate(error) => (error, false),
        Stop::Call(error) => (error, true),
    };
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return CallFailure::Timeout { deadline: limits.effective_deadline() };
    }
    if error.is::<MemoryLimitReached>() || (trap.is_some() && meter.denied()) {
        return CallFailure::OutOfMemory { limit_bytes: limits.memory_bytes };
    }
    let message: String = format!("{error:#}").chars().take(TRAP_CHARS_MAX).collect();
    if trap.is_some() {
        return CallFailure::Trap { message };
    }
    if !instantiated {
        return CallFailure::Unavailable { message };
    }
    // The error has no public type, only this text; a test holds it in place.
    if message.contains("fuel allocated for hostcalls") {
        return CallFailure::OutputTooLarge { limit_bytes: limits.output_bytes };
    }
    // What is left is a value that cannot be read: a string that is not UTF-8, a pointer out of bounds, a wrong case.
    CallFailure::InvalidOutput { field: "the answer".to_owned(), problem: error.root_cause().to_string() }
}
