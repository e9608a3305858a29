//! Deliveries: one list out of two tables, the pending and the settled.

#[path = "delivery/attempt.rs"]
mod attempt;
#[path = "delivery/scan.rs"]
mod scan;

use crate::corrupt::Reading;
use crate::database::{Pool, Transaction, begin_snapshot};
use crate::fault::Failure;
use crate::journal::event::fan_out;
use crate::store::Shared;
use hookwright_core::delivery::{Attempt, Delivery, DeliveryStatus};
use hookwright_core::id::{DeliveryId, EventId};
use hookwright_store::{DeliveryFilter, Page, PageRequest, StoreError};
use scan::{Stretch, merge};

/// Rows that a page looks through at most where no index knows the status.
const SCAN_MAX: i64 = 2_000;

pub(super) async fn page(
    reads: &Pool,
    filter: DeliveryFilter,
    page: PageRequest,
) -> Result<Page<Delivery>, StoreError> {
    // One snapshot, so that a delivery that settles meanwhile is in one table or the other, and not in both or neither.
    let mut snapshot = begin_snapshot(reads).await.map_err(Failure::from)?;
    let stretches = match filter.event_id {
        Some(event) => of_event(&mut snapshot, event, page.before).await?,
        None => of_all(&mut snapshot, &filter, page).await?,
    };
    let wanted = |delivery: &Delivery| {
        filter.status.is_none_or(|status| delivery.status == status)
            && filter.subscription_id.is_none_or(|subscription| delivery.subscription_id == subscription)
    };
    Ok(merge(stretches, page.limit, wanted))
}

/// An event's deliveries are as few as its subscriptions, and the event itself names them.
async fn of_event(
    snapshot: &mut Transaction<'_>,
    event: EventId,
    before: Option<i64>,
) -> Result<Vec<Stretch>, Failure> {
    let number = event.get();
    let row =
        sqlx::query!("SELECT id, fan_out FROM event WHERE id = $1", number).fetch_optional(&mut **snapshot).await?;
    let Some(row) = row else { return Ok(Vec::new()) };
    let fan_out = fan_out(&Reading { table: "event", row: row.id }, &row.fan_out)?;
    let ids = fan_out.iter().map(|out| out.delivery_id.get()).filter(|id| before.is_none_or(|before| *id < before));
    scan::by_ids(snapshot, ids.collect()).await
}

async fn of_all(
    snapshot: &mut Transaction<'_>,
    filter: &DeliveryFilter,
    page: PageRequest,
) -> Result<Vec<Stretch>, Failure> {
    let before = page.before.unwrap_or(i64::MAX);
    let exact = i64::from(page.limit) + 1;
    let scanned = exact.max(SCAN_MAX);
    let subscription = filter.subscription_id;
    Ok(match filter.status {
        None => {
            let pending = scan::pending(snapshot, subscription, before, exact).await?;
            vec![pending, scan::settled(snapshot, subscription, before, exact).await?]
        }
        Some(DeliveryStatus::Pending | DeliveryStatus::Retrying) => {
            vec![scan::pending(snapshot, subscription, before, scanned).await?]
        }
        Some(DeliveryStatus::Delivered) => vec![scan::settled(snapshot, subscription, before, scanned).await?],
        Some(DeliveryStatus::Failed) => vec![scan::failed(snapshot, subscription, before, exact).await?],
    })
}

/// One delivery with all its attempts.
pub(super) async fn one(shared: &Shared, id: DeliveryId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
    let mut snapshot = begin_snapshot(&shared.reads).await.map_err(Failure::from)?;
    let found = scan::by_ids(&mut snapshot, vec![id.get()]).await?;
    let Some(delivery) = found.into_iter().flat_map(|stretch| stretch.rows).next() else { return Ok(None) };
    let attempts = attempt::of(&mut snapshot, &shared.sealer, id).await?;
    Ok(Some((delivery, attempts)))
}
