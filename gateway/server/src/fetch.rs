//! Asking partners back: what messages only name is fetched with the source's credentials, and the plugin is asked again.
//!
//! A message that needs it is on disk, and its partner has been answered, before anything is asked. It stays `fetching` until its plugin has seen the answers and what
//! follows from them is committed, so that an end of the process at any moment means no more than asking once more. Of nodes that share a store the one that leads asks,
//! which keeps to each source's rate.

mod ask;
pub(crate) mod assertion;
mod exchange;
mod gate;
mod run;
#[cfg(test)]
mod tests;
mod token;

use crate::config::DeliveryConfig;
use crate::dispatch::client::{Client, ClientConfig, Timeouts};
use crate::ingress::Meters;
use crate::plugins::Plugins;
use crate::upkeep::Signals;
use ask::Asker;
use exchange::Exchanges;
use hookwright_core::egress::{AddressPolicy, Cidr};
use hookwright_core::fetch::ANSWER_BYTES_MAX;
use hookwright_core::id::{MessageId, SourceId};
use hookwright_store::{Clock, Store};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

/// Messages that wait to be noticed. What does not fit is found in the store.
const OFFERS_MAX: usize = 1_024;
/// Connections to partners that are kept.
const IDLE_MAX: usize = 64;

/// What asking works with.
pub(crate) struct FetchParts {
    /// Where messages are.
    pub(crate) store: Arc<dyn Store>,
    /// The plugins that are asked again.
    pub(crate) plugins: Arc<Plugins>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Told what a message has changed that others wait for.
    pub(crate) signals: Arc<Signals>,
    /// What is measured of partners.
    pub(crate) meters: Arc<Meters>,
    /// How the gateway goes out.
    pub(crate) delivery: DeliveryConfig,
    /// Ranges that may be reached although they are not public.
    pub(crate) egress_allow: Vec<Cidr>,
}

/// A handle on the task that asks partners.
#[derive(Clone, Debug)]
pub struct Fetcher {
    offers: mpsc::Sender<run::Offer>,
    shutdown: watch::Sender<bool>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Fetcher {
    /// Starts the task, on the runtime of the caller.
    pub(crate) fn start(parts: FetchParts) -> Self {
        let client = Client::new(ClientConfig {
            policy: AddressPolicy { allow: parts.egress_allow },
            proxy: parts.delivery.proxy,
            timeouts: Timeouts {
                connect: parts.delivery.connect_timeout,
                tls: parts.delivery.tls_timeout,
                first_byte: None,
            },
            response_bytes_max: ANSWER_BYTES_MAX,
            idle_max: IDLE_MAX,
        });
        let asker = Asker {
            exchanges: Exchanges::new(client),
            tokens: token::Tokens::default(),
            gates: gate::Gates::default(),
            clock: parts.clock,
        };
        let FetchParts { store, plugins, signals, meters, .. } = parts;
        let work = run::Work { store, plugins, asker, signals, meters };
        let (offers, offered) = mpsc::channel(OFFERS_MAX);
        let (shutdown, told) = watch::channel(false);
        let task = tokio::spawn(run::run(Arc::new(work), offered, told));
        Self { offers, shutdown, task: Arc::new(Mutex::new(Some(task))) }
    }

    /// Tells of a message that was just committed as `fetching`.
    pub(crate) fn offer(&self, message: MessageId, source: SourceId) {
        self.tell(run::Offer { message, source, insists: false });
    }

    /// Tells of a message that an operator wants attended to now, even if its partner did not answer lately.
    pub(crate) fn insist(&self, message: MessageId, source: SourceId) {
        self.tell(run::Offer { message, source, insists: true });
    }

    fn tell(&self, offer: run::Offer) {
        // When the queue is full there is more than enough to do, and the store is looked into again.
        let _ = self.offers.try_send(offer);
    }

    /// Ends the task. What was being asked is asked again at the next start.
    pub(crate) async fn stop(&self) {
        self.shutdown.send_replace(true);
        let Some(task) = self.task.lock().await.take() else { return };
        if let Err(error) = task.await {
            tracing::error!(%error, "the task that asks partners died");
        }
    }

    /// Whether the task runs.
    pub(crate) fn is_running(&self) -> bool {
        !self.offers.is_closed()
    }
}
