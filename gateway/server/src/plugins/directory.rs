//! The directory of components that are pushed at start.

use super::Plugins;
use crate::problem::chain;
use hookwright_core::audit::AuditDraft;
use hookwright_core::source::is_slug;
use hookwright_plugin_host::Digest;
use hookwright_store::{Change, StoreError};
use std::io;
use std::path::{Path, PathBuf};

/// Larger files are no components; reading stops there.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Files that are looked at.
const FILES_MAX: usize = 1024;

impl Plugins {
    /// Pushes every component of the directory that the store has never seen. What it has seen stays as operators left it: a restart undoes no rollback.
    pub(super) async fn push_directory(&self, directory: &Path) -> Result<(), StoreError> {
        let files = match components(directory).await {
            Ok(files) => files,
            Err(error) => {
                // Anybody may read troubles: a path of this machine is not for them.
                self.trouble("plugins.directory", format!("the directory cannot be read: {error}"));
                return Ok(());
            }
        };
        for file in files {
            self.push_file(&file).await?;
        }
        Ok(())
    }

    async fn push_file(&self, file: &Path) -> Result<(), StoreError> {
        let bytes = match read(file).await {
            Ok(bytes) => bytes,
            Err(error) => {
                self.trouble(&shown(file), format!("the file cannot be read: {error}"));
                return Ok(());
            }
        };
        if self.is_known(&bytes).await? {
            return Ok(());
        }
        let name = self.name_of(file, &bytes).await;
        let change = Change {
            audit: AuditDraft {
                at: self.clock.now_ms(),
                actor: "system".to_owned(),
                action: "plugin.pushed".to_owned(),
                target: name.clone(),
                reason: None,
                request_id: None,
                detail: format!("digest={} from=directory", Digest::of(&bytes)),
            },
            claim: None,
        };
        if let Err(error) = self.push(&name, bytes, change).await {
            self.trouble(&shown(file), chain(&error));
        }
        Ok(())
    }

    /// The name the component gives itself, or else the file's: `emr_video_call.wasm` is `emr-video-call`.
    async fn name_of(&self, file: &Path, bytes: &[u8]) -> String {
        // What cannot be compiled is told by the push that follows.
        let compiled = self.compile(bytes.to_vec()).await.ok();
        let own = compiled.and_then(|(version, _)| version.metadata().name.clone()).filter(|name| is_slug(name));
        own.unwrap_or_else(|| file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase().replace('_', "-"))
    }
}

fn shown(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The directory's `.wasm` files, by name.
async fn components(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut entries = tokio::fs::read_dir(directory).await?;
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            files.push(path);
        }
        if files.len() == FILES_MAX {
            tracing::warn!(directory = %directory.display(), FILES_MAX, "too many plugins in the directory; the rest is left out");
            break;
        }
    }
    files.sort();
    Ok(files)
}

async fn read(file: &Path) -> io::Result<Vec<u8>> {
    use tokio::io::AsyncReadExt;
    let mut bytes = Vec::new();
    tokio::fs::File::open(file).await?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finds_components_in_order_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.wasm", "notes.txt", "wasm"] {
            std::fs::write(directory.path().join(name), name).unwrap();
        }
        let found = components(directory.path()).await.unwrap();
        assert_eq!(found.iter().map(|file| shown(file)).collect::<Vec<_>>(), ["a.wasm", "b.wasm"]);
        assert_eq!(read(&found[0]).await.unwrap(), b"a.wasm");
        assert!(components(&directory.path().join("none")).await.is_err());
    }
}
