//! The port of the way in.

use crate::future::Answering;
use hookwright_core::intake::{Answer, Work};

/// Takes in messages, publications, customers, and the passing of time.
pub trait Intake: Send + Sync + 'static {
    /// Decides a piece of work and commits everything that follows from it. When this returns, it is on disk.
    ///
    /// The store collects what is waiting, reads what the pieces [need](hookwright_core::intake::Needs), lets the core's planner decide, writes, and commits once for
    /// all of them. Deliveries that were created go to the store's subscriber as soon as they are committed (see [`crate::Outbox::fresh`]). Dropping the future does
    /// not undo the work.
    fn submit(&self, work: Work) -> Answering<'_, Answer>;

    /// Drops keys of de-duplication and idempotency whose periods are over, at most `limit` of them, and returns how many were dropped.
    fn forget_keys(&self, limit: u32) -> Answering<'_, u32>;
}
