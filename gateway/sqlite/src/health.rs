//! Whether the store can write, and if not, why.

use arc_swap::ArcSwapOption;
use std::sync::Arc;

/// What the last commit said of the disk.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// A read, write or sync failed: the store must be opened anew.
    broken: ArcSwapOption<String>,
    /// The last commit found no room; the next one may.
    strained: ArcSwapOption<String>,
}

impl Health {
    pub(crate) fn broken(&self) -> Option<Arc<String>> {
        self.broken.load_full()
    }

    pub(crate) fn strained(&self) -> Option<Arc<String>> {
        self.strained.load_full()
    }

    pub(crate) fn breaks(&self, why: String) {
        self.broken.store(Some(Arc::new(why)));
    }

    pub(crate) fn strains(&self, why: String) {
        self.strained.store(Some(Arc::new(why)));
    }

    pub(crate) fn is_well(&self) {
        // A load is cheaper than a store, and this runs after every commit.
        if self.strained.load().is_some() {
            self.strained.store(None);
        }
    }
}
