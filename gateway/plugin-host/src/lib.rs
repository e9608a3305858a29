//! Hookwright's host for WebAssembly plugins.
//!
//! It loads components that fit the contract under `wit/`, and calls them: every call in a fresh instance (or, where a
//! binding opts in, one of a bounded number of calls of the same instance), on threads of the host's own, with a deadline
//! and with caps on memory, output and log. Nothing above this crate sees wasmtime.
//!
//! ```text
//! let host = PluginHost::start(HostConfig::default())?;                       // once a process
//! let version = host.compile(&bytes)?;                                        // Arc<PluginVersion>; blocks
//! let called = host.parse(&version, context, request, CallLimits::default()).await;          // world inbound
//! let called = host.transform(&version, context, event, delivery, CallLimits::default()).await;   // world outbound
//! called.result          // Result<Outcome, CallFailure> or Result<Decision, CallFailure>
//! called.log             // what the plugin wrote; sealed with the message or attempt, never logged
//! called.duration        // and waited, memory_peak_bytes, log_truncated
//! ```
//!
//! * [`PluginHost`]: the host. [`HostConfig`]: what it is started with.
//! * [`PluginVersion`]: a loaded component: its [`Digest`], [`World`], contract and [`PluginMetadata`]. [`LoadError`]: why
//!   a file is none, with what to do about it.
//! * [`CallContext`], [`CallLimits`], [`Called`], [`CallFailure`]: a call and its end. [`HostStats`]: gauges.
//! * Components built for WASI 0.2 find an empty world: no files, network, environment or arguments, standard output and
//!   error in the call's log, clocks that stand still, and randomness that follows from subject and attempt.
//! * [`inbound`]: the request to a parser and its outcome; [`clinical`]: what outcomes report; [`outbound`]: events,
//!   deliveries and decisions. Answers have been checked: headers and methods are legal, texts bounded, JSON well-formed.
//! * [`child`]: compilation in a process of its own. [`build`]: from a guest's crate to a component.
//!   [`fixture`]: what a plugin must answer, packed into its component and run before it serves.

mod answer;
mod bindings;
pub mod build;
mod cache;
mod call;
pub mod child;
pub mod clinical;
mod component;
mod config;
mod context;
mod engine;
pub mod fixture;
mod guest;
mod host;
mod idle;
pub mod inbound;
mod instance;
mod limits;
mod linked;
mod load;
mod log;
pub mod outbound;
mod outer;
mod pool;
mod run;
mod stats;
mod version;
mod wasi;

pub use call::{CallFailure, Called, LogLevel, LogLine};
pub use component::CONTRACT;
pub use config::{CacheConfig, Compiler, HostConfig, MemoryChecks};
pub use context::{Attributes, CallContext, Reply};
pub use host::{HostError, PluginHost};
pub use limits::{CallLimits, DEADLINE_MAX, EPOCH_TICK, LOG_LINES_MAX, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX_EXPLICIT};
pub use load::LoadError;
pub use stats::{HostStats, SlotStats};
pub use version::{Digest, PluginMetadata, PluginVersion, World};
