//! The `hookwright` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    hookwright::cli::main()
}
