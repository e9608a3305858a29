//! What is found in an image, against what had been promised.

use crate::child::open;
use crate::image::Image;
use hookwright_sqlite::Durability;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use tempfile::TempDir;

/// Every so many images, the store itself opens it, which is slower than a plain connection.
const BY_THE_STORE: usize = 10;

/// What was found in all images.
pub struct Tally {
    dir: TempDir,
    pub images: usize,
    pub opened_by_store: usize,
    /// The most promises an image was held to.
    pub acknowledged: usize,
    pub checkpoints: usize,
    /// Images in which something promised is missing, and how many promises that are.
    pub lost: usize,
    pub promises_lost: usize,
    pub corrupt: usize,
    pub unopenable: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            images: 0,
            opened_by_store: 0,
            acknowledged: 0,
            checkpoints: 0,
            lost: 0,
            promises_lost: 0,
            corrupt: 0,
            unopenable: 0,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} images ({} opened by the store), up to {} acknowledged, {} checkpoints: {} images lost {} promises, {} corrupt, {} do not open",
            self.images,
            self.opened_by_store,
            self.acknowledged,
            self.checkpoints,
            self.lost,
            self.promises_lost,
            self.corrupt,
            self.unopenable
        )
    }
}

impl Tally {
    pub async fn examine(&mut self, image: &Image) {
        self.images += 1;
        self.acknowledged = self.acknowledged.max(image.published.len() + image.finished.len());
        self.checkpoints = self.checkpoints.max(image.checkpoints);
        // Each in a directory of its own: closing the one before folds its log in, and may take its time.
        let dir = self.dir.path().join(image.number.to_string());
        std::fs::create_dir(&dir).unwrap();
        self.examine_at(image, &dir.join("hookwright.db")).await;
        std::fs::remove_dir_all(dir).unwrap();
    }

    async fn examine_at(&mut self, image: &Image, path: &Path) {
        image.put(path);
        // Before the first promise there may be no schema yet, or no file: the store must be able to make it then.
        if image.published.is_empty() || image.number.is_multiple_of(BY_THE_STORE) {
            self.opened_by_store += 1;
            match open(path.to_owned(), Durability::Full).await {
                Ok(store) => store.close().await.unwrap(),
                Err(error) => {
                    println!("image {}: {error}", image.number);
                    self.unopenable += 1;
                    return;
                }
            }
        }
        let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        if is_intact(&mut connection).await {
            let missing = missing(&mut connection, image).await;
            self.lost += usize::from(missing > 0);
            self.promises_lost += missing;
        } else {
            self.corrupt += 1;
        }
        connection.close().await.unwrap();
    }
}

async fn is_intact(connection: &mut SqliteConnection) -> bool {
    let verdict: Result<String, _> = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(connection).await;
    verdict.is_ok_and(|verdict| verdict == "ok")
}

/// How many promises are not kept.
async fn missing(connection: &mut SqliteConnection, image: &Image) -> usize {
    let events: Result<Vec<(i64, String)>, _> =
        sqlx::query_as("SELECT id, fan_out FROM event").fetch_all(&mut *connection).await;
    // Where the schema itself is lost, so is all that was promised.
    let Ok(events) = events else { return image.published.len() + image.finished.len() };
    let ids = async |connection: &mut SqliteConnection, text: &'static str| -> HashSet<i64> {
        sqlx::query_scalar(text).fetch_all(connection).await.unwrap().into_iter().collect()
    };
    let pending = ids(&mut *connection, "SELECT id FROM pending").await;
    let settled = ids(&mut *connection, "SELECT id FROM settled").await;
    let attempted = ids(&mut *connection, "SELECT delivery_id FROM attempt").await;
    assert!(pending.is_disjoint(&settled), "a delivery is pending and settled");
    let mut fan_outs = HashMap::new();
    for (id, fan_out) in events {
        let fan_out: Vec<(i64, i64)> = serde_json::from_str(&fan_out).unwrap();
        let deliveries: Vec<i64> = fan_out.into_iter().map(|(delivery, _)| delivery).collect();
        // Whatever was promised: no transaction is there by half.
        assert!(deliveries.iter().all(|id| pending.contains(id) || settled.contains(id)), "an event lost its delivery");
        fan_outs.insert(id, deliveries);
    }
    let is_there = |id: &&i64| fan_outs.get(*id).is_some_and(|deliveries| deliveries.len() == 1);
    let is_done = |id: &&i64| settled.contains(*id) && attempted.contains(*id);
    let unpublished = image.published.iter().filter(|id| !is_there(id)).count();
    unpublished + image.finished.iter().filter(|id| !is_done(id)).count()
}
