//! Two nodes on one PostgreSQL: whichever takes a message, the partner is asked, once.

use super::partner::Partner;
use super::{encounter, notification, settled};
use crate::harness::{Gateway, eventually, guests};
use hookwright_test_postgres::Cluster;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_either_node_is_completed_by_the_one_that_leads() {
    let start = || Cluster::shared().map(Cluster::create_database);
    let Some(url) = tokio::task::spawn_blocking(start).await.unwrap() else { return };
    let partner = Partner::start(|_, asked| Some(encounter(&asked.path[asked.path.len() - 2..], "cus_xyz"))).await;
    let node = || Gateway::builder().without_plugins().set("database_url", &url).start();
    let (one, two) = (node().await, node().await);
    one.push("fhir", guests::fhir()).await;
    one.customer("cus_xyz", "TX", "78701").await;
    let fetch = json!({ "base_url": partner.url("/fhir/") });
    let ehr = one.source_with("ehr", json!({ "plugin": "fhir", "fetch": fetch })).await;
    eventually("the other node knows source and plugin", async || {
        let ready = two.admin.get("/readyz?details").await.unwrap().json();
        (ready["details"]["plugins"]["fhir"].is_string() && !two.list("/admin/sources").await.is_empty()).then_some(())
    })
    .await;
    for (number, node) in [(1, &one), (2, &two), (3, &one), (4, &two)] {
        let focus = format!("Encounter/e{number}");
        let answer = ehr.post(node, "notify", &notification(number, &focus)).await.json();
        let message = settled(node, &answer["message_id"]).await;
        assert_eq!(message["status"], "processed", "{message}");
    }
    let mut paths: Vec<String> = partner.asked().into_iter().map(|asked| asked.path).collect();
    paths.sort();
    assert_eq!(paths, ["/fhir/Encounter/e1", "/fhir/Encounter/e2", "/fhir/Encounter/e3", "/fhir/Encounter/e4"]);
}
