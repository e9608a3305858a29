//! A stretch of ids, and what was looked at in it.

use crate::parcel::json;
use hookwright_core::id::first_at_ms;
use hookwright_store::Pruned;

/// Ids above one and below another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) after: i64,
    pub(super) end: i64,
}

impl Range {
    pub(super) fn new(after: i64, before_ms: i64) -> Self {
        Self { after, end: first_at_ms(before_ms) }
    }
}

/// Rows that were looked at, as one list of ids for those that go and where to go on after all of them.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) going: Vec<i64>,
    pub(super) last: i64,
    pub(super) seen: i64,
}

impl Looked {
    pub(super) fn at(&mut self, id: i64, goes: bool) {
        self.seen += 1;
        self.last = id;
        if goes {
            self.going.push(id);
        }
    }

    pub(super) fn ids(&self) -> String {
        json(&self.going)
    }

    pub(super) fn next(&self, limit: i64) -> Option<i64> {
        (self.seen >= limit).then_some(self.last)
    }

    pub(super) fn pruned(&self, limit: i64) -> Pruned {
        let removed = self.going.len() as u64;
        Pruned { removed, rows: removed, next: self.next(limit), ..Pruned::default() }
    }
}
