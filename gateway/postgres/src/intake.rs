//! The way in: work goes to a writer, which plans and commits it with its neighbours.

use crate::queue::{Reply, Weighed, work_weight};
use crate::store::PostgresStore;
use crate::sweep;
use hookwright_core::intake::{Answer, Needs, Work};
use hookwright_store::{Answering, Intake, StoreError};
use tokio::sync::oneshot;

/// A piece of work, and its answer's way back.
pub(crate) struct WorkAsked {
    pub(crate) work: Work,
    pub(crate) reply: Reply<Answer>,
}

impl Weighed for WorkAsked {
    fn weight(&self) -> usize {
        work_weight(&self.work)
    }
}

impl Intake for PostgresStore {
    fn submit(&self, work: Work) -> Answering<'_, Answer> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let mut needs = Needs::default();
            work.needs(&mut needs);
            // Whatever waits for a lock does not keep plain publications waiting.
            let queue = if needs.is_empty() { &self.shared.plain } else { &self.shared.bound };
            queue.offer(WorkAsked { work, reply })?;
            answer.await.map_err(|_| StoreError::Closed)?
        })
    }

    fn forget_keys(&self, limit: u32) -> Answering<'_, u32> {
        self.alone(move |desk| Box::pin(sweep::forget_keys(desk, limit)))
    }
}
