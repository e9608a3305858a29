//! The programs of the toolchains, and what they say.

use std::io;
use std::path::Path;
use std::process::{Command, Output};

use super::BuildError;

/// The end of a program's output is where it says what was wrong.
const OUTPUT_BYTES_MAX: usize = 4096;

/// Runs a program to its end.
pub(super) fn run(command: &mut Command) -> Result<Output, BuildError> {
    command.output().map_err(|source| {
        let program = command.get_program().to_string_lossy().into_owned();
        let advice = advice(Path::new(&program), &source);
        BuildError::NoProgram { program, advice, source }
    })
}

/// What a person has to do, since this program cannot.
fn advice(program: &Path, error: &io::Error) -> &'static str {
    if error.kind() != io::ErrorKind::NotFound {
        return "see what the system says";
    }
    match program.file_name().and_then(|name| name.to_str()) {
        Some("cargo" | "rustc" | "rustup") => "install Rust with rustup (https://rustup.rs)",
        Some("node" | "npm") => "install Node.js 20 or newer, which brings npm (https://nodejs.org)",
        Some("python3") => "install Python 3.10 or newer with its module venv (https://www.python.org)",
        _ => "see what the system says",
    }
}

/// The end of what a program said.
pub(super) fn tail(output: &[u8]) -> String {
    let start = output.len().saturating_sub(OUTPUT_BYTES_MAX);
    String::from_utf8_lossy(&output[start..]).into_owned()
}

/// The end of what a program said on both its streams.
pub(super) fn said(output: &Output) -> String {
    let both = [output.stdout.trim_ascii(), output.stderr.trim_ascii()].join(&b'\n');
    tail(both.trim_ascii())
}
