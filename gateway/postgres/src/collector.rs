//! What other nodes left for this one: collected from the table of hand-overs, in one statement with the deliveries themselves.
//!
//! Whatever was committed before the statement is seen by it, so that what is handed on is in order although it came in by several nodes. Rows are deleted, and a reader
//! of rows from the beginning would walk over all those that no vacuum has removed yet: it begins where it was some seconds ago, before which nothing new can appear.

use crate::connection::{Line, Purpose};
use crate::desk::Desk;
use crate::fault::Failure;
use crate::outbox::pending::PendingRow;
use crate::shards::shard_of;
use crate::store::Shared;
use crate::writer::told;
use hookwright_core::delivery::Pending;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

/// How often it is looked without a notification while there are other nodes.
const POLL: Duration = Duration::from_millis(250);
/// How often while there are none.
const POLL_ALONE: Duration = Duration::from_secs(2);
/// It is not looked more often than this, however often it is rung.
const APART: Duration = Duration::from_millis(2);
/// No transaction of a node lasts longer as a rule: what has a smaller number than what was seen so long ago is there, or never will be.
const SETTLED: Duration = Duration::from_secs(15);
/// A commit on a disk that stood still may break that rule, so that the whole table is looked at this often.
const WHOLE: Duration = Duration::from_mins(1);

/// Rung when something may have been left for this node.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Notify,
    from_the_start: AtomicBool,
    look_again: AtomicBool,
}

impl Bell {
    /// Something may have been left.
    pub(crate) fn ring(&self) {
        self.rung.notify_one();
    }

    /// Shards were taken, for which something may have been left long ago.
    pub(crate) fn look_from_the_start(&self) {
        self.from_the_start.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// A commit may have happened or not: the table says so, at once or some seconds later.
    pub(crate) fn look_again(&self) {
        self.look_again.store(true, Ordering::SeqCst);
        self.ring();
    }
}

/// Tells those who own the shards of subscriptions that something was left for them.
pub(crate) fn tell_owners(shared: &Shared, subscriptions: &[i64]) {
    let mut others = BTreeSet::new();
    for subscription in subscriptions {
        if shared.shards.owns(*subscription) {
            shared.bell.ring();
        } else {
            others.insert(shared.shards.owner(shard_of(*subscription)));
        }
    }
    shared.notifier.left_for(others);
}

/// What a notification is about.
pub(crate) fn heard(shared: &Shared, channel: &str) {
    match channel {
        crate::notifier::CATALOGUE => shared.notifier.hear_catalogue(),
        crate::notifier::NODES => shared.notifier.hear_nodes(),
        _ => shared.bell.ring(),
    }
}

/// Leaves a delivery for its owner, in the present transaction.
pub(crate) async fn leave(desk: &mut Desk, pending: &Pending) -> Result<(), Failure> {
    let subscription = pending.subscription_id.get();
    let (shard, delivery) = (i64::try_from(shard_of(subscription)).unwrap_or(0), pending.id.get());
    sqlx::query!("INSERT INTO handoff (shard, deliveries) VALUES ($1, ARRAY[$2::bigint])", shard, delivery)
        .execute(&mut desk.connection)
        .await?;
    desk.left_for.push(subscription);
    Ok(())
}

/// Collects until it is told to end.
pub(crate) async fn collect(shared: Arc<Shared>, mut end: watch::Receiver<bool>) {
    let mut line = Line::new(shared.door.clone(), Purpose::Keys);
    let mut place = Place::default();
    let mut look_again_at: Option<Instant> = None;
    let mut whole_at = Instant::now() + WHOLE;
    loop {
        let poll = if shared.notifier.is_alone() { POLL_ALONE } else { POLL };
        tokio::select! {
            () = told(&mut end) => return,
            // Rung or not, it is time to look.
            _ = timeout(poll, shared.bell.rung.notified()) => {}
        }
        if shared.bell.from_the_start.swap(false, Ordering::SeqCst) || Instant::now() >= whole_at {
            place = Place::default();
            whole_at = Instant::now() + WHOLE;
        }
        if shared.bell.look_again.swap(false, Ordering::SeqCst) {
            shared.handover.miss();
            look_again_at = Some(Instant::now() + SETTLED);
        }
        if look_again_at.is_some_and(|at| at <= Instant::now()) {
            shared.handover.miss();
            look_again_at = None;
        }
        let collected = timeout(SETTLED, once(&shared, &mut line, &mut place)).await;
        // What comes meanwhile is collected together.
        sleep(APART).await;
        if !matches!(collected, Ok(Ok(()))) {
            line.drop_connection();
            shared.bell.from_the_start.store(true, Ordering::SeqCst);
            // What the statement deleted may have been committed.
            shared.handover.miss();
            tracing::debug!("what was left for this node was not collected; trying again");
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// How far the table is settled.
#[derive(Default)]
struct Place {
    /// Nothing up to this number can appear any more.
    floor: i64,
    /// The greatest numbers seen, and when.
    seen: VecDeque<(Instant, i64)>,
}

impl Place {
    fn saw(&mut self, number: i64) {
        let now = Instant::now();
        while self.seen.front().is_some_and(|(at, _)| *at + SETTLED < now) {
            self.floor = self.seen.pop_front().map_or(self.floor, |(_, number)| self.floor.max(number));
        }
        if self.seen.back().is_none_or(|(at, _)| *at + Duration::from_secs(1) < now) {
            self.seen.push_back((now, number));
        }
    }
}

async fn once(shared: &Shared, line: &mut Line, place: &mut Place) -> Result<(), Failure> {
    let mine = shared.shards.mine();
    if mine.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"WITH left_here AS (DELETE FROM handoff WHERE id > $1 AND shard = ANY($2) RETURNING id, deliveries)
           SELECT l.id AS "number!", p.id AS "id!", p.event_id AS "event_id!", p.subscription_id AS "subscription_id!", p.attempts AS "attempts!",
                  p.budget_from AS "budget_from!", p.due_at AS "due_at!", p.order_key
           FROM left_here AS l CROSS JOIN LATERAL unnest(l.deliveries) AS d (id) JOIN pending AS p ON p.id = d.id
           ORDER BY p.id"#,
        place.floor,
        &mine
    )
    .fetch_all(line.get().await?)
    .await?;
    if let Some(greatest) = rows.iter().map(|row| row.number).max() {
        place.saw(greatest);
    }
    let deliveries = rows.into_iter().map(|row| {
        let row = PendingRow {
            id: row.id,
            event_id: row.event_id,
            subscription_id: row.subscription_id,
            attempts: row.attempts,
            budget_from: row.budget_from,
            due_at: row.due_at,
            order_key: row.order_key,
        };
        row.read()
    });
    shared.handover.offer(deliveries.collect::<Result<Vec<_>, _>>()?);
    Ok(())
}
