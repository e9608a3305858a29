//! Notifications to other nodes: coalesced, on a connection of their own, and never within a transaction that matters. They say that it is worth looking, and no more.

use crate::connection::{Line, Purpose};
use crate::store::Shared;
use crate::writer::told;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

/// Subscriptions, sources, keys or plugins changed.
pub(crate) const CATALOGUE: &str = "hookwright_catalogue";
/// A node came or went, or gave shards away.
pub(crate) const NODES: &str = "hookwright_nodes";
/// Everybody may have something to collect.
const ALL: &str = "hookwright_all";
/// Before the number of a node: it has something to collect.
const ONE: &str = "hookwright_node_";
/// Notifications are not sent closer to each other than this: each takes a lock of the whole server.
const APART: Duration = Duration::from_millis(20);
/// How long one may take before the connection is made anew.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to be told, and what was heard.
#[derive(Default)]
pub(crate) struct Notifier {
    waiting: Mutex<BTreeSet<String>>,
    filled: Notify,
    catalogue: Notify,
    nodes: AtomicUsize,
    moved: AtomicBool,
    being_given: Mutex<BTreeSet<i64>>,
}

impl Notifier {
    /// Other nodes have something to collect; those whose number is not known are all told.
    pub(crate) fn left_for(&self, nodes: BTreeSet<i64>) {
        if !nodes.is_empty() {
            self.tell(nodes.into_iter().map(|node| if node == 0 { ALL.to_owned() } else { format!("{ONE}{node}") }));
        }
    }

    /// This node changed the catalogue.
    pub(crate) fn catalogue_changed(&self) {
        self.tell([CATALOGUE.to_owned()]);
    }

    /// This node gave shards away.
    pub(crate) fn shards_given(&self) {
        self.tell([NODES.to_owned()]);
    }

    fn tell(&self, channels: impl IntoIterator<Item = String>) {
        lock(&self.waiting).extend(channels);
        self.filled.notify_one();
    }

    /// Another node changed the catalogue: the keeper looks.
    pub(crate) fn hear_catalogue(&self) {
        self.catalogue.notify_one();
    }

    /// A node came or went, or gave shards away: the keeper looks at once.
    pub(crate) fn hear_nodes(&self) {
        self.moved.store(true, Ordering::SeqCst);
        self.catalogue.notify_one();
    }

    /// Whether nodes came, went or gave shards away since this was last asked.
    pub(crate) fn have_nodes_moved(&self) -> bool {
        self.moved.swap(false, Ordering::SeqCst)
    }

    /// Waits for [`Self::hear_catalogue`] or [`Self::hear_nodes`].
    pub(crate) async fn heard_of_catalogue(&self) {
        self.catalogue.notified().await;
    }

    /// Notes how many nodes live.
    pub(crate) fn note_nodes(&self, live: usize) {
        self.nodes.store(live, Ordering::Relaxed);
    }

    /// Whether there is no other node.
    pub(crate) fn is_alone(&self) -> bool {
        self.nodes.load(Ordering::Relaxed) <= 1
    }

    /// Shards that are on record as this node's and are about to be given away.
    pub(crate) fn being_given(&self) -> BTreeSet<i64> {
        lock(&self.being_given).clone()
    }

    /// Notes that shards are about to be given away.
    pub(crate) fn giving(&self, shards: &[i64]) {
        lock(&self.being_given).extend(shards);
    }

    /// Notes that they were, or that it failed.
    pub(crate) fn given(&self, shards: &[i64]) {
        let mut being_given = lock(&self.being_given);
        being_given.retain(|shard| !shards.contains(shard));
    }
}

/// The channels that a node listens to.
pub(crate) fn channels(node: i64) -> [String; 4] {
    [CATALOGUE.to_owned(), NODES.to_owned(), ALL.to_owned(), format!("{ONE}{node}")]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The sets are whole at every moment: a panic elsewhere cannot have left one half-changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends what is to be told until it is told to end.
pub(crate) async fn send(shared: Arc<Shared>, mut end: watch::Receiver<bool>) {
    let mut line = Line::new(shared.door.clone(), Purpose::Any);
    loop {
        tokio::select! {
            () = told(&mut end) => return,
            () = shared.notifier.filled.notified() => {}
        }
        let channels: Vec<String> = std::mem::take(&mut *lock(&shared.notifier.waiting)).into_iter().collect();
        let sent = async {
            sqlx::query!("SELECT pg_notify(channel, '') FROM unnest($1::text[]) AS channel", &channels)
                .execute(line.get().await?)
                .await?;
            Ok::<(), crate::fault::Failure>(())
        };
        if !matches!(timeout(PATIENCE, sent).await, Ok(Ok(()))) {
            // Whoever was not told looks by itself a moment later.
            line.drop_connection();
        }
        sleep(APART).await;
    }
}
