//! A group: commands that share one transaction, one call and one sync.

use crate::desk::Desk;
use crate::facts;
use crate::fault::{Failure, Gravity, copy};
use crate::finish::FinishRows;
use crate::planned::{EventRows, RecordRows};
use crate::queue::{Abandon, Command, Reply};
use crate::statement;
use hookwright_core::audit::AuditDraft;
use hookwright_core::delivery::{Finish, Pending};
use hookwright_core::id::DeliveryId;
use hookwright_core::intake::{Answer, Facts, Needs, Planner, Work, Writes};
use hookwright_store::{Finished, StoreError};
use sqlx::Row;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A group takes no more commands than this …
const COMMANDS_MAX: usize = 512;
/// … and no more once it carries so much content.
const BYTES_MAX: usize = 1024 * 1024;

/// Commands that are committed together.
#[derive(Default)]
pub(crate) struct Batch {
    works: Vec<(Work, Reply<Answer>)>,
    finishes: Vec<(Box<Finish>, Reply<Finished>)>,
    abandons: Vec<(Abandon, Reply<Finished>)>,
    records: Vec<(Box<AuditDraft>, Reply<()>)>,
    /// The deliveries that its attempts are of. One of each, so that what the transaction says of a delivery is said of one command.
    deliveries: HashSet<DeliveryId>,
    bytes: usize,
}

/// What a commit came to.
struct Done {
    answers: Vec<Answer>,
    created: Vec<Pending>,
    moved: HashSet<i64>,
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

    /// Takes a command, or gives it back if it belongs in no group or not in this one.
    pub(crate) fn take(&mut self, command: Command) -> Option<Command> {
        let weight = command.weight();
        match command {
            Command::Intake(work, reply) => self.works.push((work, reply)),
            Command::Record(draft, reply) => self.records.push((draft, reply)),
            Command::Finish(finish, reply) => {
                if !self.deliveries.insert(finish.attempt.delivery_id) {
                    return Some(Command::Finish(finish, reply));
                }
                self.finishes.push((finish, reply));
            }
            Command::Abandon(abandon, reply) => {
                if !self.deliveries.insert(abandon.id) {
                    return Some(Command::Abandon(abandon, reply));
                }
                self.abandons.push((abandon, reply));
            }
            other @ (Command::Alone(_) | Command::Close) => return Some(other),
        }
        self.bytes += weight;
        None
    }

    /// Commits it and answers everybody. A command that breaks the group is found by committing each by itself.
    pub(crate) async fn commit(self, desk: &mut Desk) {
        if let Err(error) = desk.refuse_if_broken() {
            return self.fail(&error);
        }
        let failure = match self.try_commit(desk).await {
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
            match single.try_commit(desk).await {
                Ok(done) => single.answer(desk, done),
                Err(failure) => single.fail(&desk.note(failure).0),
            }
        }
    }

    async fn try_commit(&self, desk: &mut Desk) -> Result<Done, Failure> {
        let before = desk.chain;
        let result = self.write(desk).await;
        if result.is_ok() {
            desk.health.is_well();
        } else {
            desk.chain = before;
            desk.roll_back().await;
        }
        result
    }

