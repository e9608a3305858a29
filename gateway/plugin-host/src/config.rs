//! What the host is started with.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::child::{CHILD_ARGUMENT, COMPILE_WALL_MAX};

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

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// On the thread that calls: for tools and tests.
    #[default]
    InProcess,
    /// In a short-lived process of low priority, with limits on memory and time. The program must call
    /// [`main_if_child`](crate::child::main_if_child) first, and must be built from the same source as this one.
    Child {
        /// The program.
        program: PathBuf,
        /// Its arguments: [`CHILD_ARGUMENT`] alone.
        args: Vec<OsString>,
        /// How long a compilation may take by the clock; [`COMPILE_WALL_MAX`] unless there is a reason.
        wall_limit: Duration,
    },
}

impl Compiler {
    /// A child of the program that is running. On Linux this holds even when its file is replaced meanwhile.
    pub fn this_program() -> io::Result<Self> {
        let program =
            if cfg!(target_os = "linux") { PathBuf::from("/proc/self/exe") } else { std::env::current_exe()? };
        Ok(Self::Child { program, args: vec![CHILD_ARGUMENT.into()], wall_limit: COMPILE_WALL_MAX })
    }
}

/// What the host is started with.
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// Threads that run guests. `None`: two for each processor, since plugins that run into their deadlines may hold
    /// half of them.
    pub threads: Option<NonZeroUsize>,
    /// Calls that may wait for a thread; one more is answered with `QueueFull`.
    pub queue_len: usize,
    /// Where compiled plugins are kept. `None`: nowhere.
    pub cache: Option<CacheConfig>,
    /// How guests are kept inside their memory.
    pub memory_checks: MemoryChecks,
    /// The largest component that is loaded, in bytes.
    pub component_bytes_max: usize,
    /// Where components are compiled.
    pub compiler: Compiler,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            threads: None,
            queue_len: 1024,
            cache: None,
            memory_checks: MemoryChecks::Auto,
            component_bytes_max: 32 << 20,
            compiler: Compiler::InProcess,
        }
    }
}
