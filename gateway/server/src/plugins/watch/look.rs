//! What the directory holds, by its metadata: to look is cheap, and reads nothing.

use super::case::Wrong;
use hookwright_plugin_host::Digest;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

/// Components that are taken from one directory.
pub(super) const FILES_MAX: usize = 1_024;
/// The largest file that is read.
pub(super) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Entries of any name that are passed over before the directory is given up.
const ENTRIES_MAX: usize = 65_536;

/// What tells that a file is another one than before; behind a link, of what the link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    numbers: [u64; 2],
    changed: [i64; 2],
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            numbers: numbers(metadata),
            changed: changed(metadata),
        }
    }
}

/// Device and inode.
#[cfg(unix)]
pub(super) fn numbers(metadata: &Metadata) -> [u64; 2] {
    use std::os::unix::fs::MetadataExt;
    [metadata.dev(), metadata.ino()]
}

/// There are none; the times and the length have to do.
#[cfg(not(unix))]
pub(super) fn numbers(_metadata: &Metadata) -> [u64; 2] {
    [0; 2]
}

/// When content, owner or mode changed last: tells of a copy that keeps the time of modification, and of a file that may be read now.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> [i64; 2] {
    use std::os::unix::fs::MetadataExt;
    [metadata.ctime(), metadata.ctime_nsec()]
}

#[cfg(not(unix))]
fn changed(_metadata: &Metadata) -> [i64; 2] {
    [0; 2]
}

/// One look at a directory.
#[derive(Debug)]
pub(super) struct Look {
    /// By file name.
    pub(super) files: BTreeMap<String, Result<Stamp, Wrong>>,
    /// What is wrong with the directory itself.
    pub(super) directory: Option<Wrong>,
    /// Whether any file is a link. No event tells of a change where it leads to.
    pub(super) has_links: bool,
}

impl Look {
    /// Whether a file that was not seen is not there. Where the directory cannot be read, nobody knows.
    pub(super) fn is_whole(&self) -> bool {
        !matches!(self.directory, Some(Wrong::DirectoryUnreadable { .. }))
    }
}

/// Looks at a directory.
pub(super) fn look(directory: &Path) -> Look {
    let mut look = Look { files: BTreeMap::new(), directory: None, has_links: false };
    if let Err(error) = list(directory, &mut look) {
        look.directory = Some(match error.kind() {
            io::ErrorKind::NotFound => Wrong::DirectoryMissing,
            _ => Wrong::DirectoryUnreadable { why: error.to_string() },
        });
    }
    let names: Vec<String> = look.files.keys().cloned().collect();
    for name in names {
        let path = directory.join(&name);
        look.has_links |= fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
        match stamp(&path) {
            Some(found) => look.files.insert(name, found),
            None => look.files.remove(&name),
        };
    }
    look
}

/// The names of components; the first so many, where there are too many.
fn list(directory: &Path, look: &mut Look) -> io::Result<()> {
    for (nth, entry) in fs::read_dir(directory)?.enumerate() {
        let name = entry?.file_name();
        if nth == ENTRIES_MAX {
            look.directory = Some(Wrong::TooManyFiles);
            break;
        }
        let name = name.to_string_lossy();
        if name.starts_with('.') || !name.ends_with(".wasm") {
            continue;
        }
        look.files.insert(name.into_owned(), Err(Wrong::NotAFile));
        if look.files.len() > FILES_MAX {
            look.files.pop_last();
            look.directory = Some(Wrong::TooManyFiles);
        }
    }
    Ok(())
}

/// `None` if it went away since the directory was listed.
fn stamp(path: &Path) -> Option<Result<Stamp, Wrong>> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Some(Err(Wrong::NotAFile)),
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => Some(Err(Wrong::TooLarge { bytes: metadata.len() })),
        Ok(metadata) => Some(Ok(Stamp::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => None,
        Err(error) => Some(Err(Wrong::Unreadable { why: error.to_string() })),
    }
}

