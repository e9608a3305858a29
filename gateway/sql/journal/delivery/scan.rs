//! Stretches of the two tables of deliveries, and how they become one page.

use crate::corrupt::Reading;
use crate::database::Transaction;
use crate::fault::Failure;
use crate::parcel::json;
use hookwright_core::delivery::{Delivery, DeliveryStatus};
use hookwright_core::id::SubscriptionId;
use hookwright_store::{Page, StoreError};

/// Consecutive rows of one table, newest first.
pub(super) struct Stretch {
    pub(super) rows: Vec<Delivery>,
    /// The last id that was looked at, if there may be more below it.
    floor: Option<i64>,
}

impl Stretch {
    fn of(rows: Vec<Delivery>, asked: i64) -> Self {
        let is_full = i64::try_from(rows.len()).is_ok_and(|read| read >= asked);
        let floor = if is_full { rows.last().map(|delivery| delivery.id.get()) } else { None };
        Self { rows, floor }
    }
}

/// One page of what stretches hold: nothing below the highest floor is shown, since one of the tables was not looked at there.
pub(super) fn merge(stretches: Vec<Stretch>, limit: u32, wanted: impl Fn(&Delivery) -> bool) -> Page<Delivery> {
    let floor = stretches.iter().filter_map(|stretch| stretch.floor).max();
    let all = stretches.into_iter().flat_map(|stretch| stretch.rows);
    let is_above = |delivery: &Delivery| floor.is_none_or(|floor| delivery.id.get() >= floor);
    let mut rows: Vec<Delivery> = all.filter(|delivery| is_above(delivery) && wanted(delivery)).collect();
    rows.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id));
    if rows.len() > limit as usize {
        rows.truncate(limit as usize);
        let next = rows.last().map(|delivery| delivery.id.get());
        return Page { rows, next };
    }
    Page { rows, next: floor }
}

struct PendingRow {
    id: i64,
    event_id: i64,
    subscription_id: i64,
    event_type: String,
    created_at: i64,
    attempts: i64,
    due_at: i64,
    response_code: Option<i64>,
}

impl PendingRow {
    fn read(self) -> Result<Delivery, StoreError> {
        let reading = Reading { table: "pending", row: self.id };
        Ok(Delivery {
            id: reading.id("id", self.id)?,
            subscription_id: reading.id("subscription_id", self.subscription_id)?,
            event_id: reading.id("event_id", self.event_id)?,
            event_type: self.event_type,
            status: if self.attempts == 0 { DeliveryStatus::Pending } else { DeliveryStatus::Retrying },
            attempts: reading.number("attempts", self.attempts)?,
            response_code: reading.number_or_none("response_code", self.response_code)?,
            next_retry_at: Some(self.due_at),
            delivered_at: None,
            reason: None,
            created_at: self.created_at,
        })
    }
}

struct SettledRow {
    id: i64,
    event_id: i64,
    subscription_id: i64,
    event_type: String,
    created_at: i64,
    status: String,
    reason: Option<String>,
    attempts: i64,
    response_code: Option<i64>,
    settled_at: i64,
}

impl SettledRow {
    fn read(self) -> Result<Delivery, StoreError> {
        let reading = Reading { table: "settled", row: self.id };
        let status = reading.word("status", DeliveryStatus::from_word(&self.status))?;
        Ok(Delivery {
            id: reading.id("id", self.id)?,
            subscription_id: reading.id("subscription_id", self.subscription_id)?,
            event_id: reading.id("event_id", self.event_id)?,
            event_type: self.event_type,
            status,
            attempts: reading.number("attempts", self.attempts)?,
            response_code: reading.number_or_none("response_code", self.response_code)?,
            next_retry_at: None,
            delivered_at: (status == DeliveryStatus::Delivered).then_some(self.settled_at),
            reason: self.reason,
            created_at: self.created_at,
        })
    }
}

fn pending_stretch(rows: Vec<PendingRow>, asked: i64) -> Result<Stretch, Failure> {
    let rows = rows.into_iter().map(PendingRow::read).collect::<Result<_, _>>()?;
    Ok(Stretch::of(rows, asked))
}

fn settled_stretch(rows: Vec<SettledRow>, asked: i64) -> Result<Stretch, Failure> {
    let rows = rows.into_iter().map(SettledRow::read).collect::<Result<_, _>>()?;
    Ok(Stretch::of(rows, asked))
}

