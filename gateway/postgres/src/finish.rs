//! Attempts and what follows from them.

use crate::connection::{Line, answered};
use crate::database::Connection;
use crate::exchange;
use crate::fault::{Failure, Gravity, judge};
use crate::queue::{Reply, Weighed};
use crate::sealer::Sealer;
use crate::store::Shared;
use crate::writer::Group;
use hookwright_core::delivery::{Finish, Next};
use hookwright_core::id::DeliveryId;
use hookwright_store::{Finished, StoreError};
use std::collections::HashSet;

/// A group takes no more commands than this …
const COMMANDS_MAX: usize = 512;
/// … and no more once it carries so much content.
const BYTES_MAX: usize = 1024 * 1024;

/// A delivery that ends or goes on.
pub(crate) enum Ending {
    /// By an attempt, whose exchange is sealed by whoever made it, before a writer's time is taken.
    Attempt(Box<Finish>, Vec<u8>),
    /// Without one.
    Abandoned(Abandon),
}

/// A delivery that ends without an attempt.
#[derive(Debug)]
pub(crate) struct Abandon {
    pub(crate) id: DeliveryId,
    pub(crate) reason: String,
    pub(crate) at: i64,
}

/// An ending, and its answer's way back.
pub(crate) struct EndingAsked {
    pub(crate) ending: Ending,
    pub(crate) reply: Reply<Finished>,
}

impl Weighed for EndingAsked {
    fn weight(&self) -> usize {
        match &self.ending {
            Ending::Attempt(_, exchange) => exchange.len(),
            Ending::Abandoned(_) => 0,
        }
    }
}

impl Ending {
    /// An attempt, sealed.
    pub(crate) fn of_attempt(finish: Finish, sealer: &Sealer) -> Self {
        let exchange = exchange::seal(&finish.attempt, sealer);
        Self::Attempt(Box::new(finish), exchange)
    }

    fn delivery(&self) -> DeliveryId {
        match self {
            Self::Attempt(finish, _) => finish.attempt.delivery_id,
            Self::Abandoned(abandon) => abandon.id,
        }
    }
}

/// Endings that are committed together, of different deliveries each.
pub(crate) struct Endings {
    asked: Vec<EndingAsked>,
    deliveries: HashSet<DeliveryId>,
    bytes: usize,
}

impl Group for Endings {
    type Command = EndingAsked;
    type Done = HashSet<i64>;

    fn empty() -> Self {
        Self { asked: Vec::new(), deliveries: HashSet::new(), bytes: 0 }
    }

    fn has_room(&self) -> bool {
        self.asked.len() < COMMANDS_MAX && self.bytes < BYTES_MAX
    }

    fn size(&self) -> usize {
        self.asked.len()
    }

    fn take(&mut self, command: EndingAsked) -> Option<EndingAsked> {
        // One statement sees each row as it was before: the second ending of a delivery goes with the next group.
        if !self.deliveries.insert(command.ending.delivery()) {
            return Some(command);
        }
        self.bytes += command.weight();
        self.asked.push(command);
        None
    }

    async fn try_commit(&self, shared: &Shared, line: &mut Line) -> Result<HashSet<i64>, (StoreError, Gravity)> {
        let result = async {
            let endings = self.asked.iter().map(|asked| &asked.ending);
            answered(write(line.get().await?, endings, shared.node.id)).await
        };
        let result: Result<_, Failure> = result.await;
        if result.is_err() {
            line.drop_connection();
        }
        result.map_err(judge)
    }

    fn answer(self, moved: HashSet<i64>) {
        for EndingAsked { ending, reply } in self.asked {
            let is_moved = moved.contains(&ending.delivery().get());
            // A receiver that is gone does not undo what was committed.
            drop(reply.send(Ok(if is_moved { Finished::Applied } else { Finished::Stale })));
        }
    }

    fn fail(self, error: &StoreError) {
        for EndingAsked { reply, .. } in self.asked {
            drop(reply.send(Err(error.copied())));
        }
    }

    fn into_commands(self) -> Vec<EndingAsked> {
        self.asked
    }
}

/// Attempts by their columns.
#[derive(Default)]
struct AttemptRows {
    deliveries: Vec<i64>,
    numbers: Vec<i64>,
    ids: Vec<i64>,
    events: Vec<i64>,
    subscriptions: Vec<i64>,
    started_at: Vec<i64>,
    durations: Vec<i64>,
    codes: Vec<Option<i64>>,
    errors: Vec<Option<String>>,
    digests: Vec<Option<String>>,
    exchanges: Vec<Vec<u8>>,
    /// 0 delivered, 1 failed, 2 another attempt.
    nexts: Vec<i64>,
    reasons: Vec<Option<String>>,
    due_at: Vec<i64>,
    budgets: Vec<i64>,
}

impl AttemptRows {
    fn push(&mut self, finish: &Finish, exchange: &[u8]) {
        let attempt = &finish.attempt;
        let (next, reason, due_at) = match &finish.next {
            Next::Delivered => (0, None, 0),
            Next::Failed { reason } => (1, Some(reason.clone()), 0),
            Next::Retry { due_at } => (2, None, *due_at),
        };
        self.deliveries.push(attempt.delivery_id.get());
        self.numbers.push(i64::from(attempt.number));
        self.ids.push(attempt.id.get());
        self.events.push(attempt.event_id.get());
        self.subscriptions.push(attempt.subscription_id.get());
        self.started_at.push(attempt.started_at);
        self.durations.push(i64::from(attempt.duration_ms));
        self.codes.push(attempt.response_code.map(i64::from));
        self.errors.push(attempt.error.as_ref().map(|error| error.kind.clone()));
        self.digests.push(attempt.plugin_digest.clone());
        self.exchanges.push(exchange.to_vec());
        self.nexts.push(next);
        self.reasons.push(reason);
        self.due_at.push(due_at);
        self.budgets.push(i64::from(finish.budget_from));
    }
}