/// The content of a file and its digest; `None` if it is not, or does not stay, the one that was seen.
pub(super) fn read(path: &Path, seen: &Stamp) -> io::Result<Option<(Vec<u8>, String)>> {
    let mut file = File::open(path)?;
    if Stamp::of(&file.metadata()?) != *seen {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(seen.bytes.min(FILE_BYTES_MAX)).unwrap_or_default());
    (&mut file).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if Stamp::of(&file.metadata()?) != *seen || bytes.len() as u64 != seen.bytes {
        return Ok(None);
    }
    let digest = Digest::of(&bytes).to_string();
    Ok(Some((bytes, digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_seen_and_nothing_else_is() {
        let place = tempfile::tempdir().unwrap();
        for name in ["a.wasm", ".a.wasm", "b.wasm.tmp", "c.wasm~", "d.WASM", "notes.txt"] {
            fs::write(place.path().join(name), b"x").unwrap();
        }
        let seen = look(place.path());
        assert_eq!(seen.files.keys().collect::<Vec<_>>(), ["a.wasm"]);
        assert!(seen.directory.is_none() && seen.is_whole() && !seen.has_links);
    }

    #[test]
    fn what_is_no_file_or_too_large_is_told_unread() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("folder.wasm")).unwrap();
        File::create(place.path().join("huge.wasm")).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
        let seen = look(place.path());
        assert_eq!(seen.files["folder.wasm"], Err(Wrong::NotAFile));
        assert_eq!(seen.files["huge.wasm"], Err(Wrong::TooLarge { bytes: FILE_BYTES_MAX + 1 }));
    }

    #[test]
    #[cfg(unix)]
    fn behind_a_link_is_what_it_leads_to() {
        let place = tempfile::tempdir().unwrap();
        let link = place.path().join("a.wasm");
        std::os::unix::fs::symlink("target", &link).unwrap();
        assert!(matches!(look(place.path()).files["a.wasm"], Err(Wrong::Unreadable { .. })), "it leads nowhere");
        fs::write(place.path().join("target"), b"x").unwrap();
        let seen = look(place.path());
        assert!(seen.has_links);
        assert_eq!(seen.files["a.wasm"], Ok(Stamp::of(&fs::metadata(link).unwrap())));
    }

    #[test]
    fn of_too_many_the_first_are_taken() {
        let place = tempfile::tempdir().unwrap();
        for nth in 0..=FILES_MAX {
            File::create(place.path().join(format!("{nth:05}.wasm"))).unwrap();
        }
        let seen = look(place.path());
        assert_eq!((seen.files.len(), seen.directory), (FILES_MAX, Some(Wrong::TooManyFiles)));
        assert!(!seen.files.contains_key(&format!("{FILES_MAX:05}.wasm")));
    }

    #[test]
    fn no_directory_and_an_unreadable_one_are_two_things() {
        let place = tempfile::tempdir().unwrap();
        let missing = look(&place.path().join("missing"));
        assert!(missing.is_whole(), "its files are gone");
        assert_eq!(missing.directory, Some(Wrong::DirectoryMissing));
        let file = place.path().join("file");
        fs::write(&file, b"x").unwrap();
        let unreadable = look(&file);
        assert!(matches!(unreadable.directory, Some(Wrong::DirectoryUnreadable { .. })) && !unreadable.is_whole());
    }

    #[test]
    fn a_file_that_changed_since_it_was_seen_is_not_read() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.wasm");
        fs::write(&path, b"one").unwrap();
        let seen = Stamp::of(&fs::metadata(&path).unwrap());
        assert_eq!(read(&path, &seen).unwrap(), Some((b"one".to_vec(), Digest::of(b"one").to_string())));
        fs::write(&path, b"longer").unwrap();
        assert_eq!(read(&path, &seen).unwrap(), None);
    }
}
