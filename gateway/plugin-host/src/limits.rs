//! What one call may use, and what watches over it.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The longest deadline that a binding may ask for.
pub const DEADLINE_MAX: Duration = Duration::from_secs(2);
/// How often the epoch advances: a guest that computes is stopped within its deadline and one of these.
pub const EPOCH_TICK: Duration = Duration::from_millis(5);
/// The largest linear memory that any call may ask for, in bytes; the pool reserves slots of this size.
pub const MEMORY_BYTES_MAX: usize = 256 << 20;
/// The same where memory accesses are checked explicitly, as in containers with little address space.
pub const MEMORY_BYTES_MAX_EXPLICIT: usize = 64 << 20;
/// Lines of one call's log that are kept.
pub const LOG_LINES_MAX: usize = 256;
/// Table elements of one call; large interpreters need some 8,000.
const TABLE_ELEMENTS_MAX: usize = 20_000;

/// What one call may use. Larger values than the host's maxima count as those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Time from the start of the call, not counting the wait in the queue; at most [`DEADLINE_MAX`].
    pub deadline: Duration,
    /// Linear memory of the guest, in bytes; at most [`MEMORY_BYTES_MAX`].
    pub memory_bytes: usize,
    /// All that the guest hands to the host in one call: its answer and its log.
    pub output_bytes: usize,
    /// Of the log, how many bytes are kept.
    pub log_bytes: usize,
    /// How many calls one instance may serve; 0 and 1 mean a fresh one for each. What the guest remembers of one call it
    /// then knows in the next, and a replay may find another state: it is for interpreters that take longer to start
    /// than to answer. An instance serves one version, plugin and binding, and is let go after any failure but the
    /// plugin's own refusals and faults, when it has filled half of its memory, and when it has nothing to do.
    pub reuse: u32,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(50),
            memory_bytes: 64 << 20,
            output_bytes: 4 << 20,
            log_bytes: 16 << 10,
            reuse: 1,
        }
    }
}

impl CallLimits {
    /// The deadline that counts.
    pub(crate) fn effective_deadline(&self) -> Duration {
        self.deadline.clamp(Duration::from_millis(1), DEADLINE_MAX)
    }

    /// The limit on memory that counts.
    pub(crate) fn effective_memory_bytes(&self) -> usize {
        self.memory_bytes.min(MEMORY_BYTES_MAX)
    }
}

/// A time in epochs: one more than fit into it, since the present epoch is already under way.
pub(crate) fn epochs_in(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / EPOCH_TICK.as_millis() + 1).unwrap_or(u64::MAX)
}

/// The guest asked for more memory than its call may have.
#[derive(Debug, thiserror::Error)]
#[error("the memory limit of the call is reached")]
pub(crate) struct MemoryLimitReached;

/// Watches the memories and tables of one instance.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_bytes_max: usize,
    memory_bytes: usize,
    denied: bool,
}

impl Meter {
    pub(crate) fn new(limits: &CallLimits) -> Self {
        Self { memory_bytes_max: limits.effective_memory_bytes(), memory_bytes: 0, denied: false }
    }

    /// Takes the limits of another call. Memory that is there stays.
    pub(crate) fn renew(&mut self, limits: &CallLimits) {
        self.memory_bytes_max = limits.effective_memory_bytes();
        self.denied = false;
    }

    /// The most memory that the instance had; memories only ever grow.
    pub(crate) fn peak_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Whether a request for memory was turned down: then a trap means that memory ran out.
    pub(crate) fn denied(&self) -> bool {
        self.denied
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // A component may have several memories; their sum is what counts.
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if total > self.memory_bytes_max {
            self.denied = true;
            return Err(wasmtime::Error::new(MemoryLimitReached));
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.denied = true;
        Ok(())
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_held_within_the_maximum() {
        let epochs = |ms| {
            let limits = CallLimits { deadline: Duration::from_millis(ms), ..CallLimits::default() };
            epochs_in(limits.effective_deadline())
        };
        assert_eq!((epochs(0), epochs(4), epochs(50), epochs(60_000)), (1, 1, 11, 401));
    }

    #[test]
    fn memories_count_together() {
        let mut meter = Meter::new(&CallLimits { memory_bytes: 100, ..CallLimits::default() });
        assert!(meter.memory_growing(0, 60, None).is_ok_and(|granted| granted));
        assert!(meter.memory_growing(0, 50, None).is_err());
        assert_eq!((meter.peak_bytes(), meter.denied()), (60, true));
    }
}
