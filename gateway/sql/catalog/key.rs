//! API keys: their hashes, and what they may do.

use super::claim;
use crate::corrupt::Reading;
use crate::database::Connection;
use crate::desk::Desk;
use crate::directory::Update;
use crate::fault::Failure;
use crate::parcel::json;
use hookwright_core::id::KeyId;
use hookwright_core::idempotency::Claimed;
use hookwright_store::{Change, KeyRecord, KeyScope, Saved};

/// Every key that is not revoked, newest first.
pub(crate) async fn load(connection: &mut Connection) -> Result<Vec<KeyRecord>, Failure> {
    let rows = sqlx::query!(
        "SELECT id, name, hash, scopes, expires_at, created_at FROM api_key WHERE revoked = 0 ORDER BY id DESC"
    )
    .fetch_all(connection)
    .await?;
    let read = rows.into_iter().map(|row| {
        let reading = Reading { table: "api_key", row: row.id };
        let words: Vec<String> = reading.json("scopes", &row.scopes)?;
        let scopes = words.iter().map(|word| reading.word("scopes", KeyScope::from_word(word)));
        Ok(KeyRecord {
            id: reading.id("id", row.id)?,
            name: row.name,
            hash: reading.hash("hash", &row.hash)?,
            scopes: scopes.collect::<Result<_, _>>()?,
            expires_at: row.expires_at,
            revoked: false,
            created_at: row.created_at,
        })
    });
    read.collect()
}

pub(super) async fn create(desk: &mut Desk, key: KeyRecord, change: Change) -> Result<Saved<KeyRecord>, Failure> {
    if let Some(prior) = claim::prior(desk, &change).await? {
        return Ok(prior);
    }
    let (id, hash) = (key.id.get(), &key.hash[..]);
    let scopes = json(&key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>());
    let revoked = i64::from(key.revoked);
    sqlx::query!(
        "INSERT INTO api_key (id, name, hash, scopes, expires_at, revoked, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id,
        key.name,
        hash,
        scopes,
        key.expires_at,
        revoked,
        key.created_at
    )
    .execute(&mut desk.connection)
    .await?;
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    desk.updates.push(Update::Key(key.clone()));
    Ok(Claimed::Fresh(key))
}

pub(super) async fn revoke(desk: &mut Desk, id: KeyId, change: Change) -> Result<bool, Failure> {
    let number = id.get();
    let revoked = sqlx::query!("UPDATE api_key SET revoked = 1 WHERE id = $1 AND revoked = 0", number)
        .execute(&mut desk.connection)
        .await?;
    if revoked.rows_affected() == 0 {
        return Ok(false);
    }
    desk.updates.push(Update::NoKey(id));
    claim::keep(desk, &change).await?;
    desk.audit(change.audit).await?;
    Ok(true)
}
