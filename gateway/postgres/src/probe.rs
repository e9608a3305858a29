//! What readers ask of the rest: a word in the audit, and whether this node is well.

use crate::desk::Desk;
use crate::fault::Failure;
use crate::store::PostgresStore;
use hookwright_core::audit::AuditDraft;
use hookwright_store::StoreError;

impl PostgresStore {
    /// Adds an entry to the audit that belongs to no change.
    pub(crate) async fn note_down(&self, entry: AuditDraft) -> Result<(), StoreError> {
        self.alone(move |desk: &mut Desk| Box::pin(desk.audit(entry))).await
    }

    /// Whether the database answers and can be written, and this node's lease is good.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
        if self.shared.desk.is_closed() {
            return Err(StoreError::Closed);
        }
        let row = sqlx::query!(r#"SELECT pg_is_in_recovery() AS "standby!""#);
        let row = row.fetch_one(&self.shared.reads).await.map_err(Failure::from)?;
        if row.standby {
            return Err(StoreError::NotWritable("the database has become a standby, which only reads".to_owned()));
        }
        if !self.shared.shards.is_held() {
            return Err(StoreError::Unavailable("this node's lease has ended".into()));
        }
        Ok(())
    }
}
