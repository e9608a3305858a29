//! Compiled plugins on disk. An entry is native code, so it is authenticated before it is loaded, and it is read into
//! memory rather than mapped, so that what is checked is what runs.

use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::config::CacheConfig;
use crate::host::HostError;
use crate::version::Digest;

const TAG_LEN: usize = 32;
/// Names the layout of an entry: code, then the tag. Entries of another layout have other names and other tags.
const LAYOUT: &[u8] = b"hookwright-cwasm-1";

/// The directory of compiled plugins.
pub(crate) struct Cache {
    dir: PathBuf,
    mac_key: [u8; 32],
    /// Names the compiler and its settings: code for one engine is no use to another.
    engine: String,
}

impl Cache {
    pub(crate) fn open(config: CacheConfig, engine: &Engine) -> Result<Self, HostError> {
        make_dir(&config.dir, config.mac_key.is_some())
            .map_err(|source| HostError::Cache { dir: config.dir.display().to_string(), source })?;
        Ok(Self { dir: config.dir, mac_key: config.mac_key.unwrap_or_default(), engine: engine_name(engine) })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{digest}-{}.cwasm", self.engine))
    }

    /// The compiled code, if there is a sound entry. An unsound one is removed, so that the next `put` replaces it.
    pub(crate) fn get(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(digest);
        let entry = match std::fs::read(&path) {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%digest, %error, "a compiled plugin cannot be read; it is compiled again");
                return None;
            }
        };
        let component = self.authentic(digest, &entry).and_then(|code| load(engine, code));
        if component.is_none() {
            tracing::warn!(%digest, "a compiled plugin is damaged or not ours; it is removed and compiled again");
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%digest, %error, "the damaged entry cannot be removed");
            }
        }
        component
    }

    /// Keeps compiled code. A failure costs the next start a compilation and nothing else.
    pub(crate) fn put(&self, digest: &Digest, component: &Component) {
        let kept = component.serialize().map_err(io::Error::other).and_then(|code| self.write(digest, &code));
        if let Err(error) = kept {
            tracing::warn!(%digest, %error, "a compiled plugin cannot be kept");
        }
    }

    fn write(&self, digest: &Digest, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(code)?;
        file.write_all(&self.mac(digest, code).finalize().into_bytes())?;
        file.persist(self.path(digest))?;
        Ok(())
    }

    /// The code of an entry whose tag is right.
    fn authentic<'a>(&self, digest: &Digest, entry: &'a [u8]) -> Option<&'a [u8]> {
        let (code, tag) = entry.split_at_checked(entry.len().checked_sub(TAG_LEN)?)?;
        self.mac(digest, code).verify_slice(tag).ok()?;
        Some(code)
    }

    /// The tag binds the code to its digest and engine, so that entries cannot change places.
    fn mac(&self, digest: &Digest, code: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.mac_key).expect("a key of any length");
        mac.update(LAYOUT);
        mac.update(digest.as_bytes());
        mac.update(self.engine.as_bytes());
        mac.update(code);
        mac
    }
}

fn load(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: the tag says that this process, or one with its key, wrote these bytes with `Component::serialize`.
    match unsafe { Component::deserialize(engine, code) } {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "a compiled plugin does not fit this engine");
            None
        }
    }
}

fn engine_name(engine: &Engine) -> String {
    let mut hasher = Fingerprint(hmac::digest::Digest::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let hash: [u8; 32] = sha2::Digest::finalize(hasher.0).into();
    hex::encode(&hash[..8])
}

/// Collects what is hashed into a SHA-256, which is the same in every build, unlike the standard library's hasher.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        sha2::Digest::update(&mut self.0, bytes);
    }

    fn finish(&self) -> u64 {
        // Never asked: the digest is taken instead.
        0
    }
}

/// Makes the directory for the owner alone. One that is there already and that others may write to serves only if
/// entries are authenticated by a key.
fn make_dir(dir: &Path, has_key: bool) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(dir)?;
        let mode = std::fs::metadata(dir)?.permissions().mode();
        if mode & 0o022 != 0 && !has_key {
            let message =
                "others may write to it, and could run code in the gateway; take their rights away (chmod 700)";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        Ok(())
    }
    #[cfg(not(unix))]
    {
        let _ = has_key;
        builder.create(dir)
    }
}
