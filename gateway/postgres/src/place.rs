//! Places: where ids of the cluster's own lie, in the order in which they were taken.

use crate::database::Connection;
use crate::fault::Failure;
use crate::store::Shared;
use hookwright_core::id::EPOCH_MS;
use hookwright_store::Ids;

/// The place of a moment's first id.
pub(crate) const fn first_of(now_ms: i64) -> i64 {
    let since = now_ms - EPOCH_MS;
    (if since > 0 { since } else { 0 }) << 12
}

/// The id that lies at a place: of node 0, which is the cluster as a whole.
pub(crate) const fn id_at(place: i64) -> i64 {
    (place >> 12) << 22 | (place & 0xfff)
}

/// Whether there is a transaction around a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// There is, and its commit waits for the disk.
    Transaction,
    /// It is one by itself.
    Nothing,
}

/// Places that were taken, and the revision of the catalogue when they were.
pub(crate) struct Taken {
    pub(crate) first: i64,
    pub(crate) revision: i64,
}

/// Takes places for a group, and tells the revision of the catalogue. Where there is no transaction around it, nothing waits for the disk: places are of use only to what is
/// committed after them.
pub(crate) async fn take_with_revision(
    connection: &mut Connection,
    floor: i64,
    amount: usize,
    within: Within,
) -> Result<Taken, Failure> {
    let mode = if within == Within::Nothing { "off" } else { "on" };
    let amount = i64::try_from(amount).unwrap_or(i64::MAX >> 1);
    let row = sqlx::query!(
        r#"SELECT take_places($1, $2) AS "first!", number,
                  set_config('synchronous_commit', $3, true) AS mode
           FROM revision"#,
        floor,
        amount,
        mode
    )
    .fetch_one(connection)
    .await?;
    Ok(Taken { first: row.first, revision: row.number })
}

/// Takes places in the present transaction; returns the first.
pub(crate) async fn take(connection: &mut Connection, floor: i64, amount: usize) -> Result<i64, Failure> {
    let amount = i64::try_from(amount).unwrap_or(i64::MAX >> 1);
    let row = sqlx::query!(r#"SELECT take_places($1, $2) AS "first!""#, floor, amount).fetch_one(connection).await?;
    Ok(row.first)
}

/// Leaves word of the ids that this node has made, so that whoever goes on makes greater ones, whatever the clock says then.
pub(crate) async fn keep(shared: &Shared, connection: &mut Connection) -> Result<(), Failure> {
    let made = shared.ids.lock().next(shared.ids.clock().now_ms());
    take(connection, (made >> 22) << 12 | 0xfff, 1).await?;
    Ok(())
}

/// Has ids go on after all of which there is word.
pub(crate) async fn go_on(ids: &Ids, connection: &mut Connection) -> Result<(), Failure> {
    let row = sqlx::query!("SELECT last_value FROM last_place").fetch_one(connection).await?;
    ids.lock().resume_after(id_at(row.last_value));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookwright_core::id::{IdMaker, created_at_ms};

    #[test]
    fn ids_made_after_a_place_are_the_places_that_follow() {
        let now_ms = EPOCH_MS + 5_000;
        for first in [first_of(now_ms), first_of(now_ms) + 1, first_of(now_ms) + 4_095, first_of(now_ms + 7) + 3] {
            let mut maker = IdMaker::new(0).unwrap();
            maker.resume_after(id_at(first - 1));
            for place in first..first + 10_000 {
                assert_eq!(maker.next(now_ms), id_at(place));
            }
        }
        assert_eq!(created_at_ms(id_at(first_of(now_ms))), now_ms);
    }
}
