//! Old events with what belongs to them, and old attempts alone.

use super::{Looked, Range};
use crate::desk::Desk;
use crate::fault::Failure;
use crate::parcel::json;
use futures_util::TryStreamExt;
use hookwright_store::Pruned;

/// Events that are about to go: each with its first and last delivery, whose ids were made one after the other.
#[derive(Default)]
struct Chosen {
    spans: Vec<(i64, i64, i64)>,
    /// The rows they are expected to have, with one attempt for each delivery.
    rows: i64,
    last: i64,
    end: bool,
}

/// Removes events none of whose deliveries is pending: attempts first, then deliveries, then the events. What is more than `limit` rows is left to the next batch, which
/// begins at the same place.
pub(super) async fn prune(desk: &mut Desk, range: Range, limit: i64) -> Result<Pruned, Failure> {
    let chosen = choose(desk, range, limit).await?;
    let next = (!chosen.end).then_some(chosen.last);
    if chosen.spans.is_empty() {
        return Ok(Pruned { next, ..Pruned::default() });
    }
    let spans = json(&chosen.spans);
    let attempts = remove_attempts(desk, &spans, limit).await?;
    let again = |rows| Pruned { rows, next: Some(range.after), ..Pruned::default() };
    if attempts >= limit {
        return Ok(again(attempts.unsigned_abs()));
    }
    let left = limit - attempts;
    let deliveries = remove_deliveries(desk, &spans, left).await?;
    let rows = (attempts + deliveries).unsigned_abs();
    if deliveries >= left {
        return Ok(again(rows));
    }
    let removed = sqlx::query!("DELETE FROM event WHERE id IN (SELECT value->>0 FROM json_each($1))", spans)
        .execute(&mut desk.connection)
        .await?
        .rows_affected();
    Ok(Pruned { removed, rows: rows + removed, next, ..Pruned::default() })
}

/// The oldest events of the range, until their rows are about `limit`.
async fn choose(desk: &mut Desk, range: Range, limit: i64) -> Result<Chosen, Failure> {
    let mut rows = sqlx::query!(
        r#"SELECT e.id AS "id!", json_array_length(e.fan_out) AS "deliveries!: i64",
                  coalesce(e.fan_out->>'$[0][0]', 0) AS "first!: i64", coalesce(e.fan_out->>'$[#-1][0]', 0) AS "last!: i64",
                  EXISTS (SELECT 1 FROM pending AS p
                          WHERE p.id BETWEEN e.fan_out->>'$[0][0]' AND e.fan_out->>'$[#-1][0]' AND p.event_id = e.id) AS "busy!: bool"
           FROM event AS e WHERE e.id > $1 AND e.id < $2 ORDER BY e.id LIMIT $3"#,
        range.after,
        range.end,
        limit
    )
    .fetch(&mut desk.connection);
    let (mut chosen, mut seen) = (Chosen { end: true, ..Chosen::default() }, 0);
    while let Some(row) = rows.try_next().await? {
        // An event is weighed whether it goes or not, so that a batch that finds nothing but pending ones ends as well.
        let weight = 1 + 2 * row.deliveries;
        if seen > 0 && chosen.rows + weight > limit {
            chosen.end = false;
            break;
        }
        seen += 1;
        chosen.rows += weight;
        chosen.last = row.id;
        if !row.busy {
            chosen.spans.push((row.id, row.first, row.last));
        }
    }
    chosen.end &= seen < limit;
    Ok(chosen)
}

async fn remove_attempts(desk: &mut Desk, spans: &str, limit: i64) -> Result<i64, Failure> {
    let removed = sqlx::query!(
        "DELETE FROM attempt
         WHERE id IN (SELECT a.id FROM json_each($1) CROSS JOIN attempt AS a ON a.delivery_id BETWEEN value->>1 AND value->>2
                      WHERE a.event_id = value->>0 LIMIT $2)",
        spans,
        limit
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(i64::try_from(removed.rows_affected()).unwrap_or(i64::MAX))
}

async fn remove_deliveries(desk: &mut Desk, spans: &str, limit: i64) -> Result<i64, Failure> {
    let removed = sqlx::query!(
        "DELETE FROM settled
         WHERE id IN (SELECT s.id FROM json_each($1) CROSS JOIN settled AS s ON s.id BETWEEN value->>1 AND value->>2
                      WHERE s.event_id = value->>0 LIMIT $2)",
        spans,
        limit
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(i64::try_from(removed.rows_affected()).unwrap_or(i64::MAX))
}

/// Removes attempts of deliveries that ended.
pub(super) async fn prune_attempts(desk: &mut Desk, range: Range, limit: i64) -> Result<Pruned, Failure> {
    let rows = sqlx::query!(
        r#"SELECT a.id, EXISTS (SELECT 1 FROM pending AS p WHERE p.id = a.delivery_id) AS "busy!: bool"
           FROM attempt AS a WHERE a.id > $1 AND a.id < $2 ORDER BY a.id LIMIT $3"#,
        range.after,
        range.end,
        limit
    )
    .fetch_all(&mut desk.connection)
    .await?;
    let mut looked = Looked::default();
    for row in rows {
        looked.at(row.id, !row.busy);
    }
    let ids = looked.ids();
    sqlx::query!("DELETE FROM attempt WHERE id IN (SELECT value FROM json_each($1))", ids)
        .execute(&mut desk.connection)
        .await?;
    Ok(looked.pruned(limit))
}
