//! What a store is told when it opens.

use crate::queue::QueueBounds;
use hookwright_core::intake::Policy;
use hookwright_core::seal::Keyring;
use std::path::PathBuf;

/// What a store is told when it opens.
#[derive(Debug)]
pub struct SqliteConfig {
    /// The database file. It is made if it is not there; its directory is not.
    pub path: PathBuf,
    /// The keys that records are sealed under.
    pub keyring: Keyring,
    /// What the planner is told.
    pub policy: Policy,
    /// When a commit counts.
    pub durability: Durability,
    /// How much may wait for the writer.
    pub queue: QueueBounds,
}

impl SqliteConfig {
    /// A store at `path` with everything else as it should be.
    pub fn new(path: impl Into<PathBuf>, keyring: Keyring) -> Self {
        Self {
            path: path.into(),
            keyring,
            policy: Policy::default(),
            durability: Durability::Full,
            queue: QueueBounds::default(),
        }
    }
}

/// When a commit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When the disk has synced it: what was acknowledged survives a power loss.
    #[default]
    Full,
    /// When the operating system has it. Here only so that the power-loss test can show that it finds what this loses; no configuration leads to it.
    Normal,
}
