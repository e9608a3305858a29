//! The end: everything is drained, and what is on record is counted.

use super::faults::Stage;
use super::ledger::Totals;
use hookwright::client::Client;
use hookwright_core::audit::{AuditDraft, AuditEntry, is_intact};
use hookwright_core::id::EventId;
use hookwright_core::timestamp::parse_rfc3339;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// What is known of deliveries that do not end.
const STUCK: &str = "
    SELECT p.*, now_ms() - p.due_at AS due_for,
           (SELECT string_agg(concat_ws(' ', a.number, 'by', a.node_id, coalesce(a.response_code::text, a.error_kind), 'at', a.started_at), ', ')
            FROM attempt AS a WHERE a.delivery_id = p.id) AS attempts,
           (SELECT string_agg(concat_ws(' ', n.id, n.lease_until - now_ms()), ', ') FROM node AS n) AS nodes
    FROM pending AS p LIMIT 5";

/// What was found.
pub(super) struct Verdict {
    /// From the end of the faults until everything was delivered.
    pub(super) drained: Duration,
    missing: Vec<String>,
    wrongs: Vec<String>,
}

impl Verdict {
    /// Waits until everything is delivered, and looks.
    pub(super) async fn of(stage: &Stage, drain_max: Duration) -> Self {
        let began = Instant::now();
        let pending = || stage.cluster.execute(&stage.url, "SELECT count(*) FROM pending");
        while began.elapsed() < drain_max && !(stage.ledger.missing().is_empty() && pending() == "0") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let drained = began.elapsed();
        let missing = stage.ledger.missing();
        let mut wrongs = stage.ledger.wrongs();
        if pending() != "0" {
            wrongs.push(format!(
                "{} deliveries are still pending: {}",
                pending(),
                stage.cluster.execute(&stage.url, STUCK)
            ));
        }
        wrongs.extend(stage.ledger.suspects().iter().map(|event| history(stage, event)));
        wrongs.extend(counts(stage, &stage.ledger.totals()));
        wrongs.extend(audit(&stage.nodes[0].doors().unwrap().admin).await);
        for node in stage.nodes.iter() {
            let panics = node.said().lines().filter(|line| line.contains("panicked at")).count();
            if panics > 0 {
                wrongs.push(format!("node {} panicked {panics} times", node.index));
            }
        }
        Self { drained, missing, wrongs }
    }

    /// Nothing is lost, out of order or there twice.
    pub(super) fn assert(&self) {
        let shown: Vec<&String> = self.missing.iter().take(20).collect();
        assert!(self.missing.is_empty(), "{} acknowledged and not delivered: {shown:#?}", self.missing.len());
        assert!(self.wrongs.is_empty(), "{:#?}", self.wrongs);
    }
}

/// Every attempt to deliver an event: to which subscription, by which node, when, and what was answered.
fn history(stage: &Stage, event: &str) -> String {
    let id = event.parse::<EventId>().unwrap().get();
    let sql = format!(
        "SELECT subscription_id, number, node_id, started_at, duration_ms, coalesce(response_code::text, error_kind) FROM attempt
         WHERE event_id = {id} ORDER BY subscription_id, started_at"
    );
    format!("{event} ({id}): {}", stage.cluster.execute(&stage.url, &sql).replace('\n', "; "))
}

/// Rows that are there more or less often than what was acknowledged. Everybody repeats until there is an acknowledgement, so the counts are exact.
fn counts(stage: &Stage, totals: &Totals) -> Vec<String> {
    let checks = [
        ("SELECT count(*) FROM event WHERE event_type = 'order.placed'", totals.published),
        ("SELECT count(*) FROM event WHERE event_type = 'compliance.establishment_fulfilled'", totals.calls),
        ("SELECT count(*) FROM event WHERE event_type = 'customer.created'", totals.calls),
        ("SELECT count(*) FROM message", totals.calls),
        ("SELECT count(*) FROM message WHERE status = 'processed'", totals.calls),
        ("SELECT count(*) FROM customer", totals.calls),
        ("SELECT count(*) FROM establishment WHERE established = 1", totals.calls),
        ("SELECT count(DISTINCT customer_id) FROM establishment", totals.calls),
        ("SELECT count(*) FROM settled WHERE status <> 'delivered'", 0),
    ];
    let differs = |(sql, expected): (&str, usize)| {
        let found = stage.cluster.execute(&stage.url, sql);
        (found != expected.to_string()).then(|| format!("{sql}: {found}, expected {expected}"))
    };
    checks.into_iter().filter_map(differs).collect()
}

/// What is wrong with the audit: an entry that was changed, one that follows none, two that follow the same.
async fn audit(admin: &Client) -> Vec<String> {
    let (mut wrongs, mut entries, mut path) = (Vec::new(), Vec::new(), "/admin/audit?limit=200".to_owned());
    loop {
        let page = admin.get(&path).await.unwrap().json();
        entries.extend(page["data"].as_array().unwrap().iter().map(entry));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/admin/audit?limit=200&cursor={cursor}");
    }
    let hashes: BTreeSet<[u8; 32]> = entries.iter().map(|entry| entry.hash).collect();
    let mut followers = BTreeMap::<[u8; 32], u32>::new();
    for entry in &entries {
        if !is_intact(entry) {
            wrongs.push(format!("audit entry {} is not what it was", entry.id));
        }
        let first = entry.previous == [0; 32];
        if !first && !hashes.contains(&entry.previous) {
            wrongs.push(format!("audit entry {} follows one that is not there", entry.id));
        }
        *followers.entry(entry.previous).or_default() += 1;
    }
    let forks = followers.iter().filter(|(previous, count)| **count > 1 && **previous != [0; 32]).count();
    if forks > 0 {
        wrongs.push(format!("{forks} audit entries are followed by more than one"));
    }
    let chains = followers.get(&[0; 32]).copied().unwrap_or_default();
    println!("audit: {} entries in {chains} chain(s)", entries.len());
    if chains == 0 {
        wrongs.push("the audit has no beginning".to_owned());
    }
    wrongs
}

/// An entry from what the API shows of it.
fn entry(shown: &Value) -> AuditEntry {
    let text = |field: &str| shown[field].as_str().map(str::to_owned);
    let hash = |field: &str| hex::decode(text(field).unwrap()).unwrap().try_into().unwrap();
    let draft = AuditDraft {
        at: parse_rfc3339(&text("at").unwrap()).unwrap(),
        actor: text("actor").unwrap(),
        action: text("action").unwrap(),
        target: text("target").unwrap(),
        reason: text("reason"),
        request_id: text("request_id"),
        detail: text("detail").unwrap(),
    };
    AuditEntry { id: text("id").unwrap().parse().unwrap(), draft, previous: hash("previous_hash"), hash: hash("hash") }
}
