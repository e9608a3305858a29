//! Messages, with and without their content.

use super::page_of;
use crate::corrupt::Reading;
use crate::database::Pool;
use crate::fault::Failure;
use crate::record::{Findings, MessageParts, event_ids};
use crate::sealer::column;
use crate::store::Shared;
use hookwright_core::id::{MessageId, SourceId};
use hookwright_core::message::{Message, MessageStatus, RawMessage, Reason};
use hookwright_store::{MessageFilter, MessageRow, Page, PageRequest, StoreError};

struct HeadRow {
    id: i64,
    source_id: i64,
    hook: String,
    method: String,
    received_at: i64,
    status: String,
    reason: Option<String>,
    waiting_for: Option<String>,
    plugin_digest: Option<String>,
    events: String,
    metadata: String,
}

impl HeadRow {
    fn read(self) -> Result<MessageRow, StoreError> {
        let reading = Reading { table: "message", row: self.id };
        Ok(MessageRow {
            id: reading.id("id", self.id)?,
            source_id: reading.id("source_id", self.source_id)?,
            hook: self.hook,
            method: self.method,
            received_at: self.received_at,
            status: status(&reading, &self.status)?,
            reason: reason(&reading, self.reason.as_deref())?,
            waiting_for: self.waiting_for,
            plugin_digest: self.plugin_digest,
            events: event_ids(&reading, &self.events)?,
            metadata: reading.json("metadata", &self.metadata)?,
        })
    }
}

fn status(reading: &Reading<i64>, word: &str) -> Result<MessageStatus, StoreError> {
    reading.word("status", MessageStatus::from_word(word))
}

fn reason(reading: &Reading<i64>, text: Option<&str>) -> Result<Option<Reason>, StoreError> {
    text.map(|text| reading.json("reason", text)).transpose()
}

pub(super) async fn page(
    reads: &Pool,
    filter: MessageFilter,
    page: PageRequest,
) -> Result<Page<MessageRow>, StoreError> {
    let (before, limit) = (page.before.unwrap_or(i64::MAX), i64::from(page.limit) + 1);
    let source = filter.source_id.map(SourceId::get);
    let status = filter.status.map(MessageStatus::as_str);
    let rows = match (source, status) {
        (None, None) => all(reads, before, limit).await,
        (Some(source), None) => of_source(reads, source, before, limit).await,
        (None, Some(status)) => of_status(reads, status, before, limit).await,
        (Some(source), Some(status)) => of_source_and_status(reads, source, status, before, limit).await,
    };
    let rows = rows.map_err(Failure::from)?.into_iter().map(HeadRow::read).collect::<Result<_, _>>()?;
    Ok(page_of(rows, page.limit, |row: &MessageRow| row.id.get()))
}

async fn all(reads: &Pool, before: i64, limit: i64) -> Result<Vec<HeadRow>, sqlx::Error> {
    sqlx::query_as!(
        HeadRow,
        "SELECT id, source_id, hook, method, received_at, status, reason, waiting_for, plugin_digest, events, metadata
         FROM message WHERE id < $1 ORDER BY id DESC LIMIT $2",
        before,
        limit
    )
    .fetch_all(reads)
    .await
}

async fn of_source(reads: &Pool, source: i64, before: i64, limit: i64) -> Result<Vec<HeadRow>, sqlx::Error> {
    sqlx::query_as!(
        HeadRow,
        "SELECT id, source_id, hook, method, received_at, status, reason, waiting_for, plugin_digest, events, metadata
         FROM message WHERE source_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        source,
        before,
        limit
    )
    .fetch_all(reads)
    .await
}

async fn of_status(reads: &Pool, status: &str, before: i64, limit: i64) -> Result<Vec<HeadRow>, sqlx::Error> {
    sqlx::query_as!(
        HeadRow,
        "SELECT id, source_id, hook, method, received_at, status, reason, waiting_for, plugin_digest, events, metadata
         FROM message WHERE status = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        status,
        before,
        limit
    )
    .fetch_all(reads)
    .await
}

async fn of_source_and_status(
    reads: &Pool,
    source: i64,
    status: &str,
    before: i64,
    limit: i64,
) -> Result<Vec<HeadRow>, sqlx::Error> {
    sqlx::query_as!(
        HeadRow,
        "SELECT id, source_id, hook, method, received_at, status, reason, waiting_for, plugin_digest, events, metadata
         FROM message WHERE source_id = $1 AND status = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        source,
        status,
        before,
        limit
    )
    .fetch_all(reads)
    .await
}

