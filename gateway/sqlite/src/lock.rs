//! One process to a file: an advisory lock beside the database, gone with the process however that ends.

use hookwright_store::StoreError;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Held for as long as the store is open.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock of the database at `path`, or says that another process has it.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let lock = lock_path(path);
        let cannot =
            |error: &std::io::Error| StoreError::Unsuitable(format!("cannot lock {}: {error}", lock.display()));
        let file = File::options().create(true).append(true).open(&lock).map_err(|error| cannot(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Unsuitable(format!(
                "the database {} is in use by another process (it holds {})",
                path.display(),
                lock.display()
            ))),
            Err(TryLockError::Error(error)) => Err(cannot(&error)),
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    PathBuf::from(name)
}
