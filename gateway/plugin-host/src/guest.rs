//! One guest: the store of a fresh instance, its log, and how its end is told.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use wasmtime::{Engine, Error, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::answer::Invalid;
use crate::bindings::inbound::hookwright::plugin::log;
use crate::call::{CallFailure, Called, LogLevel};
use crate::limits::{CallLimits, MemoryLimitReached, Meter};
use crate::log::SharedLog;
use crate::wasi::{Circumstances, EmptyWorld};

/// Characters of a trap's description that are kept.
const TRAP_CHARS_MAX: usize = 1024;

/// What the host keeps for an instance while it lives.
pub(crate) struct Guest {
    meter: Meter,
    log: SharedLog,
    circumstances: Circumstances,
    /// Made when the guest first asks WASI for something; most never do.
    empty_world: Option<Box<EmptyWorld>>,
}

impl Guest {
    pub(crate) fn empty_world(&mut self) -> &mut EmptyWorld {
        self.empty_world.get_or_insert_with(|| Box::new(EmptyWorld::new(&self.circumstances, &self.log)))
    }
}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.log.line(level, message);
    }
}

/// A store for one instance, held to the limits of its call.
pub(crate) fn store(engine: &Engine, circumstances: Circumstances, limits: &CallLimits) -> Store<Guest> {
    let log = SharedLog::new(limits.log_bytes);
    let guest = Guest { meter: Meter::new(limits), log, circumstances, empty_world: None };
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
    circumstances: Circumstances,
    limits: &CallLimits,
    call: impl AsyncFnOnce(&mut Store<Guest>) -> Result<T, Stop>,
) -> Called<T> {
    let deadline = limits.effective_deadline();
    let started = Instant::now();
    let mut store = store(engine, circumstances, limits);
    let result = match timeout(deadline, call(&mut store)).await {
        Ok(result) => result.map_err(|stop| describe(stop, store.data(), limits)),
        // Only a guest asleep in the host gets here: one that computes is stopped by its epoch.
        Err(_) => Err(CallFailure::Timeout { deadline }),
    };
    let guest = store.into_data();
    let (log, log_truncated) = guest.log.close();
    // The instance is gone, and what it wrote has been wiped from its slot: that too is time on the thread.
    let duration = started.elapsed();
    Called { result, memory_peak_bytes: guest.meter.peak_bytes(), log, log_truncated, waited: Duration::ZERO, duration }
}

fn describe(stop: Stop, guest: &Guest, limits: &CallLimits) -> CallFailure {
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
    if error.is::<MemoryLimitReached>() || (trap.is_some() && guest.meter.denied()) {
        return CallFailure::OutOfMemory { limit_bytes: limits.memory_bytes };
    }
    let message: String = format!("{error:#}").chars().take(TRAP_CHARS_MAX).collect();
    // Only WASI has imports that may fail; such a failure ends the guest like a trap.
    let failed_in_wasi = guest.empty_world.is_some() && error.is::<WasmBacktrace>();
    if trap.is_some() || error.is::<I32Exit>() || failed_in_wasi {
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
