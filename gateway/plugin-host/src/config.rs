//! What the host is started with.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// How guests are kept inside their memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryChecks {
    /// Guard pages, and explicit checks if the address space for those cannot be had.
    #[default]
    Auto,
    /// Guard pages: faster, and 4 GiB of address space (not memory) for each slot.
    Guarded,
    /// Explicit checks: slower, with little address space; for narrow containers.
    Explicit,
}

/// Where compiled plugins are kept between starts.
#[derive(Clone)]
pub struct CacheConfig {
    /// The directory; made, readable by the owner alone, if it is not there.
    pub dir: PathBuf,
    /// The key under which entries are authenticated. Whoever can write a valid entry can run code in the gateway, so
    /// without a key the directory's permissions are all that protects it, and the check only finds damage.
    pub mac_key: Option<[u8; 32]>,
}

impl fmt::Debug for CacheConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheConfig").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// What the host is started with.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Threads that run guests. `None`: one for each processor.
    pub threads: Option<NonZeroUsize>,
    /// Calls that may wait for a thread; one more is answered with `QueueFull`.
    pub queue_len: usize,
    /// Where compiled plugins are kept. `None`: nowhere.
    pub cache: Option<CacheConfig>,
    /// How guests are kept inside their memory.
    pub memory_checks: MemoryChecks,
    /// The largest component that is loaded, in bytes.
    pub component_bytes_max: usize,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            threads: None,
            queue_len: 1024,
            cache: None,
            memory_checks: MemoryChecks::Auto,
            component_bytes_max: 32 << 20,
        }
    }
}
