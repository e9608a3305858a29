//! Which subscriptions are this node's, and until when.

use hookwright_core::id::SubscriptionId;
use hookwright_store::Permit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Shares of the way out.
pub(crate) const SHARDS: usize = 1024;
/// Before its lease ends, a node sends nothing more for so long: what it began must be over when another node begins.
pub(crate) const FENCE: Duration = Duration::from_secs(2);
/// A group whose deliveries go to the dispatcher from memory must be committed within this time before the lease ends; otherwise they go by the table.
const COMMIT: Duration = Duration::from_secs(4);

/// The shard of a subscription: a fixed function of its id (the finalizer of `SplitMix64`), the same in every version of the program.
pub(crate) const fn shard_of(subscription: i64) -> usize {
    let mut x = subscription.cast_unsigned();
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x & 1023) as usize
}

/// One shard as this node sees it.
struct Shard {
    mine: AtomicBool,
    /// The node that is believed to own it; 0 if none is known.
    owner: AtomicI64,
    under_way: Arc<AtomicUsize>,
}

/// All shards, and the lease on those that are this node's.
pub(crate) struct Shards {
    all: Vec<Shard>,
    began: Instant,
    /// When the lease ends, in microseconds after `began`.
    lease_until: AtomicU64,
}

impl Shards {
    /// Nothing is owned.
    pub(crate) fn none() -> Self {
        let shard = || Shard { mine: AtomicBool::new(false), owner: AtomicI64::new(0), under_way: Arc::default() };
        Self { all: (0..SHARDS).map(|_| shard()).collect(), began: Instant::now(), lease_until: AtomicU64::new(0) }
    }

    /// The lease lasts until then.
    pub(crate) fn extend(&self, until: Instant) {
        let micros = until.saturating_duration_since(self.began).as_micros();
        self.lease_until.store(u64::try_from(micros).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// When this node stops sending, unless it is heard of before.
    pub(crate) fn fence_at(&self) -> Instant {
        let until = Duration::from_micros(self.lease_until.load(Ordering::SeqCst));
        self.began + until.saturating_sub(FENCE)
    }

    /// Whether the lease is good for sending.
    pub(crate) fn is_held(&self) -> bool {
        Instant::now() < self.fence_at()
    }

    /// Whether a subscription is this node's.
    pub(crate) fn owns(&self, subscription: i64) -> bool {
        self.all[shard_of(subscription)].mine.load(Ordering::SeqCst)
    }

    /// Whether what is committed for a subscription within the next seconds may go to this node's dispatcher from memory.
    pub(crate) fn owns_for_a_commit(&self, subscription: i64) -> bool {
        let until = Duration::from_micros(self.lease_until.load(Ordering::SeqCst));
        self.owns(subscription) && Instant::now() + COMMIT < self.began + until
    }

    /// Leave to send to a subscription.
    pub(crate) fn permit(&self, subscription: SubscriptionId) -> Option<Permit> {
        let shard = &self.all[shard_of(subscription.get())];
        // Counted first and looked at then: whoever gives the shard away looks at the count after it has taken the mark away.
        let permit = Permit::counted(Arc::clone(&shard.under_way));
        (shard.mine.load(Ordering::SeqCst) && self.is_held()).then_some(permit)
    }

    /// Those that are owned.
    pub(crate) fn mine(&self) -> Vec<i64> {
        let mine = self.all.iter().zip(0..).filter(|(shard, _)| shard.mine.load(Ordering::SeqCst));
        mine.map(|(_, id)| id).collect()
    }

    /// Marks a shard as this node's, or not.
    pub(crate) fn mark(&self, id: i64, mine: bool) {
        if let Some(shard) = usize::try_from(id).ok().and_then(|id| self.all.get(id)) {
            shard.mine.store(mine, Ordering::SeqCst);
        }
    }

    /// Exchanges under way for a shard.
    pub(crate) fn under_way(&self, id: i64) -> usize {
        let shard = usize::try_from(id).ok().and_then(|id| self.all.get(id));
        shard.map_or(0, |shard| shard.under_way.load(Ordering::SeqCst))
    }

    /// Notes who owns a shard.
    pub(crate) fn note_owner(&self, id: i64, owner: Option<i64>) {
        if let Some(shard) = usize::try_from(id).ok().and_then(|id| self.all.get(id)) {
            shard.owner.store(owner.unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// The node that is believed to own a shard.
    pub(crate) fn owner(&self, id: usize) -> i64 {
        self.all.get(id).map_or(0, |shard| shard.owner.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_a_subscription_never_changes() {
        // Written down when the first version was made: rows of the table of hand-overs name shards.
        let shards: Vec<usize> = [1, 2, 3, 4_503_599_627_370_496, i64::MAX].into_iter().map(shard_of).collect();
        assert_eq!(shards, [485, 138, 240, 304, 701]);
    }

    #[test]
    fn subscriptions_spread_evenly() {
        let mut counts = vec![0_u32; SHARDS];
        // Ids as they are made: apart by milliseconds, all of one node.
        (0..102_400_i64).for_each(|n| counts[shard_of((n * 7) << 22 | 5 << 12)] += 1);
        assert!(counts.iter().all(|count| (50..160).contains(count)), "{:?}", counts.iter().max());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_in_the_last_seconds_of_a_lease() {
        let shards = Shards::none();
        let subscription = SubscriptionId::from_i64(5).unwrap();
        shards.extend(Instant::now() + Duration::from_secs(10));
        assert!(shards.permit(subscription).is_none(), "it is nobody's");
        let shard = i64::try_from(shard_of(5)).unwrap();
        shards.mark(shard, true);
        let permit = shards.permit(subscription).unwrap();
        assert_eq!(shards.under_way(shard), 1);
        assert!(shards.owns_for_a_commit(5));
        tokio::time::advance(Duration::from_millis(6_500)).await;
        assert!(!shards.owns_for_a_commit(5) && shards.permit(subscription).is_some());
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert!(shards.permit(subscription).is_none());
        drop(permit);
        assert_eq!(shards.under_way(shard), 0);
    }
}
