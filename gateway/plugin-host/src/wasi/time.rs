//! Clocks that do not run.

use std::time::Duration;

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// A wall clock that always shows the time of the call.
pub(super) struct Frozen(Duration);

impl Frozen {
    /// WASI knows no time before 1970; such a call sees the first instant of it.
    pub(super) fn at(now_ms: i64) -> Self {
        Self(Duration::from_millis(u64::try_from(now_ms).unwrap_or(0)))
    }
}

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

/// A monotonic clock that stays at zero. Waiting for it takes real time all the same.
pub(super) struct Still;

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}
