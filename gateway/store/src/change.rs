//! The circumstances of a change: who, why, and whether it was asked for before.

use hookwright_core::audit::AuditDraft;
use hookwright_core::idempotency::{Claim, StoredAnswer};

/// What goes with every administrative change, in its transaction.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the audit says of it.
    pub audit: AuditDraft,
    /// The claim on an idempotency key and the answer to remember under it, where the client named one.
    pub claim: Option<(Claim, StoredAnswer)>,
}
