//! A group: commands that share one transaction and one sync.

use crate::command::Command;
use crate::desk::Desk;
use crate::facts;
use crate::fault::{Failure, Gravity};
use crate::finish::Ending;
use crate::planned;
use crate::queue::{Reply, Weighed};
use hookwright_core::audit::AuditDraft;
use hookwright_core::delivery::Pending;
use hookwright_core::intake::{Answer, Facts, Needs, Planner, Work, Writes};
use hookwright_store::{Finished, StoreError};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A group takes no more commands than this …
const COMMANDS_MAX: usize = 512;
/// … and no more once it carries so much content.
const BYTES_MAX: usize = 1024 * 1024;

/// Commands that are committed together.
#[derive(Default)]
pub(crate) struct Batch {
    works: Vec<(Work, Reply<Answer>)>,
    endings: Vec<(Ending, Reply<Finished>)>,
    records: Vec<(Box<AuditDraft>, Reply<()>)>,
    bytes: usize,
}

/// What a commit came to.
struct Done {
    answers: Vec<Answer>,
    finished: Vec<Finished>,
    created: Vec<Pending>,
}

/// A group as it is written.
struct Plan {
    answers: Vec<Answer>,
    writes: Writes,
}

impl Batch {
    /// Whether it takes one more command.
    pub(crate) fn has_room(&self) -> bool {
        self.len() < COMMANDS_MAX && self.bytes < BYTES_MAX
    }

    /// Takes a command, or gives it back if it belongs in no group.
    pub(crate) fn take(&mut self, command: Command) -> Option<Command> {
        let weight = command.weight();
        match command {
            Command::Intake(work, reply) => self.works.push((work, reply)),
            Command::Finish(ending, reply) => self.endings.push((ending, reply)),
            Command::Record(draft, reply) => self.records.push((draft, reply)),
            other @ (Command::Alone(_) | Command::Close) => return Some(other),
        }
        self.bytes += weight;
        None
    }

    /// Commits it and answers everybody. A command that breaks the group is found by committing each by itself.
    pub(crate) fn commit(self, desk: &mut Desk) {
        if let Err(error) = desk.refuse_if_broken() {
            return self.fail(&error);
        }
        let failure = match self.try_commit(desk) {
            Ok(done) => return self.answer(desk, done),
            Err(failure) => failure,
        };
        let (error, gravity) = desk.note(failure);
        if gravity != Gravity::Command || self.len() == 1 {
            return self.fail(&error);
        }
        tracing::warn!(%error, commands = self.len(), "a group failed: its commands are committed one by one");
        for single in self.singles() {
            if let Err(error) = desk.refuse_if_broken() {
                single.fail(&error);
                continue;
            }
            match single.try_commit(desk) {
                Ok(done) => single.answer(desk, done),
                Err(failure) => single.fail(&desk.note(failure).0),
            }
        }
    }

    fn try_commit(&self, desk: &mut Desk) -> Result<Done, Failure> {
        let before = desk.chain;
        let result = self.write(desk);
        if result.is_ok() {
            desk.health.is_well();
        } else {
            desk.chain = before;
            desk.direct.roll_back();
        }
        result
    }

    fn write(&self, desk: &mut Desk) -> Result<Done, Failure> {
        let now_ms = desk.now_ms();
        let mut needs = Needs::default();
        self.works.iter().for_each(|(work, _)| work.needs(&mut needs));
        desk.direct.begin()?;
        let facts =
            if needs.is_empty() { Facts::default() } else { facts::read(&desk.direct, &desk.sealer, &needs, now_ms)? };
        let Plan { answers, mut writes } = self.plan(desk, facts, now_ms)?;
        let mut drafts = std::mem::take(&mut writes.audit);
        drafts.extend(self.records.iter().map(|(draft, _)| AuditDraft::clone(draft)));
        let audit = if drafts.is_empty() {
            Vec::new()
        } else {
            let mut ids = desk.ids.lock();
            desk.chain.link_all(&mut ids, now_ms, drafts)
        };
        planned::write(&desk.direct, &desk.sealer, &writes, &audit, now_ms)?;
        let finished = self.endings.iter().map(|(ending, _)| ending.write(&desk.direct)).collect::<Result<_, _>>()?;
        desk.direct.commit()?;
        Ok(Done { answers, finished, created: writes.deliveries })
    }

    /// Lets the core decide. A panic there must not take the writer with it: the piece that caused it fails alone.
    fn plan(&self, desk: &Desk, facts: Facts, now_ms: i64) -> Result<Plan, Failure> {
        let subscriptions = desk.directory.subscriptions.load_full();
        let planned = catch_unwind(AssertUnwindSafe(|| {
            let mut ids = desk.ids.lock();
            let mut planner = Planner::new(now_ms, &mut ids, &subscriptions, &desk.policy, facts);
            let answers = self.works.iter().map(|(work, _)| planner.plan(work)).collect();
            Plan { answers, writes: planner.into_writes() }
        }));
        planned.map_err(|_| Failure::Store(StoreError::Unavailable("the planner failed".into())))
    }

    fn answer(self, desk: &Desk, done: Done) {
        desk.handover.offer(done.created);
        // A receiver that is gone does not undo what was committed.
        for ((_, reply), answer) in self.works.into_iter().zip(done.answers) {
            drop(reply.send(Ok(answer)));
        }
        for ((_, reply), finished) in self.endings.into_iter().zip(done.finished) {
            drop(reply.send(Ok(finished)));
        }
        for (_, reply) in self.records {
            drop(reply.send(Ok(())));
        }
    }

    fn fail(self, error: &StoreError) {
        self.works.into_iter().for_each(|(_, reply)| drop(reply.send(Err(error.copied()))));
        self.endings.into_iter().for_each(|(_, reply)| drop(reply.send(Err(error.copied()))));
        self.records.into_iter().for_each(|(_, reply)| drop(reply.send(Err(error.copied()))));
    }

    /// Each command as a group of its own, in the order of their kinds.
    fn singles(self) -> Vec<Self> {
        let works = self.works.into_iter().map(|(work, reply)| Command::Intake(work, reply));
        let endings = self.endings.into_iter().map(|(ending, reply)| Command::Finish(ending, reply));
        let records = self.records.into_iter().map(|(draft, reply)| Command::Record(draft, reply));
        let single = |command| {
            let mut batch = Self::default();
            drop(batch.take(command));
            batch
        };
        works.chain(endings).chain(records).map(single).collect()
    }

    fn len(&self) -> usize {
        self.works.len() + self.endings.len() + self.records.len()
    }
}
