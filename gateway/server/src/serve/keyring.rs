//! The sealing keys: read from where the operator keeps them, or made once for a new database.

use crate::chance;
use crate::config::{Database, KeyPlace};
use hookwright_core::seal::{BadKeys, Keyring};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The largest key file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Why there are no sealing keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file that was named is not there.
    #[error("the sealing keys' file {} is not there: restore it, or name the right one (keys.file)", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Nobody said where the keys of a shared database are.
    #[error(
        "a database on PostgreSQL needs its sealing keys named, the same on every node: make a file once, for example with `(umask 077; openssl rand -hex 32 > hookwright.key)`, copy it to every node, and name it (keys.file), or put its text into HOOKWRIGHT_KEY; without it the records cannot be read, so keep a copy"
    )]
    Unnamed,
    /// The database exists and its keys do not: making new ones would leave the old records closed for good.
    #[error(
        "the database {} exists and its sealing keys {} do not: restore the key file, or name it (keys.file or HOOKWRIGHT_KEY); nothing was changed",
        database.display(),
        path.display()
    )]
    Orphaned {
        /// The database.
        database: PathBuf,
        /// Where its keys should be.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the sealing keys' file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A new file cannot be written.
    #[error("cannot write a new sealing key to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What is there are no keys.
    #[error("the sealing keys in {place} cannot be used")]
    Bad {
        /// The file or variable.
        place: String,
        /// What is wrong.
        #[source]
        source: BadKeys,
    },
}

/// Keys, and a new file if one was made.
pub(super) struct Obtained {
    pub(super) keyring: Keyring,
    pub(super) made: Option<PathBuf>,
}

/// Reads the keys, or makes some if neither they nor the database exist. Never overwrites anything.
pub(super) fn obtain(place: &KeyPlace, database: &Database) -> Result<Obtained, KeyringError> {
    match place {
        KeyPlace::Text(text) => Ok(Obtained { keyring: parse(text, "HOOKWRIGHT_KEY")?, made: None }),
        KeyPlace::File(path) => match read(path)? {
            Some(text) => Ok(Obtained { keyring: parse(&text, &path.display().to_string())?, made: None }),
            None => Err(KeyringError::Missing { path: path.clone() }),
        },
        KeyPlace::Nowhere => Err(KeyringError::Unnamed),
        KeyPlace::FileOrNew(path) => {
            let name = path.display().to_string();
            if let Some(text) = read(path)? {
                return Ok(Obtained { keyring: parse(&text, &name)?, made: None });
            }
            if let Database::Sqlite(file) = database
                && file.exists()
            {
                return Err(KeyringError::Orphaned { database: file.clone(), path: path.clone() });
            }
            let made = make(path).map_err(|source| KeyringError::Write { path: path.clone(), source })?;
            // Another process may have been quicker: its key counts.
            let text = read(path)?.ok_or_else(|| KeyringError::Missing { path: path.clone() })?;
            Ok(Obtained { keyring: parse(&text, &name)?, made: made.then(|| path.clone()) })
        }
    }
}

/// Whether [`obtain`] would succeed, as far as reading tells; nothing is made.
pub(super) fn look(place: &KeyPlace, database: &Database) -> Result<(), KeyringError> {
    match (place, database) {
        (KeyPlace::FileOrNew(path), Database::Sqlite(file)) if !path.exists() && !file.exists() => Ok(()),
        _ => obtain(place, database).map(drop),
    }
}

fn parse(text: &str, place: &str) -> Result<Keyring, KeyringError> {
    Keyring::parse(text).map_err(|source| KeyringError::Bad { place: place.to_owned(), source })
}

fn read(path: &Path) -> Result<Option<String>, KeyringError> {
    let fail = |source| KeyringError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    warn_if_open_to_others(path, &file, "the sealing keys");
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(fail)?;
    Ok(Some(text))
}

/// Says so where a file with a secret can be read by others.
#[cfg(unix)]
pub(super) fn warn_if_open_to_others(path: &Path, file: &File, what: &str) {
    use std::os::unix::fs::MetadataExt;
    if file.metadata().is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "others on this machine can read {what}; `chmod 600` shuts them out");
    }
}

#[cfg(not(unix))]
pub(super) fn warn_if_open_to_others(_path: &Path, _file: &File, _what: &str) {}

/// Writes a new key, whole or not at all; false if a file was there by then.
fn make(path: &Path) -> io::Result<bool> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = directory.join(format!(".hookwright-key-{}", hex::encode(chance::bytes::<8>())));
    let text = format!(
        "# The sealing key of a Hookwright database. Without it the records cannot be read: keep a copy, away from the database.\n{}\n",
        hex::encode(chance::bytes::<32>())
    );
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    // A link, unlike a renaming, replaces nothing.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    File::open(directory)?.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        directory: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { directory: tempfile::tempdir().unwrap() }
        }

        fn key(&self) -> PathBuf {
            self.directory.path().join("h.key")
        }

        fn database(&self) -> Database {
            Database::Sqlite(self.directory.path().join("h.db"))
        }

        fn obtain(&self) -> Result<Obtained, KeyringError> {
            obtain(&KeyPlace::FileOrNew(self.key()), &self.database())
        }
    }

    #[test]
    fn a_new_database_gets_a_key_for_its_owner_alone() {
        let place = Place::new();
        let first = place.obtain().unwrap();
        assert_eq!(first.made, Some(place.key()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(fs::metadata(place.key()).unwrap().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(place.directory.path()).unwrap().count(), 1, "no draft is left behind");
        let again = place.obtain().unwrap();
        assert!(again.made.is_none());
        assert_eq!(format!("{:?}", again.keyring), format!("{:?}", first.keyring));
    }

    #[test]
    fn a_database_without_its_keys_is_left_alone() {
        let place = Place::new();
        fs::write(place.directory.path().join("h.db"), "records").unwrap();
        assert!(matches!(place.obtain(), Err(KeyringError::Orphaned { .. })));
        assert!(!place.key().exists());
    }

    #[test]
    fn a_bad_file_is_refused_and_left_alone() {
        let place = Place::new();
        fs::write(place.key(), "not a key\n").unwrap();
        assert!(matches!(place.obtain(), Err(KeyringError::Bad { .. })));
        assert_eq!(fs::read_to_string(place.key()).unwrap(), "not a key\n");
    }

    #[test]
    fn a_shared_database_s_keys_are_never_made_up() {
        let error = obtain(&KeyPlace::Nowhere, &Place::new().database()).map(drop).unwrap_err().to_string();
        assert!(
            error.contains("keys.file") && error.contains("HOOKWRIGHT_KEY") && error.contains("openssl"),
            "{error}"
        );
    }

    #[test]
    fn a_named_file_must_be_there() {
        let place = Place::new();
        let named = obtain(&KeyPlace::File(place.key()), &place.database());
        assert!(matches!(named, Err(KeyringError::Missing { .. })));
        assert!(!place.key().exists());
    }
}
