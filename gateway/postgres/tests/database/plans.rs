//! No query has to read a whole table that grows, whatever it is asked for: PostgreSQL's own plans say so. What it prefers where tables are small is its own business.

use crate::place::{Place, publish, subscribe};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};

/// Tables that grow with the traffic, or with time.
const GROWING: [&str; 12] = [
    "event",
    "pending",
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
/// Indexes of few rows of a large table, by what they leave out: all of one may be read.
const SMALL_INDEXES: [&str; 2] = ["establishment_until", "plugin_version_untold"];

/// Every offline query, as the compiler checked it, and how many parameters it has.
fn queries() -> Vec<(String, usize)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sqlx-data/postgres/queries");
    let mut all: Vec<(String, usize)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let json = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let query: Value = serde_json::from_str(&json).unwrap();
            let parameters = query["describe"]["parameters"]["Left"].as_array().map_or(0, Vec::len);
            (query["query"].as_str().unwrap().to_owned(), parameters)
        })
        .collect();
    all.sort();
    all
}

/// The table that a partition is of.
fn grows(relation: &str) -> bool {
    let table = relation.rsplit_once('_').filter(|(_, day)| *day == "default" || day.parse::<u32>().is_ok());
    GROWING.contains(&table.map_or(relation, |(table, _)| table))
}

/// Looks for steps that read all of a table or of an index; one that ends with the page, in the order of the index, does not.
fn scans(node: &Value, ends: bool, found: &mut Vec<String>) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let ends = match kind {
        "Limit" => true,
        // The first of several sorted inputs, and whatever passes rows on one by one.
        "Append" | "Merge Append" | "Subquery Scan" | "Result" | "Nested Loop" | "LockRows" => ends,
        _ if kind.ends_with("Scan") => ends,
        // These read all of their input before the first row.
        _ => false,
    };
    if let Some(relation) = node["Relation Name"].as_str().filter(|relation| grows(relation)) {
        let by_index = kind == "Bitmap Heap Scan" || node.get("Index Cond").is_some();
        let small =
            node["Index Name"].as_str().is_some_and(|index| SMALL_INDEXES.iter().any(|small| index.contains(small)));
        let first_rows = ends && node.get("Filter").is_none() && kind != "Seq Scan";
        if !by_index && !small && !first_rows && kind != "ModifyTable" {
            found.push(format!("{kind} of {relation} by {} with {}", node["Index Name"], node["Filter"]));
        }
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        scans(child, ends, found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_data_fits_the_schema_and_no_query_scans_a_table_that_grows() {
    let Some(place) = Place::new() else { return };
    let store = place.open().await;
    subscribe(&store).await;
    publish(&store).await;
    store.close().await.unwrap();
    // Enough for the one table whose rows go as they come to look like what it is when it matters.
    place.execute(
        "INSERT INTO pending (id, event_id, subscription_id, attempts, budget_from, due_at)
         SELECT n, n, n % 100, 0, 0, 0 FROM generate_series(1, 20000) AS n; ANALYZE pending",
    );
    let mut connection = place.connect().await;
    connection
        .execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off")
        .await
        .unwrap();
    let queries = queries();
    assert!(queries.len() > 80, "the offline data is there");
    let mut bad = Vec::new();
    for (query, parameters) in queries {
        let arguments = vec!["NULL"; parameters].join(", ");
        let arguments = if parameters == 0 { String::new() } else { format!("({arguments})") };
        let prepared = connection.execute(AssertSqlSafe(format!("PREPARE one AS {query}"))).await;
        prepared.unwrap_or_else(|error| panic!("{error}: {query}"));
        let plan: Value = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) EXECUTE one{arguments}")))
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}: {query}"));
        let mut found = Vec::new();
        scans(&plan[0]["Plan"], false, &mut found);
        if !found.is_empty() {
            bad.push(format!("{}\n    in {query}", found.join("\n")));
        }
        connection.execute("DEALLOCATE one").await.unwrap();
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}