    async fn write(&self, desk: &mut Desk) -> Result<Done, Failure> {
        let now_ms = desk.now_ms();
        let mut needs = Needs::default();
        self.works.iter().for_each(|(work, _)| work.needs(&mut needs));
        let reads = !needs.is_empty();
        let facts = if reads {
            facts::begin_and_read(&mut desk.connection, &desk.sealer, &needs, now_ms).await?
        } else {
            Facts::default()
        };
        let Plan { answers, mut writes } = self.plan(desk, facts, now_ms)?;
        let moved = self.execute(desk, &mut writes, reads, now_ms).await?;
        Ok(Done { answers, created: writes.deliveries, moved })
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

    /// Writes and commits in one call; tells which deliveries moved on.
    async fn execute(
        &self,
        desk: &mut Desk,
        writes: &mut Writes,
        reads: bool,
        now_ms: i64,
    ) -> Result<HashSet<i64>, Failure> {
        let mut drafts = std::mem::take(&mut writes.audit);
        drafts.extend(self.records.iter().map(|(draft, _)| AuditDraft::clone(draft)));
        let audit = {
            let mut ids = desk.ids.lock();
            desk.chain.link_all(&mut ids, now_ms, drafts)
        };
        let records = (reads || !audit.is_empty() || has_records(writes))
            .then(|| RecordRows::of(writes, &audit, &desk.sealer, now_ms));
        let has_events = !writes.events.is_empty();
        let has_finishes = !self.deliveries.is_empty();
        let text = match (&records, has_events, has_finishes) {
            (Some(_), ..) if reads => statement::ALL_AFTER_READ,
            (Some(_), ..) => statement::ALL,
            (None, true, false) => statement::PUBLISH,
            (None, false, true) => statement::FINISH,
            (None, true, true) => statement::PUBLISH_AND_FINISH,
            (None, false, false) => return Ok(HashSet::new()),
        };
        let events = if has_events {
            EventRows::of(&writes.events, &writes.deliveries, &desk.sealer)
        } else {
            EventRows::none()
        };
        let finishes = self.finishes.iter().map(|(finish, _)| &**finish);
        let rows = FinishRows::of(finishes, self.abandons.iter().map(|(abandon, _)| abandon), &desk.sealer);
        let mut query = sqlx::query(text)
            .bind(events.events)
            .bind(events.data)
            .bind(events.pending)
            .bind(rows.finished)
            .bind(rows.exchanges);
        if let Some(records) = records {
            query = query
                .bind(records.messages)
                .bind(records.contents)
                .bind(records.outcomes)
                .bind(records.dedupe)
                .bind(records.idempotency)
                .bind(records.customers)
                .bind(records.establishments)
                .bind(records.audit);
        }
        let moved = query.fetch_all(&mut desk.connection).await?;
        moved.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    fn answer(self, desk: &Desk, done: Done) {
        // A receiver that is gone does not undo what was committed.
        for ((_, reply), answer) in self.works.into_iter().zip(done.answers) {
            drop(reply.send(Ok(answer)));
        }
        let finished = |id: DeliveryId| {
            if done.moved.contains(&id.get()) { Finished::Applied } else { Finished::Stale }
        };
        for (finish, reply) in self.finishes {
            drop(reply.send(Ok(finished(finish.attempt.delivery_id))));
        }
        for (abandon, reply) in self.abandons {
            drop(reply.send(Ok(finished(abandon.id))));
        }
        for (_, reply) in self.records {
            drop(reply.send(Ok(())));
        }
        desk.handover.offer(done.created);
    }

    fn fail(self, error: &StoreError) {
        self.works.into_iter().for_each(|(_, reply)| drop(reply.send(Err(copy(error)))));
        self.finishes.into_iter().for_each(|(_, reply)| drop(reply.send(Err(copy(error)))));
        self.abandons.into_iter().for_each(|(_, reply)| drop(reply.send(Err(copy(error)))));
        self.records.into_iter().for_each(|(_, reply)| drop(reply.send(Err(copy(error)))));
    }

    /// Each command as a group of its own, in the order of their kinds.
    fn singles(self) -> Vec<Self> {
        let works = self.works.into_iter().map(|(work, reply)| Command::Intake(work, reply));
        let finishes = self.finishes.into_iter().map(|(finish, reply)| Command::Finish(finish, reply));
        let abandons = self.abandons.into_iter().map(|(abandon, reply)| Command::Abandon(abandon, reply));
        let records = self.records.into_iter().map(|(draft, reply)| Command::Record(draft, reply));
        let single = |command| {
            let mut batch = Self::default();
            drop(batch.take(command));
            batch
        };
        works.chain(finishes).chain(abandons).chain(records).map(single).collect()
    }

    fn len(&self) -> usize {
        self.works.len() + self.finishes.len() + self.abandons.len() + self.records.len()
    }
}

fn has_records(writes: &Writes) -> bool {
    !(writes.messages.is_empty()
        && writes.outcomes.is_empty()
        && writes.dedupe.is_empty()
        && writes.idempotency.is_empty()
        && writes.customers.is_empty()
        && writes.establishments.is_empty())
}
