//! Events of the file system, as nothing more than a bell.

use crate::problem::chain;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;
use tokio::sync::Notify;

/// Rings when something happens in the directory; hung up again whenever another directory lies in its place.
pub(super) struct Bell {
    directory: PathBuf,
    ring: Arc<Ring>,
    /// Where the watcher hangs.
    place: Option<Place>,
    watcher: Option<RecommendedWatcher>,
}

#[derive(Default)]
struct Ring {
    rung: Notify,
    /// Events were lost, or the watch is.
    broken: AtomicBool,
}

/// What tells one directory from another of the same path. The time of its making is there because numbers are used again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    numbers: [u64; 2],
    created: Option<SystemTime>,
}

impl Place {
    fn of(directory: &Path) -> Option<Self> {
        let metadata = fs::metadata(directory).ok().filter(fs::Metadata::is_dir)?;
        Some(Self { numbers: super::look::numbers(&metadata), created: metadata.created().ok() })
    }
}

impl Bell {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, ring: Arc::default(), place: None, watcher: None }
    }

    /// Waits for the next ring. One that nobody waited for is not lost.
    pub(super) async fn rings(&self) {
        self.ring.rung.notified().await;
    }

    /// Whether events are heard.
    pub(super) fn hangs(&self) -> bool {
        self.watcher.is_some()
    }

    /// Hangs the bell up where the path leads now, if it does not hang there; true if something has changed. `again` tries once more what failed before.
    pub(super) async fn tend(&mut self, again: bool) -> bool {
        let (directory, ring, before) = (self.directory.clone(), Arc::clone(&self.ring), self.place.clone());
        let is_broken = self.ring.broken.swap(false, Ordering::Relaxed);
        let wanted = is_broken || (again && self.watcher.is_none());
        let tended = tokio::task::spawn_blocking(move || {
            let place = Place::of(&directory);
            if place == before && !wanted {
                return None;
            }
            let watcher = place.as_ref().map(|_| hang(&directory, ring));
            Some((place, watcher))
        });
        let Ok(Some((place, watcher))) = tended.await else { return false };
        let has_changed = is_broken || place != self.place;
        self.place = place;
        self.watcher = match watcher {
            Some(Ok(watcher)) => Some(watcher),
            Some(Err(error)) => {
                let why = chain(&error);
                tracing::warn!(error = %why, "the directory of plugins tells no changes: it is looked at every second");
                None
            }
            None => None,
        };
        has_changed
    }
}

fn hang(directory: &Path, ring: Arc<Ring>) -> notify::Result<RecommendedWatcher> {
    let own = directory.to_owned();
    let mut watcher = notify::recommended_watcher(move |event| {
        let heard = hear(&own, &event);
        if heard == Heard::Broken {
            ring.broken.store(true, Ordering::Relaxed);
        }
        if heard != Heard::Nothing {
            ring.rung.notify_one();
        }
    })?;
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// To read a file is an event, too: to look because of it would go on for ever.
    Nothing,
    Something,
    /// Events were lost, or the directory itself went away.
    Broken,
}

fn hear(directory: &Path, event: &notify::Result<Event>) -> Heard {
    let Ok(event) = event else { return Heard::Broken };
    if event.need_rescan() {
        return Heard::Broken;
    }
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Heard::Something,
        EventKind::Access(_) => Heard::Nothing,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
            if event.paths.iter().any(|path| path == directory) =>
        {
            Heard::Broken
        }
        _ => Heard::Something,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind, RenameMode};

    fn heard(kind: EventKind, path: &str) -> Heard {
        hear(Path::new("/plugins"), &Ok(Event::new(kind).add_path(PathBuf::from(path))))
    }

    #[test]
    fn a_file_that_is_read_does_not_ring() {
        for kind in [AccessKind::Read, AccessKind::Open(AccessMode::Read), AccessKind::Close(AccessMode::Read)] {
            assert_eq!(heard(EventKind::Access(kind), "/plugins/a.wasm"), Heard::Nothing);
        }
    }

    #[test]
    fn whatever_changes_a_file_rings() {
        for kind in [
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            EventKind::Create(CreateKind::File),
            EventKind::Modify(ModifyKind::Data(DataChange::Any)),
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)),
            EventKind::Remove(RemoveKind::File),
            EventKind::Other,
        ] {
            assert_eq!(heard(kind, "/plugins/a.wasm"), Heard::Something, "{kind:?}");
        }
    }

    #[test]
    fn lost_events_and_a_lost_directory_break_the_bell() {
        assert_eq!(heard(EventKind::Remove(RemoveKind::Folder), "/plugins"), Heard::Broken);
        assert_eq!(heard(EventKind::Modify(ModifyKind::Name(RenameMode::From)), "/plugins"), Heard::Broken);
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(hear(Path::new("/plugins"), &Ok(overflow)), Heard::Broken);
        assert_eq!(hear(Path::new("/plugins"), &Err(notify::Error::generic("gone"))), Heard::Broken);
    }

    #[tokio::test]
    async fn the_bell_is_hung_up_again_where_the_path_leads() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("plugins");
        let mut bell = Bell::new(directory.clone());
        assert!(!bell.tend(true).await && !bell.hangs(), "nothing is there");
        fs::create_dir(&directory).unwrap();
        assert!(bell.tend(false).await && bell.hangs());
        assert!(!bell.tend(false).await, "it hangs where it should");
        fs::write(directory.join("a.wasm"), b"a").unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(10), bell.rings()).await.unwrap();
        fs::remove_dir_all(&directory).unwrap();
        assert!(bell.tend(false).await && !bell.hangs());
    }
}
