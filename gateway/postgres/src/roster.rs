//! The catalogue in memory, kept as it is on record though other nodes change it too.

use crate::catalog;
use crate::database::Connection;
use crate::directory::Update;
use crate::fault::Failure;
use crate::store::Shared;
use arc_swap::ArcSwap;
use hookwright_core::catalogue;
use hookwright_core::delivery_options::Ordering as DeliveryOrdering;
use hookwright_core::id::SubscriptionId;
use hookwright_core::pattern::EventType;
use hookwright_core::subscription::Subscription;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// Which revision of the catalogue is in memory, and what follows from it.
#[derive(Default)]
pub(crate) struct Roster {
    revision: AtomicI64,
    /// Whoever replaces what is in memory holds this.
    replacing: Mutex<()>,
    /// The subscriptions whose deliveries this node makes.
    pub(crate) served: ArcSwap<Vec<Arc<Subscription>>>,
    notes: ArcSwap<Notes>,
}

/// What a group must know of the subscriptions as a whole.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Those that keep an order.
    ordered: HashSet<SubscriptionId>,
    /// How many want one of the gateway's own events at most.
    pub(crate) catalogue_fan_out: usize,
}

impl Notes {
    fn of(subscriptions: &[Arc<Subscription>]) -> Self {
        let ordered = subscriptions.iter().filter(|one| one.options.ordering == DeliveryOrdering::Key);
        let wanted = |event_type: &EventType| subscriptions.iter().filter(|one| one.wants(event_type)).count();
        let types =
            catalogue::CATALOGUE.iter().filter_map(|entry| EventType::try_new(entry.event_type.to_owned()).ok());
        Self {
            ordered: ordered.map(|one| one.id).collect(),
            catalogue_fan_out: types.map(|event_type| wanted(&event_type)).max().unwrap_or(0),
        }
    }

    /// Whether a subscription keeps an order.
    pub(crate) fn keeps_order(&self, id: SubscriptionId) -> bool {
        self.ordered.contains(&id)
    }
}

impl Roster {
    /// What is in memory.
    pub(crate) fn revision(&self) -> i64 {
        self.revision.load(Ordering::SeqCst)
    }

    /// What a group must know of the subscriptions.
    pub(crate) fn notes(&self) -> Arc<Notes> {
        self.notes.load_full()
    }

    /// Takes this node's own changes, which made the revision what it is.
    pub(crate) async fn apply(&self, shared: &Shared, updates: Vec<Update>, revision: i64) {
        let held = self.replacing.lock().await;
        // Somebody may have read it all again since the commit.
        if self.revision() >= revision {
            return;
        }
        for update in updates {
            shared.directory.apply(update);
        }
        self.settle(&held, shared, revision);
    }

    /// Everything that follows from what is in memory now.
    fn settle(&self, _held: &MutexGuard<'_, ()>, shared: &Shared, revision: i64) {
        self.notes.store(Arc::new(Notes::of(&shared.directory.subscriptions.load())));
        self.revision.store(revision, Ordering::SeqCst);
        self.recount(shared);
    }

    /// Works out what this node serves; the dispatcher hears of it if that changed.
    pub(crate) fn recount(&self, shared: &Shared) {
        let all = shared.directory.subscriptions.load();
        let served: Vec<_> = all.iter().filter(|one| shared.shards.owns(one.id.get())).cloned().collect();
        let before = self.served.load();
        let is_same = before.len() == served.len() && before.iter().zip(&served).all(|(a, b)| Arc::ptr_eq(a, b));
        if !is_same {
            self.served.store(Arc::new(served));
            shared.handover.turn();
        }
    }

    /// Counts again what is served, after shards came or went.
    pub(crate) async fn shards_moved(&self, shared: &Shared) {
        let _held = self.replacing.lock().await;
        self.recount(shared);
    }
}

/// Brings memory up to a revision that was read, if it is behind.
pub(crate) async fn catch_up(shared: &Shared, connection: &mut Connection, seen: i64) -> Result<(), Failure> {
    let roster = &shared.roster;
    if roster.revision() >= seen {
        return Ok(());
    }
    let held = roster.replacing.lock().await;
    if roster.revision() >= seen {
        return Ok(());
    }
    load(shared, connection, &held).await?;
    shared.changed.notify_one();
    Ok(())
}

/// Reads the catalogue for the first time.
pub(crate) async fn begin(shared: &Shared, connection: &mut Connection) -> Result<(), Failure> {
    let held = shared.roster.replacing.lock().await;
    load(shared, connection, &held).await
}

async fn load(shared: &Shared, connection: &mut Connection, held: &MutexGuard<'_, ()>) -> Result<(), Failure> {
    // The number first: what is read after it is of that revision or a later one.
    let row = sqlx::query!("SELECT number FROM revision").fetch_one(&mut *connection).await?;
    let subscriptions = catalog::subscription::load(&mut *connection, &shared.sealer).await?;
    let before: HashMap<_, _> =
        shared.directory.subscriptions.load().iter().map(|one| (one.id, Arc::clone(one))).collect();
    // One that did not change stays what it is, connections to its subscriber included.
    let kept = subscriptions.into_iter().map(|new| match before.get(&new.id) {
        Some(old) if old.version == new.version => Arc::clone(old),
        _ => new,
    });
    shared.directory.subscriptions.store(Arc::new(kept.collect()));
    shared.directory.sources.store(Arc::new(catalog::source::load(&mut *connection, &shared.sealer).await?));
    shared.directory.keys.store(Arc::new(catalog::key::load(connection).await?));
    shared.roster.settle(held, shared, row.number);
    Ok(())
}
