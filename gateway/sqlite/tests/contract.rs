//! What every store promises, run against SQLite's. What is true of it alone is tested in `file`.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking, in what its cases share as well")]

use hookwright_core::intake::Policy;
use hookwright_core::seal::Keyring;
use hookwright_sqlite::{SqliteConfig, SqliteStore};
use hookwright_store::contract::Factory;
use hookwright_store::{Answering, Ids, Store, Waiting};
use rand::TryRng;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// One file in a directory of its own.
struct SqliteFactory {
    dir: TempDir,
    open: Mutex<Option<SqliteStore>>,
}

impl SqliteFactory {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), open: Mutex::default() }
    }
}

impl Factory for SqliteFactory {
    fn open(&self, ids: Ids, policy: Policy) -> Answering<'_, Arc<dyn Store>> {
        Box::pin(async move {
            let keyring = Keyring::from_keys(&[1; 32], &[]);
            let config = SqliteConfig { policy, ..SqliteConfig::new(self.dir.path().join("hookwright.db"), keyring) };
            let entropy = Arc::new(|bytes: &mut [u8]| rand::rngs::SysRng.try_fill_bytes(bytes).unwrap());
            let store = SqliteStore::open_with(config, ids, entropy).await?;
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

hookwright_store::contract_suite!(Some(SqliteFactory::new()));
