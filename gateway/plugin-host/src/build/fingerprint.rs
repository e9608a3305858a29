//! Components that are kept beside an unchanged plugin: their toolchains, unlike cargo, start over each time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{BUILD_DIR, BuildError, Project};

/// A plugin with more files, or more bytes in them, is built anew each time.
const FILES_MAX: usize = 2000;
const BYTES_MAX: u64 = 32 << 20;
/// Directories that do not belong to the plugin's sources.
const LEFT_OUT: [&str; 4] = ["__pycache__", "fixtures", "node_modules", "target"];

/// Where the component of the present sources is kept.
pub(super) struct Kept {
    dir: PathBuf,
    /// `None`: there is too much to look at.
    name: Option<String>,
}

impl Kept {
    /// The place for what these sources, this contract and these tools make.
    pub(super) fn of(project: &Project, wit: &Path, tools: &str) -> Result<Self, BuildError> {
        let mut sources = Sources { hasher: Sha256::new(), files: 0, bytes: 0, too_many: false };
        for part in [env!("CARGO_PKG_VERSION"), project.language.as_str(), project.world.as_str(), tools] {
            sources.add(part.as_bytes());
        }
        sources.directory(&project.dir)?;
        sources.directory(wit)?;
        let name = (!sources.too_many).then(|| format!("{}.wasm", hex::encode(sources.hasher.finalize())));
        Ok(Self { dir: project.dir.join(BUILD_DIR).join("built"), name })
    }

    /// The component, if these very sources have been built.
    pub(super) fn get(&self) -> Option<Vec<u8>> {
        fs::read(self.dir.join(self.name.as_ref()?)).ok()
    }

    /// Where the toolchain shall put the component: an absolute path, since tools run in directories of their own.
    pub(super) fn output(&self) -> Result<PathBuf, BuildError> {
        let failed = |source| BuildError::Write { path: self.dir.clone(), source };
        fs::create_dir_all(&self.dir).map_err(failed)?;
        Ok(std::path::absolute(&self.dir).map_err(failed)?.join(format!("new-{}.wasm", std::process::id())))
    }

    /// Takes what the toolchain made. One component is kept, the latest.
    pub(super) fn keep(&self) -> Result<Vec<u8>, BuildError> {
        let new = self.output()?;
        let component = fs::read(&new).map_err(|source| BuildError::Read { path: new.clone(), source })?;
        let stale =
            |entry: &fs::DirEntry| entry.path() != new && !entry.file_name().to_string_lossy().starts_with("new-");
        let failed = |source| BuildError::Write { path: self.dir.clone(), source };
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if stale(&entry) {
                gone(fs::remove_file(entry.path())).map_err(failed)?;
            }
        }
        match &self.name {
            Some(name) => fs::rename(&new, self.dir.join(name)).map_err(failed)?,
            None => gone(fs::remove_file(&new)).map_err(failed)?,
        }
        Ok(component)
    }
}

/// What another build has removed already is as good as removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

struct Sources {
    hasher: Sha256,
    files: usize,
    bytes: u64,
    too_many: bool,
}

impl Sources {
    fn add(&mut self, part: &[u8]) {
        self.hasher.update((part.len() as u64).to_le_bytes());
        self.hasher.update(part);
    }

    fn directory(&mut self, dir: &Path) -> Result<(), BuildError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            |source| BuildError::Read { path, source }
        };
        let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = entries.map_err(unreadable(dir))?;
        entries.sort_unstable_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            let is_source = !name.starts_with('.')
                && !LEFT_OUT.contains(&name.as_str())
                && path.extension().is_none_or(|extension| extension != "wasm");
            if self.too_many || !is_source {
                continue;
            }
            let metadata = fs::metadata(&path).map_err(unreadable(&path))?;
            self.add(name.as_bytes());
            if metadata.is_dir() {
                self.directory(&path)?;
                continue;
            }
            self.files += 1;
            self.bytes += metadata.len();
            self.too_many = self.files > FILES_MAX || self.bytes > BYTES_MAX;
            if !self.too_many {
                let content = fs::read(&path).map_err(unreadable(&path))?;
                self.add(&content);
            }
        }
        Ok(())
    }
}
