//! What readers ask of the writer: a word in the audit, and whether it is well.

use crate::command::Command;
use crate::desk::Desk;
use crate::fault::Failure;
use crate::store::{Shared, SqliteStore};
use hookwright_core::audit::AuditDraft;
use hookwright_store::StoreError;

impl SqliteStore {
    /// Adds an entry to the audit that belongs to no change.
    pub(crate) async fn note_down(&self, entry: AuditDraft) -> Result<(), StoreError> {
        self.put(|reply| Command::Record(Box::new(entry), reply)).await
    }

    /// Asks readers for a row, and the writer for one only after it found no room: a commit that succeeds is what clears that.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        let Shared { health, queue, reads, .. } = &*self.shared;
        if let Some(why) = health.broken() {
            return Err(StoreError::NotWritable(why.to_string()));
        }
        if queue.sender.is_closed() {
            return Err(StoreError::Closed);
        }
        sqlx::query("SELECT 1").execute(reads).await.map_err(Failure::from)?;
        if health.strained().is_some() {
            self.alone(|desk| Box::pin(touch(desk))).await?;
        }
        Ok(())
    }
}

async fn touch(desk: &mut Desk) -> Result<(), Failure> {
    let now = desk.now_ms().to_be_bytes().to_vec();
    sqlx::query!(
        "INSERT INTO meta (name, value) VALUES ('probed_at', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        now
    )
    .execute(&mut desk.connection)
    .await?;
    Ok(())
}
