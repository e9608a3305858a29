//! What the host is doing at the moment: gauges for whoever operates it.

use wasmtime::Engine;

/// What the host is doing at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostStats {
    /// Threads that run guests.
    pub threads: usize,
    /// Calls that wait for a thread.
    pub waiting: usize,
    /// How many may.
    pub waiting_max: usize,
    /// Calls that are running.
    pub running: usize,
    /// Instances that are kept for another call.
    pub idle_instances: usize,
    /// What the engine's pool holds.
    pub slots: Option<SlotStats>,
}

/// What the engine's pool holds: slots in use, and slots that were and keep memory for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotStats {
    /// Instances of components.
    pub component_instances: u64,
    /// How many there can be; a call beyond fails, and the threads are too few for that.
    pub component_instances_max: u32,
    /// Instances of the modules inside.
    pub core_instances: u64,
    /// Linear memories.
    pub memories: usize,
    /// Tables.
    pub tables: usize,
    /// Stacks.
    pub stacks: usize,
    /// Slots of memories that are free and still mapped.
    pub unused_warm_memories: u32,
    /// Bytes that those keep resident.
    pub unused_memory_bytes: usize,
    /// Slots of tables that are free and still mapped.
    pub unused_warm_tables: u32,
    /// Bytes that those keep resident.
    pub unused_table_bytes: usize,
    /// Stacks that are free and still mapped.
    pub unused_warm_stacks: u32,
}

impl SlotStats {
    pub(crate) fn of(engine: &Engine, component_instances_max: u32) -> Option<Self> {
        let pool = engine.pooling_allocator_metrics()?;
        Some(Self {
            component_instances: pool.component_instances(),
            component_instances_max,
            core_instances: pool.core_instances(),
            memories: pool.memories(),
            tables: pool.tables(),
            stacks: pool.stacks(),
            unused_warm_memories: pool.unused_warm_memories(),
            unused_memory_bytes: pool.unused_memory_bytes_resident(),
            unused_warm_tables: pool.unused_warm_tables(),
            unused_table_bytes: pool.unused_table_bytes_resident(),
            unused_warm_stacks: pool.unused_warm_stacks(),
        })
    }
}
