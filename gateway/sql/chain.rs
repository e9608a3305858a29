//! The end of the audit chain, which only the writer knows and moves.

use hookwright_core::audit::{AuditDraft, AuditEntry, link};
use hookwright_core::id::{AuditId, IdMaker};

/// The hash of the last entry that is committed; zeroes before the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    last: [u8; 32],
}

impl Chain {
    pub(crate) const fn from(last: [u8; 32]) -> Self {
        Self { last }
    }

    /// Links drafts to the chain, in order. The chain moves on: if their transaction fails, put back a copy from before.
    pub(crate) fn link_all(&mut self, ids: &mut IdMaker, now_ms: i64, drafts: Vec<AuditDraft>) -> Vec<AuditEntry> {
        drafts.into_iter().map(|draft| self.link(ids.make::<AuditId>(now_ms), draft)).collect()
    }

    /// Links one draft.
    pub(crate) fn link(&mut self, id: AuditId, draft: AuditDraft) -> AuditEntry {
        let entry = link(self.last, id, draft);
        self.last = entry.hash;
        entry
    }
}
