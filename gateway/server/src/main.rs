//! The `hookwright` command.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Many small things are made on one thread and dropped on another, all the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    hookwright::cli::main()
}
