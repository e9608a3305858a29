//! What every publication, reception and request asks for: subscriptions, sources and keys, in memory as of the last commit.

use arc_swap::ArcSwap;
use hookwright_core::id::{KeyId, SourceId, SubscriptionId};
use hookwright_core::source::Source;
use hookwright_core::subscription::Subscription;
use hookwright_store::KeyRecord;
use std::sync::Arc;

/// Read by all, replaced by the writer right after a commit.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) subscriptions: ArcSwap<Vec<Arc<Subscription>>>,
    pub(crate) sources: ArcSwap<Vec<Arc<Source>>>,
    pub(crate) keys: ArcSwap<Vec<KeyRecord>>,
}

/// One change to it, which takes effect when its transaction is committed.
#[derive(Debug)]
pub(crate) enum Update {
    /// A subscription is new, or another than it was.
    Subscription(Arc<Subscription>),
    /// A subscription is gone.
    NoSubscription(SubscriptionId),
    /// A source is new, or another than it was.
    Source(Arc<Source>),
    /// A source is gone.
    NoSource(SourceId),
    /// A key is new.
    Key(KeyRecord),
    /// A key was revoked.
    NoKey(KeyId),
    /// A plugin changed, which is not kept here; whoever shares the database reads it again.
    Plugin,
}

impl Directory {
    pub(crate) fn subscription(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.subscriptions.load().iter().find(|subscription| subscription.id == id).cloned()
    }

    pub(crate) fn source(&self, id: SourceId) -> Option<Arc<Source>> {
        self.sources.load().iter().find(|source| source.id == id).cloned()
    }

    /// Applies a change. Only the writer calls this, so that reading, changing and storing a list is one step.
    pub(crate) fn apply(&self, update: Update) {
        match update {
            Update::Subscription(new) => put(&self.subscriptions, |old| old.id == new.id, Arc::clone(&new)),
            Update::NoSubscription(id) => drop_where(&self.subscriptions, |old| old.id == id),
            Update::Source(new) => put(&self.sources, |old| old.id == new.id, Arc::clone(&new)),
            Update::NoSource(id) => drop_where(&self.sources, |old| old.id == id),
            // Keys are listed newest first.
            Update::Key(new) => {
                let mut keys = vec![new];
                keys.extend(self.keys.load().iter().cloned());
                self.keys.store(Arc::new(keys));
            }
            Update::Plugin => {}
            Update::NoKey(id) => drop_where(&self.keys, |old| old.id == id),
        }
    }
}

fn put<T: Clone>(list: &ArcSwap<Vec<T>>, is_old: impl Fn(&T) -> bool, new: T) {
    let mut all = Vec::clone(&list.load());
    match all.iter_mut().find(|old| is_old(old)) {
        Some(old) => *old = new,
        None => all.push(new),
    }
    list.store(Arc::new(all));
}

fn drop_where<T: Clone>(list: &ArcSwap<Vec<T>>, is_old: impl Fn(&T) -> bool) {
    let kept = list.load().iter().filter(|item| !is_old(item)).cloned().collect();
    list.store(Arc::new(kept));
}
