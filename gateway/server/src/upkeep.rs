//! Background tasks: what nobody asks for and has to happen all the same.
//!
//! Waiting messages are resumed when their customer is known, quarantined ones when another version of their plugin serves; establishments expire when their time is up;
//! de-duplication keys are forgotten, and records go that are older than they need be. Each task looks at the store first and waits afterwards, so that a restart finds what was left; a nudge only shortens the wait.
//! Of nodes that share a store, one leads and does what time brings; each does what it was nudged for itself.

mod announce;
mod backoff;
mod expiry;
mod heartbeat;
mod keys;
mod notices;
mod own_event;
mod quarantine;
mod retention;
mod waiting;

pub use retention::{Progress, Retention, Run};

use crate::config::RetentionConfig;
use crate::plugins::{Plugins, PluginsBusy};
use crate::problem::chain;
use backoff::Backoff;
use hookwright_core::id::SourceId;
use hookwright_store::{Clock, Store, StoreError};
use quarantine::Todo;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How often a node that does not lead looks whether it does by now.
const LEAD_LOOK: Duration = Duration::from_secs(1);
/// How often the node that leads looks for what others may have left to do.
const SHARED_LOOK: Duration = Duration::from_secs(5);

/// What the tasks work with.
#[derive(Clone)]
struct Parts {
    store: Arc<dyn Store>,
    plugins: Arc<Plugins>,
    clock: Arc<dyn Clock>,
    retention: Arc<Retention>,
}

/// A handle on the background tasks. They end when it is stopped, or the last handle is gone.
#[derive(Clone, Debug)]
pub struct Upkeep {
    signals: Arc<Signals>,
    shutdown: watch::Sender<bool>,
    retention: Arc<Retention>,
    /// Each task holds one share while it runs.
    alive: Weak<()>,
    whole: Arc<AsyncMutex<Option<JoinHandle<()>>>>,
}

/// What the tasks are told.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    customer: Notify,
    establishment: Notify,
    quarantine: Notify,
    todo: Mutex<Todo>,
    never: Notify,
    announce: Notify,
    notices: Arc<Notify>,
    silences: heartbeat::Told,
    source: Notify,
}

impl Signals {
    /// A message that was taken up again did something: others may have waited for it.
    pub(crate) fn message_processed(&self) {
        self.customer.notify_one();
        self.establishment.notify_one();
    }

    /// A pointer of a plugin moved: messages may be quarantined for the version that serves now, and a quarantine be untold.
    pub(crate) fn plugin_moved(&self, name: &str) {
        self.todo.lock().unwrap_or_else(PoisonError::into_inner).plugin(name);
        self.quarantine.notify_one();
        self.announce.notify_one();
    }
}

/// Why a round was not finished; it is tried again.
#[derive(Debug, thiserror::Error)]
enum ChoreError {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("the plugin host is busy")]
    Busy(#[from] PluginsBusy),
    #[error("a round changed nothing of what there is to do")]
    Stuck,
}

#[derive(Clone, Copy, Debug)]
enum Chore {
    Waiting,
    Quarantine,
    Expiry,
    Keys,
    Announce,
    Notices,
    Heartbeat,
    Retention,
}

