//! A group of work: planned by the core's rules, committed in one transaction.

use crate::audit;
use crate::collector;
use crate::connection::{Line, answered};
use crate::database::Connection;
use crate::facts;
use crate::fault::{Failure, Gravity, judge};
use crate::intake::WorkAsked;
use crate::partition;
use crate::place::{self, Within};
use crate::planned;
use crate::queue::{Reply, Weighed};
use crate::roster::{self, Notes};
use crate::store::Shared;
use crate::writer::Group;
use hookwright_core::delivery::Pending;
use hookwright_core::id::IdMaker;
use hookwright_core::intake::{Answer, Facts, Needs, Planner, Work, Writes};
use hookwright_core::subscription::Subscription;
use hookwright_store::StoreError;
use sqlx::Executor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// A group takes no more commands than this …
const COMMANDS_MAX: usize = 512;
/// … and no more once it carries so much content …
const BYTES_MAX: usize = 1024 * 1024;
/// … or needs so many things that are not to change meanwhile: each is a lock, and PostgreSQL's table of them is of a fixed size.
const LOCKS_MAX: usize = 128;
/// How long a group may take before it is given up: what it decided by would no longer hold.
const PATIENCE: Duration = Duration::from_secs(4);
/// Ids that one fact of a message may come to, beside deliveries: its events, an establishment, and some to spare.
const IDS_PER_FACT: usize = 8;

/// Work that is committed together.
pub(crate) struct Batch {
    asked: Vec<WorkAsked>,
    bytes: usize,
    locks: usize,
    /// It holds what must be by itself.
    is_alone: bool,
}

/// A group as it is to be written.
struct Decided {
    answers: Vec<Answer>,
    writes: Writes,
    created: Created,
    now_ms: i64,
    /// Whether a transaction is open, with locks on what was decided by.
    is_begun: bool,
}

/// What a commit came to.
pub(crate) struct Done {
    answers: Vec<Answer>,
    created: Created,
}

/// New deliveries, by the way they go to their owners.
#[derive(Default)]
pub(crate) struct Created {
    /// From memory, to this node's dispatcher.
    pub(crate) here: Vec<Pending>,
    /// By the table.
    pub(crate) left: Vec<Pending>,
}

impl Group for Batch {
    type Command = WorkAsked;
    type Done = Done;

    fn empty() -> Self {
        Self { asked: Vec::new(), bytes: 0, locks: 0, is_alone: false }
    }

    fn has_room(&self) -> bool {
        !self.is_alone && self.asked.len() < COMMANDS_MAX && self.bytes < BYTES_MAX && self.locks < LOCKS_MAX
    }

    fn size(&self) -> usize {
        self.asked.len()
    }

    fn take(&mut self, command: WorkAsked) -> Option<WorkAsked> {
        // What lapses is only known after it was read, and is locked then: with locks of others held that could be a deadlock.
        let is_alone = matches!(command.work, Work::Expire(_));
        if is_alone && !self.asked.is_empty() {
            return Some(command);
        }
        let mut needs = Needs::default();
        command.work.needs(&mut needs);
        self.locks += needs.customers.len() + needs.dedupe.len() + needs.idempotency.len() + needs.messages.len();
        self.bytes += command.weight();
        self.is_alone = is_alone;
        self.asked.push(command);
        None
    }

    async fn try_commit(&self, shared: &Shared, line: &mut Line) -> Result<Done, (StoreError, Gravity)> {
        // Held until the deliveries are handed over: whoever gives shards away waits for that.
        let _deciding = shared.deciding.read().await;
        let result = self.write(shared, line).await;
        if result.is_err() {
            // Whatever its state is, the server undoes what was not committed.
            line.drop_connection();
        }
        match result {
            Ok(mut done) => {
                shared.handover.offer(std::mem::take(&mut done.created.here));
                let left: Vec<i64> = done.created.left.iter().map(|one| one.subscription_id.get()).collect();
                collector::tell_owners(shared, &left);
                Ok(done)
            }
            Err(Trouble { failure, in_commit }) => {
                let judged = judge(failure);
                if in_commit && judged.1 == Gravity::Moment {
                    // It may have been committed: what it created is looked for in the table.
                    shared.bell.look_again();
                }
                Err(judged)
            }
        }
    }

    fn answer(self, done: Done) {
        for (asked, answer) in self.asked.into_iter().zip(done.answers) {
            // A receiver that is gone does not undo what was committed.
            drop(asked.reply.send(Ok(answer)));
        }
    }

    fn fail(self, error: &StoreError) {
        for WorkAsked { reply, .. } in self.asked {
            let reply: Reply<Answer> = reply;
            drop(reply.send(Err(error.copied())));
        }
    }

    fn into_commands(self) -> Vec<WorkAsked> {
        self.asked
    }
}

impl Batch {
    async fn write(&self, shared: &Shared, line: &mut Line) -> Result<Done, Trouble> {
        let connection = line.get().await?;
        let decided = tokio::time::timeout(PATIENCE, self.decide(shared, connection)).await;
        let Decided { answers, mut writes, created, now_ms, is_begun } =
            decided.map_err(|_| Failure::from(sqlx::Error::PoolTimedOut))??;
        if !is_begun && planned::is_events_alone(&writes) {
            // One statement is a transaction by itself: most groups are no more than that.
            let written = answered(planned::write_events(connection, &shared.sealer, &writes.events, &created));
            return written.await.map(|()| Done { answers, created }).map_err(Trouble::in_commit);
        }
        if !is_begun {
            answered(connection.execute("BEGIN")).await?;
        }
        let written = tokio::time::timeout(PATIENCE, async {
            planned::write(connection, &shared.sealer, &writes, &created, now_ms).await?;
            let made = shared.ids.lock().next(now_ms);
            audit::add(connection, std::mem::take(&mut writes.audit), made).await
        });
        written.await.map_err(|_| Failure::from(sqlx::Error::PoolTimedOut))??;
        let committed = answered(connection.execute("COMMIT")).await;
        committed.map(|_| Done { answers, created }).map_err(Trouble::in_commit)
    }

