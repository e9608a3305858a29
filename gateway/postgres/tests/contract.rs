//! What every store promises, run against PostgreSQL's. What is true of it alone is tested in `database`.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking, in what its cases share as well")]

use hookwright_core::intake::Policy;
use hookwright_core::seal::Keyring;
use hookwright_postgres::{PostgresConfig, PostgresStore};
use hookwright_store::contract::Factory;
use hookwright_store::{Answering, Ids, Store, Waiting};
use hookwright_test_postgres::Cluster;
use rand::TryRng;
use std::sync::{Arc, Mutex};

/// One database of its own.
struct PostgresFactory {
    cluster: &'static Cluster,
    url: String,
    open: Mutex<Option<PostgresStore>>,
}

impl PostgresFactory {
    fn new() -> Option<Self> {
        let cluster = Cluster::shared()?;
        Some(Self { cluster, url: cluster.create_database(), open: Mutex::default() })
    }
}

impl Drop for PostgresFactory {
    fn drop(&mut self) {
        self.cluster.drop_database(&self.url);
    }
}

impl Factory for PostgresFactory {
    fn open(&self, ids: Ids, policy: Policy) -> Answering<'_, Arc<dyn Store>> {
        Box::pin(async move {
            let keyring = Keyring::from_keys(&[1; 32], &[]);
            let config = PostgresConfig { policy, ..PostgresConfig::new(self.url.clone(), keyring) };
            let entropy = Arc::new(|bytes: &mut [u8]| rand::rngs::SysRng.try_fill_bytes(bytes).unwrap());
            let store = PostgresStore::open_with(config, ids, entropy).await?;
            *self.open.lock().unwrap() = Some(store.clone());
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }

    fn close(&self) -> Waiting<'_, ()> {
        Box::pin(async {
            let open = self.open.lock().unwrap().take();
            if let Some(store) = open {
                store.close().await.unwrap();
            }
        })
    }
}

hookwright_store::contract_suite!(PostgresFactory::new());