/// One message, opened.
pub(super) async fn one(shared: &Shared, id: MessageId) -> Result<Option<Message>, StoreError> {
    let number = id.get();
    let row = sqlx::query!(
        "SELECT id, source_id, hook, method, tier, secret_id, received_at, status, reason, waiting_for, plugin_digest,
                events, metadata, updated_at, findings, content
         FROM message WHERE id = $1",
        number
    )
    .fetch_optional(&shared.reads)
    .await
    .map_err(Failure::from)?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading { table: "message", row: row.id };
    let ((query, headers), body) =
        shared.sealer.open_parcel::<MessageParts>(column::message_content(row.id), &row.content)?;
    let ((parsed, logs), _) = shared.sealer.open_parcel::<Findings>(column::message_findings(row.id), &row.findings)?;
    Ok(Some(Message {
        id,
        raw: RawMessage {
            source_id: reading.id("source_id", row.source_id)?,
            hook: row.hook,
            method: row.method,
            query,
            headers,
            body,
            received_at: row.received_at,
            tier: row.tier,
            secret_id: row.secret_id.map(|id| reading.id("secret_id", id)).transpose()?,
        },
        status: status(&reading, &row.status)?,
        reason: reason(&reading, row.reason.as_deref())?,
        plugin_digest: row.plugin_digest,
        parsed,
        waiting_for: row.waiting_for,
        events: event_ids(&reading, &row.events)?,
        metadata: reading.json("metadata", &row.metadata)?,
        logs,
        updated_at: row.updated_at,
    }))
}

/// Waiting messages whose customer appeared, oldest first.
pub(super) async fn resumable(reads: &Pool, limit: u32) -> Result<Vec<MessageId>, StoreError> {
    let limit = i64::from(limit);
    let rows = sqlx::query!("SELECT message_id FROM resumable ORDER BY message_id LIMIT $1", limit)
        .fetch_all(reads)
        .await
        .map_err(Failure::from)?;
    rows.into_iter()
        .map(|row| Reading { table: "resumable", row: row.message_id }.id("message_id", row.message_id))
        .collect()
}

/// Quarantined messages of one source, oldest first.
pub(super) async fn quarantined(
    reads: &Pool,
    source: SourceId,
    after: Option<MessageId>,
    limit: u32,
) -> Result<Vec<MessageId>, StoreError> {
    let (source, after, limit) = (source.get(), after.map_or(0, MessageId::get), i64::from(limit));
    let rows = sqlx::query!(
        "SELECT id FROM message WHERE source_id = $1 AND status = 'quarantined' AND id > $2 ORDER BY id LIMIT $3",
        source,
        after,
        limit
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    rows.into_iter().map(|row| Reading { table: "message", row: row.id }.id("id", row.id)).collect()
}

/// Messages whose partner is being asked, oldest first.
pub(super) async fn fetching(
    reads: &Pool,
    after: Option<MessageId>,
    limit: u32,
) -> Result<Vec<(MessageId, SourceId)>, StoreError> {
    let (after, limit) = (after.map_or(0, MessageId::get), i64::from(limit));
    let rows = sqlx::query!(
        "SELECT id, source_id FROM message WHERE status = 'fetching' AND id > $1 ORDER BY id LIMIT $2",
        after,
        limit
    )
    .fetch_all(reads)
    .await
    .map_err(Failure::from)?;
    let read = |id, source_id| {
        let reading = Reading { table: "message", row: id };
        Ok((reading.id("id", id)?, reading.id("source_id", source_id)?))
    };
    rows.into_iter().map(|row| read(row.id, row.source_id)).collect()
}

/// When a source's newest message was received.
pub(super) async fn last_heard(reads: &Pool, source: SourceId) -> Result<Option<i64>, StoreError> {
    let source = source.get();
    let row = sqlx::query!("SELECT received_at FROM message WHERE source_id = $1 ORDER BY id DESC LIMIT 1", source)
        .fetch_optional(reads)
        .await
        .map_err(Failure::from)?;
    Ok(row.map(|row| row.received_at))
}
