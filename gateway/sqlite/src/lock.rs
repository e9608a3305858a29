//! One process to a file: an advisory lock beside the database, gone with the process however that ends.

use hookwright_store::StoreError;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Held for as long as the store is open.
#[derive(Debug)]
pub(crate) struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock of the database at `path`, or says that another process has it.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let lock = lock_path(path);
        let cannot =
            |error: &std::io::Error| StoreError::Unsuitable(format!("cannot lock {}: {error}", lock.display()));
        let file = File::options().create(true).append(true).open(&lock).map_err(|error| cannot(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Unsuitable(format!(
                "the database {} is in use by another process (it holds {})",
                path.display(),
                lock.display()
            ))),
            Err(TryLockError::Error(error)) => Err(cannot(&error)),
        }
    }
}

impl Drop for FileLock {
    /// Gives the lock up by name. Closing the file is not enough: a process that this one is just starting holds every
    /// open file too until it becomes another program, and flock(2) ends only with the last of them or when it is told.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the lock of the database was not given up; it ends with the process");
        }
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_given_up_is_free_though_a_copy_of_its_file_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hookwright.db");
        let held = FileLock::take(&path).unwrap();
        let copy = held.file.try_clone().unwrap();
        assert!(matches!(FileLock::take(&path), Err(StoreError::Unsuitable(_))), "the lock is held");

        drop(held);
        FileLock::take(&path).expect("the copy, as a starting process has one, holds nothing");
        drop(copy);
    }
}
