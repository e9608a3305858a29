//! The body that `sign` and `verify` work on: a file's bytes, or those of standard input.

use super::failure::{Failure, told};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest body that is read, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// Which body.
#[derive(Debug, clap::Args)]
pub(super) struct BodyArguments {
    /// The file with the body, taken byte for byte; standard input if it is left out or `-`.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl BodyArguments {
    /// The file, if it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.file.as_deref().filter(|path| *path != Path::new("-"))
    }

    /// The bytes.
    pub(super) fn read(&self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let (name, read) = match self.path() {
            Some(path) => {
                let file = std::fs::File::open(path);
                (path.display().to_string(), file.and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes)))
            }
            None => ("standard input".to_owned(), std::io::stdin().lock().take(BYTES_MAX + 1).read_to_end(&mut bytes)),
        };
        match read {
            Err(error) => Err(told(format!("cannot read {name}: {error}"))),
            Ok(_) if bytes.len() as u64 > BYTES_MAX => Err(told(format!("{name} holds more than {BYTES_MAX} bytes"))),
            Ok(_) => Ok(bytes),
        }
    }
}
