//! The compiler's process by itself, for programs that are not the gateway, and for tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    hookwright_plugin_host::child::main_if_child().unwrap_or_else(|| {
        eprintln!("usage: plugin-compiler {}, by a plugin host", hookwright_plugin_host::child::CHILD_ARGUMENT);
        ExitCode::from(2)
    })
}
