//! Events, with and without their data.

use super::page_of;
use crate::corrupt::Reading;
use crate::database::{Pool, Transaction, begin_snapshot};
use crate::fault::Failure;
use crate::parcel::json;
use crate::sealer::{Sealer, column};
use crate::store::Shared;
use hookwright_core::event::{Event, FanOut};
use hookwright_core::id::EventId;
use hookwright_core::pattern::EventType;
use hookwright_store::{EventFilter, EventRow, Page, PageRequest, StoreError};

use std::sync::Arc;

/// Rows that a page looks through for a type at most; a page that found few then says where the next one goes on.
const SCAN_MAX: i64 = 10_000;

struct HeadRow {
    id: i64,
    event_type: String,
    created_at: i64,
    message_id: Option<i64>,
    origin: String,
    deliveries: i64,
}

impl HeadRow {
    fn read(self) -> Result<EventRow, StoreError> {
        let reading = Reading { table: "event", row: self.id };
        Ok(EventRow {
            id: reading.id("id", self.id)?,
            event_type: self.event_type,
            created_at: self.created_at,
            message_id: reading.id_or_none("message_id", self.message_id)?,
            origin: self.origin,
            deliveries: reading.number("fan_out", self.deliveries)?,
        })
    }
}

pub(super) async fn page(reads: &Pool, filter: EventFilter, page: PageRequest) -> Result<Page<EventRow>, StoreError> {
    let before = page.before.unwrap_or(i64::MAX);
    let heads = match filter.event_type {
        Some(event_type) => of_type(reads, &event_type, before, page.limit).await?,
        None => page_of(all(reads, before, page.limit).await?, page.limit, |row| row.id),
    };
    let rows = heads.rows.into_iter().map(HeadRow::read).collect::<Result<_, _>>()?;
    Ok(Page { rows, next: heads.next })
}

async fn all(reads: &Pool, before: i64, limit: u32) -> Result<Vec<HeadRow>, Failure> {
    let limit = i64::from(limit) + 1;
    let rows = sqlx::query_as!(
        HeadRow,
        r#"SELECT id, event_type, created_at, message_id, origin, json_array_length(fan_out) AS "deliveries!: i64"
           FROM event WHERE id < $1 ORDER BY id DESC LIMIT $2"#,
        before,
        limit
    )
    .fetch_all(reads)
    .await?;
    Ok(rows)
}

/// Looks through a stretch of events for those of a type: an index on types would be paid for by every event that is ever published.
async fn of_type(reads: &Pool, event_type: &str, before: i64, limit: u32) -> Result<Page<HeadRow>, Failure> {
    // One snapshot, so that the stretch ends where the rows say it does.
    let mut snapshot = begin_snapshot(reads).await?;
    let asked = i64::from(limit) + 1;
    let rows = sqlx::query_as!(
        HeadRow,
        r#"SELECT id, event_type, created_at, message_id, origin, json_array_length(fan_out) AS "deliveries!: i64"
           FROM (SELECT * FROM event WHERE id < $1 ORDER BY id DESC LIMIT $2) AS stretch
           WHERE event_type = $3 ORDER BY id DESC LIMIT $4"#,
        before,
        SCAN_MAX,
        event_type,
        asked
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let floor = floor(&mut snapshot, before).await?;
    let page = page_of(rows, limit, |row| row.id);
    Ok(Page { next: page.next.or(floor), ..page })
}

/// The last id of the stretch, if it is a full one.
async fn floor(snapshot: &mut Transaction<'_>, before: i64) -> Result<Option<i64>, Failure> {
    let skipped = SCAN_MAX - 1;
    let row = sqlx::query!("SELECT id FROM event WHERE id < $1 ORDER BY id DESC LIMIT 1 OFFSET $2", before, skipped)
        .fetch_optional(&mut **snapshot)
        .await?;
    Ok(row.map(|row| row.id))
}

struct Row {
    id: i64,
    event_type: String,
    created_at: i64,
    message_id: Option<i64>,
    origin: String,
    fan_out: String,
    data: Vec<u8>,
    ordering_key: Option<Vec<u8>>,
}

impl Row {
    fn read(self, sealer: &Sealer) -> Result<Event, StoreError> {
        let reading = Reading { table: "event", row: self.id };
        let data = sealer.open(column::event_data(self.id), &self.data)?;
        let data = String::from_utf8(data).map_err(|_| reading.corrupt("data"))?;
        let open = |sealed: Vec<u8>| sealer.open(column::event_ordering_key(self.id), &sealed);
        let ordering_key = self.ordering_key.map(open).transpose()?.map(String::from_utf8).transpose();
        let ordering_key = ordering_key.map_err(|_| reading.corrupt("ordering_key"))?.map(String::into_boxed_str);
        Ok(Event {
            id: reading.id("id", self.id)?,
            event_type: EventType::try_new(self.event_type).map_err(|_| reading.corrupt("event_type"))?,
            created_at: self.created_at,
            data: data.into_boxed_str(),
            ordering_key,
            message_id: reading.id_or_none("message_id", self.message_id)?,
            origin: self.origin,
            fan_out: fan_out(&reading, &self.fan_out)?,
        })
    }
}

pub(super) fn fan_out(reading: &Reading<i64>, text: &str) -> Result<Vec<FanOut>, StoreError> {
    let pairs: Vec<(i64, i64)> = reading.json("fan_out", text)?;
    let one = |(delivery, subscription)| {
        Ok(FanOut {
            delivery_id: reading.id("fan_out", delivery)?,
            subscription_id: reading.id("fan_out", subscription)?,
        })
    };
    pairs.into_iter().map(one).collect()
}

/// Events with their data; those that are not there are left out.
pub(crate) async fn load(shared: &Shared, ids: Vec<EventId>) -> Result<Vec<Arc<Event>>, StoreError> {
    let ids = json(&ids.into_iter().map(EventId::get).collect::<Vec<_>>());
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, event_type, created_at, message_id, origin, fan_out, data, ordering_key
         FROM event WHERE id IN (SELECT value FROM json_each($1))",
        ids
    )
    .fetch_all(&shared.reads)
    .await
    .map_err(Failure::from)?;
    rows.into_iter().map(|row| Ok(Arc::new(row.read(&shared.sealer)?))).collect()
}
