//! Retention.

use crate::store::PostgresStore;
use hookwright_store::{Answering, AuditAnchor, Prune, Pruned, RecordKind, Retention, Stock, StoreError};

impl Retention for PostgresStore {
    fn prune(&self, _prune: Prune) -> Answering<'_, Pruned> {
        Box::pin(async { Err(StoreError::Unavailable("not yet".into())) })
    }

    fn stock(&self, _kind: RecordKind, _before_ms: i64, _after: i64, _limit: u32) -> Answering<'_, Stock> {
        Box::pin(async { Err(StoreError::Unavailable("not yet".into())) })
    }

    fn audit_anchor(&self) -> Answering<'_, Option<AuditAnchor>> {
        Box::pin(async { Err(StoreError::Unavailable("not yet".into())) })
    }
}
