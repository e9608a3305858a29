//! The audit chain, which all nodes add to: whoever does holds its end until the commit.

use crate::corrupt::Reading;
use crate::database::Connection;
use crate::fault::Failure;
use hookwright_core::audit::{AuditDraft, link};
use hookwright_core::id::AuditId;

/// Adds entries to the chain, in order, in the present transaction. Their ids begin at `made`, which was made for them, unless that would not ascend along the chain.
pub(crate) async fn add(connection: &mut Connection, drafts: Vec<AuditDraft>, made: i64) -> Result<(), Failure> {
    if drafts.is_empty() {
        return Ok(());
    }
    let end = sqlx::query!("SELECT id, hash FROM audit_end FOR UPDATE").fetch_one(&mut *connection).await?;
    let reading = Reading { table: "audit_end", row: end.id };
    let (mut last, mut previous) = (end.id, reading.hash("hash", &end.hash)?);
    let mut rows = Rows::default();
    for draft in drafts {
        last = made.max(last.saturating_add(1));
        let entry = link(previous, AuditId::from_i64(last).map_err(|_| reading.corrupt("id"))?, draft);
        rows.push(last, &entry.draft, &entry.previous, &entry.hash);
        previous = entry.hash;
    }
    rows.write(connection).await?;
    sqlx::query!("UPDATE audit_end SET id = $1, hash = $2", last, &previous[..]).execute(connection).await?;
    Ok(())
}

/// Entries by their columns.
#[derive(Default)]
struct Rows {
    ids: Vec<i64>,
    at: Vec<i64>,
    actors: Vec<String>,
    actions: Vec<String>,
    targets: Vec<String>,
    reasons: Vec<Option<String>>,
    requests: Vec<Option<String>>,
    details: Vec<String>,
    previous: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
}

impl Rows {
    fn push(&mut self, id: i64, draft: &AuditDraft, previous: &[u8], hash: &[u8]) {
        self.ids.push(id);
        self.at.push(draft.at);
        self.actors.push(draft.actor.clone());
        self.actions.push(draft.action.clone());
        self.targets.push(draft.target.clone());
        self.reasons.push(draft.reason.clone());
        self.requests.push(draft.request_id.clone());
        self.details.push(draft.detail.clone());
        self.previous.push(previous.to_vec());
        self.hashes.push(hash.to_vec());
    }

    async fn write(&self, connection: &mut Connection) -> Result<(), Failure> {
        sqlx::query!(
            "INSERT INTO audit (id, at, actor, action, target, reason, request_id, detail, previous, hash)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])",
            &self.ids,
            &self.at,
            &self.actors,
            &self.actions,
            &self.targets,
            &self.reasons as _,
            &self.requests as _,
            &self.details,
            &self.previous,
            &self.hashes
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