pub(super) async fn pending(
    snapshot: &mut Transaction<'_>,
    subscription: Option<SubscriptionId>,
    before: i64,
    asked: i64,
) -> Result<Stretch, Failure> {
    let rows = match subscription.map(SubscriptionId::get) {
        Some(subscription) => {
            sqlx::query_as!(
                PendingRow,
                "SELECT p.id, p.event_id, p.subscription_id, e.event_type, e.created_at, p.attempts, p.due_at, a.response_code
                 FROM pending AS p JOIN event AS e ON e.id = p.event_id
                 LEFT JOIN attempt AS a ON a.delivery_id = p.id AND a.number = p.attempts
                 WHERE p.subscription_id = $1 AND p.id < $2 ORDER BY p.id DESC LIMIT $3",
                subscription,
                before,
                asked
            )
            .fetch_all(&mut **snapshot)
            .await?
        }
        None => {
            sqlx::query_as!(
                PendingRow,
                "SELECT p.id, p.event_id, p.subscription_id, e.event_type, e.created_at, p.attempts, p.due_at, a.response_code
                 FROM pending AS p JOIN event AS e ON e.id = p.event_id
                 LEFT JOIN attempt AS a ON a.delivery_id = p.id AND a.number = p.attempts
                 WHERE p.id < $1 ORDER BY p.id DESC LIMIT $2",
                before,
                asked
            )
            .fetch_all(&mut **snapshot)
            .await?
        }
    };
    pending_stretch(rows, asked)
}

pub(super) async fn settled(
    snapshot: &mut Transaction<'_>,
    subscription: Option<SubscriptionId>,
    before: i64,
    asked: i64,
) -> Result<Stretch, Failure> {
    let rows = match subscription.map(SubscriptionId::get) {
        Some(subscription) => {
            sqlx::query_as!(
                SettledRow,
                "SELECT s.id, s.event_id, s.subscription_id, e.event_type, e.created_at, s.status, s.reason, s.attempts,
                        s.response_code, s.settled_at
                 FROM settled AS s JOIN event AS e ON e.id = s.event_id
                 WHERE s.subscription_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3",
                subscription,
                before,
                asked
            )
            .fetch_all(&mut **snapshot)
            .await?
        }
        None => {
            sqlx::query_as!(
                SettledRow,
                "SELECT s.id, s.event_id, s.subscription_id, e.event_type, e.created_at, s.status, s.reason, s.attempts,
                        s.response_code, s.settled_at
                 FROM settled AS s JOIN event AS e ON e.id = s.event_id
                 WHERE s.id < $1 ORDER BY s.id DESC LIMIT $2",
                before,
                asked
            )
            .fetch_all(&mut **snapshot)
            .await?
        }
    };
    settled_stretch(rows, asked)
}

/// Failures alone: they are few among many, and have indexes of their own.
pub(super) async fn failed(
    snapshot: &mut Transaction<'_>,
    subscription: Option<SubscriptionId>,
    before: i64,
    asked: i64,
) -> Result<Stretch, Failure> {
    let rows = match subscription.map(SubscriptionId::get) {
        Some(subscription) => {
            sqlx::query_as!(
                SettledRow,
                "SELECT s.id, s.event_id, s.subscription_id, e.event_type, e.created_at, s.status, s.reason, s.attempts,
                        s.response_code, s.settled_at
                 FROM settled AS s JOIN event AS e ON e.id = s.event_id
                 WHERE s.status = 'failed' AND s.subscription_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3",
                subscription,
                before,
                asked
            )
            .fetch_all(&mut **snapshot)
            .await?
        }
        None => {
            sqlx::query_as!(
                SettledRow,
                "SELECT s.id, s.event_id, s.subscription_id, e.event_type, e.created_at, s.status, s.reason, s.attempts,
                        s.response_code, s.settled_at
                 FROM settled AS s JOIN event AS e ON e.id = s.event_id
                 WHERE s.status = 'failed' AND s.id < $1 ORDER BY s.id DESC LIMIT $2",
                before,
                asked
            )
            .fetch_all(&mut **snapshot)
            .await?
        }
    };
    settled_stretch(rows, asked)
}

/// Those among `ids` that are there, from both tables.
pub(super) async fn by_ids(snapshot: &mut Transaction<'_>, ids: Vec<i64>) -> Result<Vec<Stretch>, Failure> {
    let ids = json(&ids);
    let pending = sqlx::query_as!(
        PendingRow,
        "SELECT p.id, p.event_id, p.subscription_id, e.event_type, e.created_at, p.attempts, p.due_at, a.response_code
         FROM pending AS p JOIN event AS e ON e.id = p.event_id
         LEFT JOIN attempt AS a ON a.delivery_id = p.id AND a.number = p.attempts
         WHERE p.id IN (SELECT value FROM json_each($1))",
        ids
    )
    .fetch_all(&mut **snapshot)
    .await?;
    let settled = sqlx::query_as!(
        SettledRow,
        "SELECT s.id, s.event_id, s.subscription_id, e.event_type, e.created_at, s.status, s.reason, s.attempts,
                s.response_code, s.settled_at
         FROM settled AS s JOIN event AS e ON e.id = s.event_id
         WHERE s.id IN (SELECT value FROM json_each($1))",
        ids
    )
    .fetch_all(&mut **snapshot)
    .await?;
    Ok(vec![pending_stretch(pending, i64::MAX)?, settled_stretch(settled, i64::MAX)?])
}