    /// Everything before the first write: locks what is needed in a transaction that stays open, if anything is needed; reads; plans.
    async fn decide(&self, shared: &Shared, connection: &mut Connection) -> Result<Decided, Failure> {
        let mut needs = Needs::default();
        self.asked.iter().for_each(|asked| asked.work.needs(&mut needs));
        let now_ms = shared.ids.clock().now_ms();
        partition::ensure(shared, connection, now_ms).await?;
        let is_begun = !needs.is_empty();
        let mut locks = facts::Locks::new();
        if is_begun {
            connection.execute("BEGIN").await?;
            locks = facts::lock(connection, &needs, now_ms).await?;
        }
        let facts = facts::read(connection, &shared.sealer, &needs, &locks, now_ms).await?;
        // As many ids as the subscriptions in memory ask for; if those have changed, it is counted again.
        let within = if is_begun { Within::Transaction } else { Within::Nothing };
        let (subscriptions, notes, first) = loop {
            // The revision first: what is read after it is of that one or a later.
            let known = shared.roster.revision();
            let (subscriptions, notes) = (shared.directory.subscriptions.load_full(), shared.roster.notes());
            let amount = self.ids_needed(&subscriptions, &notes, facts.lapsing.len());
            let taken = place::take_with_revision(connection, place::first_of(now_ms), amount, within).await?;
            if known >= taken.revision {
                break (subscriptions, notes, taken.first);
            }
            roster::catch_up(shared, connection, taken.revision).await?;
        };
        let mut maker = IdMaker::new(0).ok_or(StoreError::Closed)?;
        maker.resume_after(place::id_at(first - 1));
        let (answers, mut writes) = self.plan(shared, &subscriptions, &mut maker, facts, now_ms)?;
        // What this node makes by itself afterwards is greater.
        shared.ids.lock().resume_after(maker.next(now_ms));
        let created = sort(shared, &notes, std::mem::take(&mut writes.deliveries));
        Ok(Decided { answers, writes, created, now_ms, is_begun })
    }

    /// Lets the core decide. A panic there must not take the writer with it: the piece that caused it fails alone.
    fn plan(
        &self,
        shared: &Shared,
        subscriptions: &[Arc<Subscription>],
        maker: &mut IdMaker,
        facts: Facts,
        now_ms: i64,
    ) -> Result<(Vec<Answer>, Writes), Failure> {
        let planned = catch_unwind(AssertUnwindSafe(|| {
            let mut planner = Planner::new(now_ms, maker, subscriptions, &shared.policy, facts);
            let answers = self.asked.iter().map(|asked| planner.plan(&asked.work)).collect();
            (answers, planner.into_writes())
        }));
        planned.map_err(|_| Failure::Store(StoreError::Unavailable("the planner failed".into())))
    }

    /// More ids than the plan can take: what it leaves is passed over.
    fn ids_needed(&self, subscriptions: &[Arc<Subscription>], notes: &Notes, lapsing: usize) -> usize {
        let of_fact = IDS_PER_FACT * (1 + notes.catalogue_fan_out);
        let mut fan_outs = std::collections::HashMap::new();
        let mut amount = 16 + lapsing * of_fact;
        for asked in &self.asked {
            match &asked.work {
                Work::Publish(publish) => {
                    for event in &publish.events {
                        let event_type = &event.draft.event_type;
                        let wants = || subscriptions.iter().filter(|one| one.wants(event_type)).count();
                        amount += 1 + *fan_outs.entry(event_type).or_insert_with(wants);
                        amount += if event.customer.is_some() { of_fact } else { usize::from(event.only.is_some()) };
                    }
                }
                work => amount += of_fact * (1 + facts_of(work)),
            }
        }
        amount
    }
}

/// Sorts new deliveries by the way they go to their owners.
fn sort(shared: &Shared, notes: &Notes, deliveries: Vec<Pending>) -> Created {
    let mut created = Created::default();
    for one in deliveries {
        // One that keeps an order may stand behind another that came in by another node: its owner reads both from the table.
        let keeps_order = one.order.is_some() && notes.keeps_order(one.subscription_id);
        let goes_here = !keeps_order && shared.shards.owns_for_a_commit(one.subscription_id.get());
        if goes_here { created.here.push(one) } else { created.left.push(one) }
    }
    created
}

/// What went wrong, and whether it was while committing.
struct Trouble {
    failure: Failure,
    in_commit: bool,
}

impl Trouble {
    const fn in_commit(failure: Failure) -> Self {
        Self { failure, in_commit: true }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { failure, in_commit: false }
    }
}

fn facts_of(work: &Work) -> usize {
    use hookwright_core::message::Parsed;
    let parsed = match work {
        Work::Receive(receive) => &receive.parsed,
        Work::Resume(resume) => &resume.parsed,
        Work::Publish(_) | Work::PutCustomer(_) | Work::Expire(_) => return 1,
    };
    match parsed {
        Parsed::Accepted { facts, .. } => facts.len(),
        _ => 1,
    }
}
