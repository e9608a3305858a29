//! No list and no step of the way out reads a whole table: SQLite's own plans say so.

use crate::place::Place;
use sqlx::{AssertSqlSafe, Row};

/// Every offline query, as the compiler checked it.
fn queries() -> Vec<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sqlx-data/sqlite/queries");
    let mut all: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let json = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let query: serde_json::Value = serde_json::from_str(&json).unwrap();
            query["query"].as_str().unwrap().to_owned()
        })
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn offline_data_fits_the_schema_and_no_query_scans_a_table_that_grows() {
    const GROWING: [&str; 11] = [
        "event",
        "settled",
        "attempt",
        "message",
        "dedupe",
        "idempotency",
        "establishment",
        "audit",
        "plugin_version",
        "plugin_activation",
        "component",
    ];
    let place = Place::new();
    place.open().await.close().await.unwrap();
    let mut connection = place.connect().await;
    let queries = queries();
    assert!(queries.len() > 40, "the offline data is there");
    for query in queries {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
            .fetch_all(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}: {query}"));
        let ordered = query.contains("LIMIT") || query.contains("max(");
        for step in plan {
            let detail: String = step.get("detail");
            let scanned = detail.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            let grows = scanned.is_some_and(|table| GROWING.contains(&table));
            // A scan that a LIMIT ends in the order of the table, or of an index with nothing else in it, reads no more than the page.
            let whole_index = ["COVERING INDEX establishment_until", "INDEX plugin_version_untold"];
            let ends = ordered && (!query.contains("WHERE") || whole_index.iter().any(|index| detail.contains(index)));
            assert!(!grows || ends, "{detail}: {query}");
        }
    }
}
