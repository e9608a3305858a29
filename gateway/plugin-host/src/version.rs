//! A plugin's version: one component, compiled and checked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::fixture::Fixture;
use crate::linked::Linked;
use crate::pool::Pace;
use crate::wasi;

/// Which direction a plugin serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum World {
    /// It reads what partners send.
    Inbound,
    /// It shapes what subscribers receive.
    Outbound,
}

impl World {
    /// The world's name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The SHA-256 of a component's bytes: what a version is named by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a component says about itself in its metadata sections: at most 128 characters each, the description 1024,
/// without control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginMetadata {
    /// The component's name.
    pub name: Option<String>,
    /// Its version, as its author counts.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

/// A component that has been compiled and passed every check of a load. Calls hold it while they run, so a version
/// that is swapped out goes away when its last call ends.
pub struct PluginVersion {
    pub(crate) digest: Digest,
    pub(crate) contract: String,
    pub(crate) metadata: PluginMetadata,
    pub(crate) size_bytes: usize,
    pub(crate) imports: Vec<String>,
    pub(crate) fixtures: Vec<Fixture>,
    pub(crate) compile_time: Option<Duration>,
    /// How its calls have been going; the pool's.
    pub(crate) pace: Arc<Pace>,
    pub(crate) linked: Linked,
}

impl PluginVersion {
    /// The SHA-256 of the component.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Which direction it serves.
    pub fn world(&self) -> World {
        self.linked.world()
    }

    /// The version of the contract that it was built for, such as `0.1.0`.
    pub fn contract(&self) -> &str {
        &self.contract
    }

    /// What it says about itself.
    pub fn metadata(&self) -> &PluginMetadata {
        &self.metadata
    }

    /// The fixtures that it carries, in the order of their names.
    pub fn fixtures(&self) -> &[Fixture] {
        &self.fixtures
    }

    /// The names of what it imports, in the order of the file.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// Whether it was built for WASI, and so sees its empty world beside the contract.
    pub fn imports_wasi(&self) -> bool {
        self.imports.iter().any(|import| wasi::is_offered(import))
    }

    /// How long its compilation took; `None` if the code came from the cache.
    pub fn compile_time(&self) -> Option<Duration> {
        self.compile_time
    }

    /// The component's size in bytes.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

impl fmt::Debug for PluginVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginVersion")
            .field("digest", &self.digest)
            .field("world", &self.world())
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
