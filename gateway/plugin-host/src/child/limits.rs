//! What a compiling process may use. It limits itself, before it has read a byte.

use std::io;

/// How much it gives way to others; the gateway itself runs at 0.
#[cfg(unix)]
const NICENESS: i32 = 10;
/// Address space, in bytes. The largest runtimes take some 310 MiB to compile.
#[cfg(unix)]
const ADDRESS_SPACE_BYTES_MAX: u64 = 2 << 30;
/// Processor time. The largest runtimes take 12 s.
#[cfg(unix)]
const CPU_SECS_MAX: u64 = 60;

/// Takes the limits, for good.
#[cfg(unix)]
pub(super) fn take() -> io::Result<()> {
    use rustix::process::{Resource, nice};

    nice(NICENESS)?;
    lower(Resource::As, ADDRESS_SPACE_BYTES_MAX)?;
    lower(Resource::Cpu, CPU_SECS_MAX)?;
    // A core file would hold the component.
    lower(Resource::Core, 0)
}

/// Lowers a limit; one that is lower already stays.
#[cfg(unix)]
fn lower(resource: rustix::process::Resource, limit: u64) -> io::Result<()> {
    use rustix::process::{Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
    Ok(setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?)
}

/// Other systems have other means; there, the clock alone bounds a compilation.
#[cfg(not(unix))]
pub(super) fn take() -> io::Result<()> {
    Ok(())
}
