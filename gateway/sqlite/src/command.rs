//! What the writer is asked to do.

use crate::desk::Job;
use crate::finish::Ending;
use crate::queue::{Reply, Weighed, work_weight};
use hookwright_core::audit::AuditDraft;
use hookwright_core::intake::{Answer, Work};
use hookwright_store::Finished;

/// What the writer is asked to do.
pub(crate) enum Command {
    /// Plan a piece of work and commit what follows.
    Intake(Work, Reply<Answer>),
    /// Record an attempt and move its delivery on, or end a delivery without an attempt.
    Finish(Ending, Reply<Finished>),
    /// Record something that changed nothing.
    Record(Box<AuditDraft>, Reply<()>),
    /// A change with a transaction of its own.
    Alone(Job),
    /// Write everything that is queued before this, and end.
    Close,
}

impl Weighed for Command {
    fn weight(&self) -> usize {
        match self {
            Self::Intake(work, _) => work_weight(work),
            Self::Finish(Ending::Attempt(_, exchange), _) => exchange.len(),
            Self::Finish(Ending::Abandoned(_), _) | Self::Record(..) | Self::Alone(_) | Self::Close => 0,
        }
    }
}