impl Chore {
    const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Quarantine,
        Self::Expiry,
        Self::Keys,
        Self::Announce,
        Self::Notices,
        Self::Heartbeat,
        Self::Retention,
    ];

    /// Does what there is to do, and says how long there is nothing more unless a nudge comes.
    async fn round(self, parts: &Parts, signals: &Signals) -> Result<Duration, ChoreError> {
        match self {
            Self::Waiting => waiting::round(parts).await,
            Self::Quarantine => quarantine::round(parts, &signals.todo).await,
            Self::Expiry => expiry::round(parts).await,
            Self::Keys => keys::round(parts).await,
            Self::Announce => announce::round(parts).await,
            Self::Notices => notices::round(parts).await,
            Self::Heartbeat => heartbeat::round(parts, &signals.silences).await,
            Self::Retention => retention::round(parts).await,
        }
    }

    fn nudge(self, signals: &Signals) -> &Notify {
        match self {
            Self::Waiting => &signals.customer,
            Self::Quarantine => &signals.quarantine,
            Self::Expiry => &signals.establishment,
            Self::Keys | Self::Retention => &signals.never,
            Self::Announce => &signals.announce,
            Self::Notices => &signals.notices,
            Self::Heartbeat => &signals.source,
        }
    }

    /// What a message did that was taken up again may be what another task waits for.
    fn pass_on(self, signals: &Signals) {
        match self {
            Self::Quarantine => {
                signals.customer.notify_one();
                signals.establishment.notify_one();
            }
            Self::Waiting => signals.establishment.notify_one(),
            Self::Expiry | Self::Keys | Self::Announce | Self::Notices | Self::Heartbeat | Self::Retention => {}
        }
    }

    async fn run(self, parts: Parts, signals: Arc<Signals>, mut shutdown: watch::Receiver<bool>, _alive: Arc<()>) {
        let work = async {
            let mut backoff = Backoff::default();
            let mut nudged = false;
            loop {
                // What nobody has nudged is one node's to do.
                if !nudged && !parts.store.leads() {
                    nudged = tokio::time::timeout(LEAD_LOOK, self.nudge(&signals).notified()).await.is_ok();
                    continue;
                }
                match self.round(&parts, &signals).await {
                    Ok(pause) => {
                        backoff.reset();
                        self.pass_on(&signals);
                        // What other nodes did nudges nobody here.
                        let pause = if parts.store.is_shared() { pause.min(SHARED_LOOK) } else { pause };
                        // A nudge that came during the round is not lost: it ends the wait at once.
                        nudged = tokio::time::timeout(pause, self.nudge(&signals).notified()).await.is_ok();
                    }
                    Err(error) => {
                        let pause = backoff.next();
                        tracing::warn!(task = ?self, error = %chain(&error), again_in = ?pause, "background task failed");
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        };
        // What a round has submitted takes place even if nobody waits for the answer.
        tokio::select! {
            () = work => {}
            () = async { drop(shutdown.wait_for(|stop| *stop).await) } => {}
        }
    }
}

impl Upkeep {
    /// Starts the tasks, on the runtime of the caller. `noticed` tells that a notice to operators was left in the store.
    pub fn start(
        store: Arc<dyn Store>,
        plugins: Arc<Plugins>,
        clock: Arc<dyn Clock>,
        noticed: Arc<Notify>,
        retention: RetentionConfig,
    ) -> Self {
        let retention = Arc::new(Retention::new(retention));
        let parts = Parts { store, plugins, clock, retention: Arc::clone(&retention) };
        let signals = Arc::new(Signals { notices: noticed, ..Signals::default() });
        let (shutdown, told) = watch::channel(false);
        let alive = Arc::new(());
        let mut tasks = JoinSet::new();
        for chore in Chore::ALL {
            tasks.spawn(chore.run(parts.clone(), Arc::clone(&signals), told.clone(), Arc::clone(&alive)));
        }
        let whole = tokio::spawn(async move {
            while let Some(ended) = tasks.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a background task died");
                }
            }
        });
        Self {
            signals,
            shutdown,
            retention,
            alive: Arc::downgrade(&alive),
            whole: Arc::new(AsyncMutex::new(Some(whole))),
        }
    }

    /// Ends the tasks and waits until they have. What they submitted takes place all the same.
    pub async fn stop(&self) {
        self.shutdown.send_replace(true);
        let Some(whole) = self.whole.lock().await.take() else {
            return;
        };
        if let Err(error) = whole.await {
            tracing::error!(%error, "the background tasks died");
        }
    }

    /// Whether every task runs.
    pub fn is_running(&self) -> bool {
        self.alive.strong_count() == Chore::ALL.len()
    }

    /// How long records are kept, and what was removed.
    pub fn retention(&self) -> &Retention {
        &self.retention
    }

    /// What the tasks are told, for whoever tells them without keeping them alive.
    pub(crate) fn signals(&self) -> Arc<Signals> {
        Arc::clone(&self.signals)
    }

    /// A customer is new or changed: messages may have waited for them.
    pub fn customer_changed(&self) {
        self.signals.customer.notify_one();
    }

    /// Another version of a plugin serves: messages may be quarantined for it.
    pub fn plugin_changed(&self, name: &str) {
        self.todo(|todo| todo.plugin(name));
    }

    /// An operator wants the quarantined messages of a plugin's sources read again, whatever the plugin's policy and whoever read them before.
    pub fn reprocess(&self, name: &str) {
        self.todo(|todo| todo.ordered(name));
    }

    /// A source's settings or plugin changed: its quarantined messages are worth another try.
    pub fn source_changed(&self, id: SourceId) {
        self.signals.source.notify_one();
        self.todo(|todo| todo.source(id));
    }

    /// An establishment is new or changed: it may lapse sooner than what the timer waits for.
    pub fn establishment_changed(&self) {
        self.signals.establishment.notify_one();
    }

    fn todo(&self, add: impl FnOnce(&mut Todo)) {
        add(&mut self.signals.todo.lock().unwrap_or_else(PoisonError::into_inner));
        self.signals.quarantine.notify_one();
    }
}
