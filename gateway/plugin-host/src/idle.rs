//! Instances that wait for another call of the same plugin: one thread's, few, and not for long.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::context::CallContext;
use crate::instance::Instance;
use crate::limits::CallLimits;
use crate::version::PluginVersion;
use crate::wasi::Circumstances;

/// Instances that one thread keeps. The engine has slots for them.
pub(crate) const IDLE_MAX: usize = 4;
/// Linear memory that they hold together, in bytes.
const IDLE_BYTES_MAX: usize = 64 << 20;
/// How long one waits.
const IDLE_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a thread that has nothing to do looks whether any should go.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_millis(250);

/// Whose an instance is. State never crosses from one version, plugin or binding to another: what a guest remembers of
/// one partner's data, it must not be able to tell another.
pub(crate) struct Owner {
    /// Holds the version's address, so that no other version can have it, and not the version.
    version: Weak<PluginVersion>,
    plugin: String,
    binding_id: String,
}

impl Owner {
    /// The owner of a call's instance, if the instance may serve others.
    pub(crate) fn of(version: &Arc<PluginVersion>, context: &CallContext, limits: &CallLimits) -> Option<Self> {
        (limits.reuse > 1).then(|| Self {
            version: Arc::downgrade(version),
            plugin: context.plugin.clone(),
            binding_id: context.binding_id.clone(),
        })
    }

    fn is(&self, other: &Self) -> bool {
        self.version.ptr_eq(&other.version) && self.plugin == other.plugin && self.binding_id == other.binding_id
    }

    fn is_gone(&self) -> bool {
        self.version.strong_count() == 0
    }
}

struct Kept {
    owner: Owner,
    instance: Instance,
    since: Instant,
}

/// The instances that one thread keeps, the one that has waited longest first.
pub(crate) struct Idle {
    kept: RefCell<VecDeque<Kept>>,
    /// Of all threads.
    count: Arc<AtomicUsize>,
}

impl Idle {
    pub(crate) fn new(count: Arc<AtomicUsize>) -> Self {
        Self { kept: RefCell::default(), count }
    }

    /// An instance of this owner's for a call with these limits, renewed.
    pub(crate) fn take(&self, owner: &Owner, circumstances: &Circumstances, limits: &CallLimits) -> Option<Instance> {
        let mut kept = self.kept.borrow_mut();
        // The youngest is the likeliest to be in the processor's caches.
        let at = kept.iter().rposition(|it| it.owner.is(owner))?;
        let Kept { mut instance, .. } = kept.remove(at)?;
        self.count.fetch_sub(1, Ordering::Relaxed);
        if !instance.fits(limits) || instance.is_spent(limits) {
            return None;
        }
        instance.renew(circumstances.clone(), limits);
        Some(instance)
    }

    /// Keeps an instance, and lets others go if there are too many or they are too large.
    pub(crate) fn put(&self, owner: Owner, instance: Instance) {
        self.kept.borrow_mut().push_back(Kept { owner, instance, since: Instant::now() });
        self.count.fetch_add(1, Ordering::Relaxed);
        while self.is_overfull() {
            self.drop_oldest();
        }
    }

    /// Lets go of instances that have waited too long, and of those whose version is gone.
    pub(crate) fn sweep(&self) {
        let mut kept = self.kept.borrow_mut();
        let before = kept.len();
        kept.retain(|it| !it.owner.is_gone() && it.since.elapsed() < IDLE_TIME_MAX);
        self.count.fetch_sub(before - kept.len(), Ordering::Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.borrow().is_empty()
    }

    fn is_overfull(&self) -> bool {
        let kept = self.kept.borrow();
        let bytes: usize = kept.iter().map(|it| it.instance.guest().memory_bytes()).sum();
        kept.len() > IDLE_MAX || bytes > IDLE_BYTES_MAX
    }

    fn drop_oldest(&self) {
        if self.kept.borrow_mut().pop_front().is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.count.fetch_sub(self.kept.borrow().len(), Ordering::Relaxed);
    }
}