/// Writes endings of different deliveries, in a transaction of its own unless there is one; tells which deliveries moved on.
pub(crate) async fn write(
    connection: &mut Connection,
    endings: impl Iterator<Item = &Ending>,
    node: i64,
) -> Result<HashSet<i64>, Failure> {
    let (mut attempts, mut abandoned) = (AttemptRows::default(), Vec::new());
    for ending in endings {
        match ending {
            Ending::Attempt(finish, exchange) => attempts.push(finish, exchange),
            Ending::Abandoned(abandon) => abandoned.push(abandon),
        }
    }
    let mut moved = HashSet::new();
    if !attempts.deliveries.is_empty() {
        write_attempts(connection, &attempts, node, &mut moved).await?;
    }
    if !abandoned.is_empty() {
        write_abandoned(connection, &abandoned, &mut moved).await?;
    }
    Ok(moved)
}

/// A failure counts only as the attempt that follows the last one on record; a success is true whenever it arrives, while the delivery is pending. The attempt itself is
/// recorded in any case. Where an operator began another budget while the attempt was under way, its failure is one of the former: the delivery stays due as the operator
/// asked, and only the number counts.
async fn write_attempts(
    connection: &mut Connection,
    rows: &AttemptRows,
    node: i64,
    moved: &mut HashSet<i64>,
) -> Result<(), Failure> {
    let answered = sqlx::query!(
        r#"WITH came AS (
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
                                  $9::text[], $10::text[], $11::bytea[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[])
                  AS c (delivery_id, number, id, event_id, subscription_id, started_at, duration_ms, response_code,
                        error_kind, plugin_digest, exchange, next, reason, due_at, budget_from)),
           ended AS (
             DELETE FROM pending AS p USING came AS c
             WHERE p.id = c.delivery_id
               AND (c.next = 0 AND c.number <= p.attempts + 1
                    OR c.next = 1 AND c.number = p.attempts + 1 AND c.budget_from = p.budget_from)
             RETURNING p.id, p.event_id, p.subscription_id, greatest(p.attempts, c.number) AS attempts, c.next, c.reason,
                       c.response_code, c.started_at + c.duration_ms AS settled_at),
           went_on AS (
             UPDATE pending AS p
             SET attempts = c.number,
                 due_at = CASE WHEN c.budget_from = p.budget_from THEN c.due_at ELSE p.due_at END,
                 budget_from = CASE WHEN c.budget_from = p.budget_from THEN p.budget_from ELSE c.number END
             FROM came AS c
             WHERE p.id = c.delivery_id AND c.number = p.attempts + 1
               AND (c.next = 2 OR c.next = 1 AND c.budget_from <> p.budget_from)
             RETURNING p.id, p.budget_from = c.budget_from AS moved),
           settled AS (
             INSERT INTO settled (id, event_id, subscription_id, status, reason, attempts, response_code, settled_at)
             SELECT id, event_id, subscription_id, CASE next WHEN 0 THEN 'delivered' ELSE 'failed' END, reason, attempts, response_code, settled_at
             FROM ended ON CONFLICT (id) DO NOTHING),
           attempts AS (
             INSERT INTO attempt (delivery_id, number, node_id, id, event_id, subscription_id, started_at, duration_ms, response_code, error_kind, plugin_digest, exchange)
             SELECT delivery_id, number, $16, id, event_id, subscription_id, started_at, duration_ms, response_code, error_kind, plugin_digest, exchange
             FROM came ON CONFLICT (delivery_id, number, node_id) DO NOTHING)
           SELECT id AS "id!" FROM ended UNION ALL SELECT id FROM went_on WHERE moved"#,
        &rows.deliveries,
        &rows.numbers,
        &rows.ids,
        &rows.events,
        &rows.subscriptions,
        &rows.started_at,
        &rows.durations,
        &rows.codes as _,
        &rows.errors as _,
        &rows.digests as _,
        &rows.exchanges,
        &rows.nexts,
        &rows.reasons as _,
        &rows.due_at,
        &rows.budgets,
        node
    )
    .fetch_all(connection)
    .await?;
    moved.extend(answered.into_iter().map(|row| row.id));
    Ok(())
}

async fn write_abandoned(
    connection: &mut Connection,
    abandoned: &[&Abandon],
    moved: &mut HashSet<i64>,
) -> Result<(), Failure> {
    let ids: Vec<i64> = abandoned.iter().map(|one| one.id.get()).collect();
    let reasons: Vec<String> = abandoned.iter().map(|one| one.reason.clone()).collect();
    let at: Vec<i64> = abandoned.iter().map(|one| one.at).collect();
    let answered = sqlx::query!(
        r#"WITH ended AS (
             DELETE FROM pending AS p USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS c (id, reason, at)
             WHERE p.id = c.id RETURNING p.id, p.event_id, p.subscription_id, p.attempts, c.reason, c.at)
           INSERT INTO settled (id, event_id, subscription_id, status, reason, attempts, response_code, settled_at)
           SELECT e.id, e.event_id, e.subscription_id, 'failed', e.reason, e.attempts,
                  (SELECT a.response_code FROM attempt AS a WHERE a.delivery_id = e.id AND a.number = e.attempts LIMIT 1), e.at
           FROM ended AS e ON CONFLICT (id) DO UPDATE SET status = excluded.status
           RETURNING id"#,
        &ids,
        &reasons,
        &at
    )
    .fetch_all(connection)
    .await?;
    moved.extend(answered.into_iter().map(|row| row.id));
    Ok(())
}
