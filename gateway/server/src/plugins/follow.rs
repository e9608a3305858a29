//! Moves that other nodes made: taken into memory as they are committed.

use super::Plugins;
use crate::problem::chain;
use hookwright_store::StoreError;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long a store that failed is left alone.
const AGAIN: Duration = Duration::from_millis(200);

impl Plugins {
    /// Follows what other nodes do, for as long as the plugins live.
    pub fn follow(self: &Arc<Self>) -> JoinHandle<()> {
        let (me, store) = (Arc::downgrade(self), Arc::clone(&self.store));
        tokio::spawn(async move {
            loop {
                store.changed().await;
                let Some(plugins) = me.upgrade() else { return };
                while let Err(error) = plugins.catch_up().await {
                    tracing::warn!(error = %chain(&error), "plugins that other nodes moved were not read; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        })
    }

    /// Brings every plugin whose record has changed to what the store says of it.
    async fn catch_up(&self) -> Result<(), StoreError> {
        for record in self.store.plugins().await? {
            let known = self.shelf.load().get(&record.name).map(|shelved| shelved.record.revision);
            if known != Some(record.revision) {
                let turn = self.turn(&record.name);
                let _turn = turn.lock().await;
                self.reconcile(&record.name).await?;
            }
        }
        Ok(())
    }
}
