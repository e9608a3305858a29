//! What every request and every background task needs.

use crate::config::Config;
use crate::dispatch::Dispatcher;
use crate::fetch::Fetcher;
use crate::ingress::{Meters, Verifiers};
use crate::plugins::Plugins;
use crate::upkeep::Upkeep;
use hookwright_store::{Clock, Ids, Store};
use std::sync::Arc;

/// The running gateway's parts, shared by all.
#[derive(Clone)]
pub struct App {
    /// Where everything is recorded.
    pub store: Arc<dyn Store>,
    /// New ids.
    pub ids: Ids,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the operator asked for.
    pub config: Arc<Config>,
    /// What verification needs of each source.
    pub verifiers: Arc<Verifiers>,
    /// What is counted of partners' requests.
    pub meters: Arc<Meters>,
    /// The plugins and which version of each serves.
    pub plugins: Arc<Plugins>,
    /// The way out: told when a subscription changed or a delivery was asked for.
    pub dispatcher: Dispatcher,
    /// Asks partners back: told when a message needs it.
    pub fetcher: Fetcher,
    /// The background tasks: told when there may be something to resume or to expire.
    pub upkeep: Upkeep,
}
