//! The port of retention: what is older than it need be goes, a bounded number of rows at a time.

use crate::future::Answering;
use hookwright_core::id::AuditId;
use std::time::Duration;

/// Records that are kept for a time of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// Events, with their deliveries and those's attempts. An event with a delivery that is pending stays, whatever its age.
    Events,
    /// Attempts of deliveries that ended, while the delivery stays.
    Attempts,
    /// Partners' messages that came to an end: processed, ignored or rejected.
    Messages,
    /// Partners' messages that did not: quarantined, waiting or held. Each one that goes is named in the audit.
    UnfinishedMessages,
    /// Entries of the audit, from the oldest on. The newest stays, whatever its age.
    Audit,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Events, Self::Attempts, Self::Messages, Self::UnfinishedMessages, Self::Audit];

    /// The word used in settings, the API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Attempts => "attempts",
            Self::Messages => "messages",
            Self::UnfinishedMessages => "unfinished_messages",
            Self::Audit => "audit",
        }
    }
}

/// What is to go.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// Records of this kind …
    pub kind: RecordKind,
    /// … that are older than this, unix milliseconds: messages by their last change, everything else by its creation …
    pub before_ms: i64,
    /// … with ids above this one: zero, or where [`Pruned::next`] says.
    pub after: i64,
    /// About how many rows are looked at and removed in the one transaction this is.
    pub limit: u32,
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records of the kind.
    pub removed: u64,
    /// Rows, with those that belonged to them.
    pub rows: u64,
    /// The id after which to go on; `None` at the end.
    pub next: Option<i64>,
    /// How long it kept the store from anything else.
    pub took: Duration,
}

/// How much of a kind there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// When the oldest record was made, unix milliseconds; `None` if there is none.
    pub oldest_ms: Option<i64>,
    /// Records of the age that was asked about, those included that stay for another reason; counted up to the limit.
    pub expired: u32,
}

/// The last entry that was removed from the audit's beginning: the first that is left names its hash as the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditAnchor {
    /// Its id.
    pub id: AuditId,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Removes what is old, and tells how much of it there is.
pub trait Retention: Send + Sync + 'static {
    /// Removes some of what is old, between other commits. What is pending is never removed, nor is a message that a repeat of it would be recognised by.
    fn prune(&self, prune: Prune) -> Answering<'_, Pruned>;

    /// The oldest of a kind, and how many are older than `before_ms` and have ids above `after`, up to `limit`.
    fn stock(&self, kind: RecordKind, before_ms: i64, after: i64, limit: u32) -> Answering<'_, Stock>;

    /// Where the audit begins, if something was removed from its beginning.
    fn audit_anchor(&self) -> Answering<'_, Option<AuditAnchor>>;
}
