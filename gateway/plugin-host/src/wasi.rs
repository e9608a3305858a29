//! The empty world that components built for WASI preview 2 find: no files, no network, no environment, no arguments,
//! nothing to read. What they write goes to the call's log. Time stands still at the time of the call, and randomness
//! is computed from what the call is about, so that a replay gives the same bytes.

mod chance;
mod stdio;
mod time;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::context::CallContext;
use crate::guest::Guest;
use crate::log::{SharedLog, Stream};
use chance::Chance;
use stdio::Captured;
use time::{Frozen, Still};

/// Interfaces of WASI 0.2 that may be imported. Runtimes import files and terminals without using them, so these are
/// there and empty. Sockets and HTTP are in no runtime that does not ask for them.
const INTERFACES: [&str; 20] = [
    "cli/environment",
    "cli/exit",
    "cli/stderr",
    "cli/stdin",
    "cli/stdout",
    "cli/terminal-input",
    "cli/terminal-output",
    "cli/terminal-stderr",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "filesystem/preopens",
    "filesystem/types",
    "io/error",
    "io/poll",
    "io/streams",
    "random/insecure",
    "random/insecure-seed",
    "random/random",
];
/// Handles that a guest may hold at once: streams, pollables, errors.
const HANDLES_MAX: usize = 1024;
/// Bytes of randomness that one request may ask for; the host makes them in one piece.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// Whether an import is part of the empty world.
pub(crate) fn is_offered(import: &str) -> bool {
    let Some((interface, version)) = import.strip_prefix("wasi:").and_then(|name| name.split_once('@')) else {
        return false;
    };
    let is_0_2 = version
        .strip_prefix("0.2.")
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()));
    is_0_2 && INTERFACES.contains(&interface)
}

/// Offers the empty world to components that import it.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// What the empty world is made from, taken from the call's context.
#[derive(Clone, Default)]
pub(crate) struct Circumstances {
    now_ms: i64,
    subject_id: String,
    attempt: u32,
}

impl From<&CallContext> for Circumstances {
    fn from(context: &CallContext) -> Self {
        Self { now_ms: context.now_ms, subject_id: context.subject_id.clone(), attempt: context.attempt }
    }
}

/// The world of one instance.
pub(crate) struct EmptyWorld {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl EmptyWorld {
    pub(crate) fn new(circumstances: &Circumstances, log: &SharedLog) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self { ctx: Self::ctx(circumstances, log), table }
    }

    /// The same for another call: time and chance are that call's, and handles stay with the guest, which may have
    /// put them anywhere. What it writes to a stream that it holds goes to the log, which is the other call's by now.
    pub(crate) fn renew(&mut self, circumstances: &Circumstances, log: &SharedLog) {
        self.ctx = Self::ctx(circumstances, log);
    }

    fn ctx(circumstances: &Circumstances, log: &SharedLog) -> WasiCtx {
        let chance = |purpose| Chance::new(purpose, &circumstances.subject_id, circumstances.attempt);
        let mut seed = [0; 16];
        chance("seed").fill(&mut seed);
        WasiCtxBuilder::new()
            .stdout(Captured::new(Stream::Stdout, log))
            .stderr(Captured::new(Stream::Stderr, log))
            .wall_clock(Frozen::at(circumstances.now_ms))
            .monotonic_clock(Still)
            .secure_random(chance("secure"))
            .insecure_random(chance("insecure"))
            .insecure_random_seed(u128::from_le_bytes(seed))
            .max_random_size(RANDOM_BYTES_MAX)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build()
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let EmptyWorld { ctx, table } = self.empty_world();
        WasiCtxView { ctx, table }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_world_has_no_sockets_and_no_http() {
        for offered in ["wasi:cli/environment@0.2.0", "wasi:io/poll@0.2.12", "wasi:filesystem/types@0.2.6"] {
            assert!(is_offered(offered), "{offered}");
        }
        for refused in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/environment@0.3.0",
            "wasi:cli/environment@0.2.",
            "wasi:cli/environment",
            "wasi:clocks/timezone@0.2.0",
            "other:cli/environment@0.2.0",
        ] {
            assert!(!is_offered(refused), "{refused}");
        }
    }
}
