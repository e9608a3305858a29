//! The one source of new ids in a process.

use crate::clock::Clock;
use hookwright_core::id::{IdMaker, TypedId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Makes ids; shared by everything in the process that creates records.
#[derive(Clone)]
pub struct Ids {
    maker: Arc<Mutex<IdMaker>>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids { .. }")
    }
}

impl Ids {
    /// A source for one node, which a store tells where it left off.
    pub fn new(maker: IdMaker, clock: Arc<dyn Clock>) -> Self {
        Self { maker: Arc::new(Mutex::new(maker)), clock }
    }

    /// A new id.
    pub fn next<T: TypedId>(&self) -> T {
        let now_ms = self.clock.now_ms();
        self.lock().make(now_ms)
    }

    /// The maker itself, for a planner that makes many.
    pub fn lock(&self) -> MutexGuard<'_, IdMaker> {
        // A maker is two numbers, whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.maker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}
