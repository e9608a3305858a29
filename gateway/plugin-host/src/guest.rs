//! One guest: what the host keeps for it, how its call is watched, and how its end is told.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use wasmtime::{Engine, Error, ResourceLimiter, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::answer::Invalid;
use crate::bindings::inbound::hookwright::plugin::log;
use crate::call::{CallFailure, Called, LogLevel};
use crate::context::CallContext;
use crate::idle::{Idle, Owner};
use crate::instance::Instance;
use crate::limits::{CallLimits, MemoryLimitReached, Meter};
use crate::linked::Exports;
use crate::log::SharedLog;
use crate::version::PluginVersion;
use crate::wasi::{Circumstances, EmptyWorld};

/// Characters of a trap's description that are kept.
const TRAP_CHARS_MAX: usize = 1024;

/// What the host keeps for an instance while it lives.
pub(crate) struct Guest {
    meter: Meter,
    /// When the call began, and how long it may take.
    started: Instant,
    deadline: Duration,
    log: SharedLog,
    circumstances: Circumstances,
    /// Made when the guest first asks WASI for something; most never do.
    empty_world: Option<Box<EmptyWorld>>,
}

impl Guest {
    pub(crate) fn new(circumstances: Circumstances, limits: &CallLimits) -> Self {
        Self {
            meter: Meter::new(limits),
            started: Instant::now(),
            deadline: limits.effective_deadline(),
            log: SharedLog::new(limits.log_bytes),
            circumstances,
            empty_world: None,
        }
    }

    /// Forgets one call and gets ready for another: nothing is left but the memory that the instance has, and the
    /// handles that it holds.
    pub(crate) fn renew(&mut self, circumstances: Circumstances, limits: &CallLimits) {
        self.meter.renew(limits);
        (self.started, self.deadline) = (Instant::now(), limits.effective_deadline());
        self.log.reopen(limits.log_bytes);
        if let Some(world) = &mut self.empty_world {
            world.renew(&circumstances, &self.log);
        }
        self.circumstances = circumstances;
    }

    /// What is left of the call's time.
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.started.elapsed())
    }

    pub(crate) fn meter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.meter
    }

    /// The linear memory that it has, which is the most that it had.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.meter.peak_bytes()
    }

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

/// A call: of which version, on whose behalf, within which limits.
pub(crate) struct Watched<'a> {
    engine: &'a Engine,
    idle: &'a Idle,
    pub(crate) version: &'a PluginVersion,
    limits: &'a CallLimits,
    circumstances: Circumstances,
    owner: Option<Owner>,
}

impl<'a> Watched<'a> {
    /// A call on a thread that keeps these instances.
    pub(crate) fn new(
        engine: &'a Engine,
        idle: &'a Idle,
        version: &'a Arc<PluginVersion>,
        context: &CallContext,
        limits: &'a CallLimits,
    ) -> Self {
        let owner = Owner::of(version, context, limits);
        Self { engine, idle, version, limits, circumstances: context.into(), owner }
    }
}

/// Finds or makes an instance, waits for the call in it no longer than the deadline, and tells how it ended.
pub(crate) async fn watch<T>(
    watched: Watched<'_>,
    call: impl AsyncFnOnce(&mut Store<Guest>, &Exports) -> Result<T, Stop>,
) -> Called<T> {
    let Watched { engine, idle, version, limits, circumstances, owner } = watched;
    let deadline = limits.effective_deadline();
    let started = Instant::now();
    let kept = owner.as_ref().and_then(|owner| idle.take(owner, &circumstances, limits));
    let mut instance = kept.unwrap_or_else(|| Instance::new(engine, circumstances, limits));
    let serve = async {
        let (store, exports) = instance.start(&version.linked).await.map_err(Stop::Instantiate)?;
        call(store, exports).await
    };
    let result = match timeout(deadline, serve).await {
        Ok(result) => result.map_err(|stop| describe(stop, instance.guest(), limits)),
        // Only a guest asleep in the host gets here: one that computes is stopped by its epoch.
        Err(_) => Err(CallFailure::Timeout { deadline }),
    };
    let (log, log_truncated) = instance.guest().log.close();
    let memory_peak_bytes = instance.guest().memory_bytes();
    let calls_before = instance.calls_before();
    // Whatever has gone wrong may have left the guest in any state, so only its own answers speak for it.
    let is_sound = matches!(result, Ok(_) | Err(CallFailure::Refused(_) | CallFailure::Fault(_)));
    match owner {
        Some(owner) if is_sound && instance.may_serve_again(limits) => idle.put(owner, instance),
        _ => drop(instance),
    }
    // A fresh instance is gone, and what it wrote has been wiped from its slot: that too is time on the thread.
    let duration = started.elapsed();
    Called { result, memory_peak_bytes, log, log_truncated, waited: Duration::ZERO, duration, calls_before }
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
