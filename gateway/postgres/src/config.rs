//! What a store is told when it opens.

use crate::queue::QueueBounds;
use hookwright_core::intake::Policy;
use hookwright_core::seal::Keyring;
use hookwright_store::SteeredClock;
use std::sync::Arc;
use std::time::Duration;

/// What a store is told when it opens.
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database?sslmode=…`. The database must be there; its tables are made.
    pub url: String,
    /// The keys that records are sealed under: the same on every node.
    pub keyring: Keyring,
    /// What the planner is told.
    pub policy: Policy,
    /// How much may wait for the writers.
    pub queue: QueueBounds,
    /// Connections that read at the same time. Writing takes nine more.
    pub readers: u32,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How long a node that is not heard of keeps what it owns.
    pub lease: Duration,
    /// What the node is called where nodes are listed.
    pub node_name: String,
    /// The gateway's clock, if it is to follow the database's.
    pub steered: Option<Arc<SteeredClock>>,
}

impl PostgresConfig {
    /// A store at `url` with everything else as it should be.
    pub fn new(url: impl Into<String>, keyring: Keyring) -> Self {
        Self {
            url: url.into(),
            keyring,
            policy: Policy::default(),
            queue: QueueBounds::default(),
            readers: 4,
            statement_timeout: Duration::from_secs(5),
            lease: Duration::from_secs(10),
            node_name: String::new(),
            steered: None,
        }
    }
}

impl std::fmt::Debug for PostgresConfig {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresConfig").field("node_name", &self.node_name).finish_non_exhaustive()
    }
}
