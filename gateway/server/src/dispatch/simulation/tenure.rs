//! The model is one node's alone.

use super::model::ModelStore;
use hookwright_core::subscription::Subscription;
use hookwright_store::{Catalog, Tenure};
use std::sync::Arc;

impl Tenure for ModelStore {
    fn served(&self) -> Arc<Vec<Arc<Subscription>>> {
        self.subscriptions()
    }
}
