//! Compilation in a child process of the same binary. The compiler is large, and is fed what strangers push: in a process
//! of its own it can neither starve the callers, nor keep the memory it took, nor take the gateway with it if it fails.
//!
//! The program calls [`main_if_child`] before anything else, and starts its host with
//! [`Compiler::this_program`](crate::Compiler::this_program).

mod limits;
mod protocol;
mod watch;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use wasmtime::Engine;

use crate::engine;
use crate::load::LoadError;
use crate::version::Digest;
use protocol::{Answer, Request};
use watch::Watched;

/// The hidden argument that makes the program a compiler.
pub const CHILD_ARGUMENT: &str = "__compile-plugin";
/// How long a compilation may take by the clock: it runs at low priority, and the limit on its processor time is lower.
pub const COMPILE_WALL_MAX: Duration = Duration::from_mins(3);
/// Of what a failing child says on standard error, this much is kept.
const COMPLAINT_BYTES_MAX: u64 = 2048;

/// Compiles what comes on standard input if the program was started as a compiler, and tells how it ended. `None`: it was
/// started as something else. Call it first, before threads, logging or the reading of arguments.
pub fn main_if_child() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != CHILD_ARGUMENT || arguments.next().is_some() {
        return None;
    }
    Some(match run_child(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The process that reads this logs it; there is nobody to tell if it has gone away.
            drop(writeln!(io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    })
}

/// The compiler's side: takes limits and a low priority, reads a request, compiles, and writes the answer. An error is
/// about the pipes or the limits; a component that does not compile is an answer.
pub fn run_child(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    limits::take()?;
    let request = Request::read(input)?;
    let compiled = engine::compiler(request.explicit)
        .and_then(|engine| engine.precompile_component(&request.component))
        .map_err(|error| format!("{error:#}"));
    Answer { compiled }.write(&Digest::of(&request.component), output)
}

/// Where the compiler is, and how long it may take.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) wall_limit: Duration,
}

impl Child {
    /// The gateway's side: the compiled code of a component, for an engine with or without explicit memory checks.
    pub(crate) fn compile(&self, explicit: bool, digest: &Digest, component: &[u8]) -> Result<Vec<u8>, LoadError> {
        let mut command = Command::new(&self.program);
        // The environment holds secrets, and nothing that a compiler needs.
        command.args(&self.args).env_clear().current_dir(Path::new("/"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let unavailable = |error: io::Error| LoadError::CompilerUnavailable {
            problem: format!("{} cannot be started ({error})", self.program.display()),
        };
        let mut child = command.spawn().map_err(unavailable)?;
        let (input, output, complaint) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let watched = Watched::new(child, self.wall_limit).map_err(unavailable)?;
        let answer = (|| {
            let (Some(mut input), Some(mut output)) = (input, output) else {
                return Err(io::Error::other("the pipes are missing"));
            };
            // The child reads everything before it writes anything, so the two cannot wait for each other.
            Request::write(explicit, component, &mut input)?;
            drop(input);
            Answer::read(digest, component.len(), &mut output)
        })();
        let ended = watched.end().map_err(unavailable)?;
        match answer {
            Ok(Answer { compiled }) => compiled.map_err(|problem| LoadError::Compile { problem }),
            Err(error) => {
                let mut said = Vec::new();
                if let Some(complaint) = complaint {
                    // What it said is a help and no more.
                    drop(complaint.take(COMPLAINT_BYTES_MAX).read_to_end(&mut said));
                }
                Err(LoadError::CompilerCrashed { problem: self.problem(ended, &error, &said) })
            }
        }
    }

    fn problem(&self, ended: watch::Ended, error: &io::Error, said: &[u8]) -> String {
        let how = match ended {
            watch::Ended::Late => format!("it took longer than {} s", self.wall_limit.as_secs_f64()),
            watch::Ended::ByItself(status) => told(status),
        };
        let said = String::from_utf8_lossy(said);
        let said = said.trim();
        if said.is_empty() { format!("{how}; {error}") } else { format!("{how}; {error}; it said: {said}") }
    }
}

/// A status in words that name the limit which was probably hit.
fn told(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let meaning = match signal {
            6 => ", probably out of memory",
            24 => ", out of processor time",
            _ => "",
        };
        return format!("it was ended by signal {signal}{meaning}");
    }
    format!("it ended with {status}")
}

/// Takes compiled code over. The tag says that the child of this program wrote it with the same compiler.
pub(crate) fn load(engine: &Engine, code: &[u8]) -> Result<wasmtime::component::Component, LoadError> {
    // SAFETY: the bytes came through a private pipe from a process of this very program, whose
    // `precompile_component` made them, and their tag was right.
    let loaded = unsafe { wasmtime::component::Component::deserialize(engine, code) };
    loaded.map_err(|error| LoadError::CompilerUnavailable { problem: format!("its code does not fit ({error:#})") })
}
