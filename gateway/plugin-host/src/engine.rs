//! The one engine of the process: every knob that is turned, and why.

use std::num::NonZeroUsize;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;

use tokio::time::Instant;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::config::MemoryChecks;
use crate::host::HostError;
use crate::idle::IDLE_MAX;
use crate::limits::{EPOCH_TICK, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX_EXPLICIT};

/// The engine, and whether its code checks every access to memory.
pub(crate) struct Started {
    pub(crate) engine: Engine,
    pub(crate) explicit: bool,
}

/// Makes the engine for this many threads.
pub(crate) fn start(threads: usize, checks: MemoryChecks) -> Result<Started, HostError> {
    let engine = |explicit| {
        let engine = Engine::new(&config(threads, explicit));
        let engine = engine.map_err(|error| HostError::Engine { problem: format!("{error:#}") })?;
        Ok(Started { engine, explicit })
    };
    match checks {
        MemoryChecks::Guarded => engine(false),
        MemoryChecks::Explicit => engine(true),
        // Making the engine reserves the whole pool, so a failure here is the probe for too little address space.
        MemoryChecks::Auto => engine(false).or_else(|error: HostError| {
            tracing::warn!(%error, "no address space for guard pages; plugins run with explicit memory checks, slower");
            engine(true)
        }),
    }
}

/// An engine that compiles for one like the above and runs nothing: it reserves no address space for a pool.
pub(crate) fn compiler(explicit: bool) -> wasmtime::Result<Engine> {
    Engine::new(&codegen(explicit))
}

fn config(threads: usize, explicit: bool) -> Config {
    let mut config = codegen(explicit);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(threads, explicit)));
    config
}

/// All that compiled code depends on.
fn codegen(explicit: bool) -> Config {
    let mut config = Config::new();
    // Plugins are components.
    config.wasm_component_model(true);
    // The async ABI of the component model is not offered, and stores are smaller without it.
    config.concurrency_support(false);
    // A guest that computes without end is stopped at the epoch of its deadline; fuel would cost twice as much.
    config.epoch_interruption(true);
    // A plugin is compiled once and called millions of times.
    config.cranelift_opt_level(OptLevel::Speed);
    // A fresh instance maps the component's initial memory instead of copying it.
    config.memory_init_cow(true);
    // Enough frames to find the fault, few enough to make traps cheap.
    config.wasm_backtrace_max_frames(NonZeroUsize::new(8));
    // Relaxed SIMD may differ between processors, and a replay must not.
    config.relaxed_simd_deterministic(true);
    // Deep recursion ends in a trap long before the fiber's own stack of 1 MiB does.
    config.max_wasm_stack(512 << 10).async_stack_size(1 << 20);
    if explicit {
        // No guard pages: every access is checked by code, and a slot takes 64 MiB of address space, not 4 GiB.
        config.signals_based_traps(false).memory_guard_size(0).memory_reservation(MEMORY_BYTES_MAX_EXPLICIT as u64);
    }
    config
}

/// Instances that there can be: a thread has one that runs and some that wait for another call. The rest is slack, for
/// slots that are being cleaned and for the starts of versions that are being loaded.
pub(crate) fn slots(threads: usize) -> u32 {
    u32::try_from((2 + IDLE_MAX) * threads + 8).unwrap_or(u32::MAX)
}

fn pool(threads: usize, explicit: bool) -> PoolingAllocationConfig {
    let slots = slots(threads);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots).total_stacks(slots);
    // Python and JavaScript runtimes are components of several modules.
    pool.total_core_instances(slots.saturating_mul(16)).max_core_instances_per_component(64);
    pool.total_memories(slots.saturating_mul(4)).max_memories_per_component(8);
    pool.total_tables(slots.saturating_mul(8)).max_tables_per_component(16).max_tables_per_module(4);
    // Large interpreters have some 8,000 table elements.
    pool.table_elements(20_000);
    pool.max_component_instance_size(4 << 20).max_core_instance_size(4 << 20);
    pool.max_memory_size(if explicit { MEMORY_BYTES_MAX_EXPLICIT } else { MEMORY_BYTES_MAX });
    // A slot that keeps the image of the same plugin needs no remapping.
    pool.max_unused_warm_slots(slots);
    // With PAGEMAP_SCAN (Linux 6.7) the kernel tells which pages were written, and only those are reset; without it,
    // keeping pages resident costs more than it saves. With less than this, bodies of 20 KiB take 1.4 times as long: once
    // more pages have been written than are kept, all that lie beyond are given back after each call.
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(2 << 20).table_keep_resident(256 << 10);
    }
    pool
}

/// Advances the engine's epoch for as long as it is kept.
pub(crate) struct Ticker {
    _stop: Sender<()>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let engine = engine.weak();
        let (stop, stopped) = channel::<()>();
        thread::Builder::new().name("plugin-epoch".to_owned()).spawn(move || {
            let started = Instant::now();
            let mut ticks = 0;
            // The wait ends early, with another error, when the ticker is dropped.
            while stopped.recv_timeout(EPOCH_TICK) == Err(RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else { break };
                // On a busy machine the thread wakes late. Ticks that were missed are made up for, or the delays of
                // all ticks of a deadline would add up.
                let due = started.elapsed().as_millis() / EPOCH_TICK.as_millis();
                while ticks < due {
                    engine.increment_epoch();
                    ticks += 1;
                }
            }
        })?;
        Ok(Self { _stop: stop })
    }
}
