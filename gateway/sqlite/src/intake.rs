//! The way in: work goes to the writer, which plans and commits it with its neighbours.

use crate::command::Command;
use crate::store::SqliteStore;
use crate::sweep;
use hookwright_core::intake::{Answer, Work};
use hookwright_store::{Answering, Intake};

impl Intake for SqliteStore {
    fn submit(&self, work: Work) -> Answering<'_, Answer> {
        Box::pin(self.offer(|reply| Command::Intake(work, reply)))
    }

    fn forget_keys(&self, limit: u32) -> Answering<'_, u32> {
        self.alone(move |desk| Box::pin(sweep::forget_keys(desk, limit)))
    }
}
