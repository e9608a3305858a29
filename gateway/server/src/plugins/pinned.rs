//! Versions that bindings name by digest: kept compiled, the least used one giving way.

use super::Plugins;
use super::shelf::Loaded;
use std::sync::{Arc, Mutex, PoisonError};

/// So many are kept compiled.
const PINNED_MAX: usize = 32;

/// The versions, the one used last at the end.
#[derive(Default)]
pub(super) struct Pinned(Mutex<Vec<Arc<Loaded>>>);

impl Pinned {
    /// The version, if it is kept.
    pub(super) fn recall(&self, plugin: &str, digest: &str) -> Option<Arc<Loaded>> {
        let mut pinned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = pinned.iter().position(|known| known.plugin == plugin && known.is(digest))?;
        let loaded = pinned.remove(at);
        pinned.push(Arc::clone(&loaded));
        Some(loaded)
    }

    /// Keeps a version. Two deliveries may have loaded it at the same time.
    pub(super) fn remember(&self, loaded: &Arc<Loaded>) {
        let mut pinned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pinned.iter().any(|known| Arc::ptr_eq(known, loaded)) {
            return;
        }
        if pinned.len() == PINNED_MAX {
            pinned.remove(0);
        }
        pinned.push(Arc::clone(loaded));
    }
}

impl Plugins {
    /// A version whose quarantine begins or ends is looked up anew.
    pub(super) fn forget_pinned(&self, digest: &str) {
        self.pinned.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| !known.is(digest));
    }
}
