//! Old events with what belongs to them, and old attempts alone, row by row.

use super::Range;
use crate::desk::Desk;
use crate::fault::Failure;
use futures_util::TryStreamExt;
use hookwright_store::Pruned;

/// Events that are about to go, by columns: each with its first and last delivery, whose ids were made one after the other.
#[derive(Default)]
struct Chosen {
    ids: Vec<i64>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
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
    if chosen.ids.is_empty() {
        return Ok(Pruned { next, ..Pruned::default() });
    }
    let attempts = remove_attempts(desk, &chosen, limit).await?;
    let again = |rows| Pruned { rows, next: Some(range.after), ..Pruned::default() };
    if attempts >= limit {
        return Ok(again(attempts.unsigned_abs()));
    }
    let left = limit - attempts;
    let deliveries = remove_deliveries(desk, &chosen, left).await?;
    let rows = (attempts + deliveries).unsigned_abs();
    if deliveries >= left {
        return Ok(again(rows));
    }
    let removed = sqlx::query!("DELETE FROM event WHERE id = ANY($1)", &chosen.ids)
        .execute(&mut desk.connection)
        .await?
        .rows_affected();
    Ok(Pruned { removed, rows: rows + removed, next, ..Pruned::default() })
}

/// The oldest events of the range, until their rows are about `limit`.
async fn choose(desk: &mut Desk, range: Range, limit: i64) -> Result<Chosen, Failure> {
    let mut rows = sqlx::query!(
        r#"SELECT e.id, e.deliveries AS "deliveries!", e.first AS "first!", e.last AS "last!",
                  EXISTS (SELECT 1 FROM pending AS p WHERE p.id BETWEEN e.first AND e.last AND p.event_id = e.id) AS "busy!"
           FROM (SELECT id, json_array_length(fan_out) AS deliveries, coalesce(json_extract(fan_out, '$[0][0]'), 0) AS first,
                        coalesce(json_extract(fan_out, '$[last][0]'), 0) AS last
                 FROM event WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) AS e
           ORDER BY e.id"#,
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
            chosen.ids.push(row.id);
            chosen.firsts.push(row.first);
            chosen.lasts.push(row.last);
        }
    }
    chosen.end &= seen < limit;
    Ok(chosen)
}

async fn remove_attempts(desk: &mut Desk, chosen: &Chosen, limit: i64) -> Result<i64, Failure> {
    let removed = sqlx::query!(
        "DELETE FROM attempt
         WHERE (delivery_id, number, node_id) IN (
             SELECT a.delivery_id, a.number, a.node_id
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (event_id, first, last)
                  JOIN attempt AS a ON a.delivery_id BETWEEN c.first AND c.last AND a.event_id = c.event_id
             LIMIT $4)",
        &chosen.ids,
        &chosen.firsts,
        &chosen.lasts,
        limit
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(i64::try_from(removed.rows_affected()).unwrap_or(i64::MAX))
}

async fn remove_deliveries(desk: &mut Desk, chosen: &Chosen, limit: i64) -> Result<i64, Failure> {
    let removed = sqlx::query!(
        "DELETE FROM settled
         WHERE id IN (SELECT s.id
                      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS c (event_id, first, last)
                           JOIN settled AS s ON s.id BETWEEN c.first AND c.last AND s.event_id = c.event_id
                      LIMIT $4)",
        &chosen.ids,
        &chosen.firsts,
        &chosen.lasts,
        limit
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(i64::try_from(removed.rows_affected()).unwrap_or(i64::MAX))
}

/// Attempts that were looked at, by their keys.
#[derive(Default)]
struct Attempts {
    deliveries: Vec<i64>,
    numbers: Vec<i64>,
    nodes: Vec<i64>,
}

/// Removes attempts that are older than the first id of `made_before`, of deliveries that ended. The range is of deliveries: they stand in their order.
pub(super) async fn prune_attempts(
    desk: &mut Desk,
    range: Range,
    made_before: i64,
    limit: i64,
) -> Result<Pruned, Failure> {
    let rows = sqlx::query!(
        r#"SELECT a.delivery_id, a.number, a.node_id,
                  a.id < $3 AND NOT EXISTS (SELECT 1 FROM pending AS p WHERE p.id = a.delivery_id) AS "goes!"
           FROM attempt AS a WHERE a.delivery_id > $1 AND a.delivery_id < $2
           ORDER BY a.delivery_id, a.number, a.node_id LIMIT $4"#,
        range.after,
        range.end,
        made_before,
        limit
    )
    .fetch_all(&mut desk.connection)
    .await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
    let (mut going, mut next) = (Attempts::default(), None);
    if let (true, Some(last)) = (is_full, rows.last()) {
        // The last delivery may have more of them.
        next = rows.iter().rev().map(|row| row.delivery_id).find(|id| *id != last.delivery_id);
        if next.is_none() {
            next = Some(if rows.iter().any(|row| row.goes) { range.after } else { last.delivery_id });
        }
    }
    for row in
        rows.iter().filter(|row| row.goes && next.is_none_or(|next| next == range.after || row.delivery_id <= next))
    {
        going.deliveries.push(row.delivery_id);
        going.numbers.push(row.number);
        going.nodes.push(row.node_id);
    }
    let removed = sqlx::query!(
        "DELETE FROM attempt AS a USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS g (delivery_id, number, node_id)
         WHERE a.delivery_id = g.delivery_id AND a.number = g.number AND a.node_id = g.node_id",
        &going.deliveries,
        &going.numbers,
        &going.nodes
    )
    .execute(&mut desk.connection)
    .await?
    .rows_affected();
    Ok(Pruned { removed, rows: removed, next, ..Pruned::default() })
}
