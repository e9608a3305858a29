//! `migrate --to`: an installation moves from SQLite to PostgreSQL, and everything is there.

use crate::harness::command::{Ran, hookwright, run};
use crate::harness::patience::PATIENCE;
use crate::harness::{Gateway, Receiver, eventually, video_call};
use hookwright_test_postgres::{Auth, Cluster, Settings};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Stdio};

/// What an operator sees of an installation.
const LISTS: [&str; 8] = [
    "/admin/subscriptions",
    "/admin/sources",
    "/admin/plugins",
    "/admin/customers/cus_1",
    "/admin/establishments",
    "/admin/messages",
    "/admin/events?limit=200",
    "/admin/deliveries?limit=200",
];

fn migrate(place: &Path, url: &str) -> Ran {
    run(place, ["migrate", "--to", url, "--json"])
}

/// Everything that an operator sees, details of deliveries included.
async fn seen(gateway: &Gateway) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in LISTS {
        let answer = gateway.admin.get(path).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.json());
        seen.push(answer.json());
    }
    for (list, path) in
        [("/admin/deliveries?limit=200", "deliveries"), ("/admin/messages", "messages"), ("/admin/events", "events")]
    {
        for record in gateway.list(list).await {
            seen.push(gateway.read(&format!("/admin/{path}/{}", record["id"].as_str().unwrap())).await);
        }
    }
    seen
}

/// An installation with something of everything: partners and subscribers, what went well, what failed and what waits.
async fn populated(receiver: &mut Receiver) -> Gateway {
    let gateway = Gateway::builder().set("delivery.schedule", "1h").start().await;
    let emr = gateway.source("emr").await;
    gateway.customer("cus_1", "TX", "78701").await;
    gateway.subscribe(&receiver.url("/good"), &["*"], json!({})).await;
    gateway
        .request(
            Method::POST,
            "/admin/events",
            &json!({ "type": "order.placed", "data": { "n": 1 }, "ordering_key": "k" }),
        )
        .await;
    assert_eq!(emr.post(&gateway, "video-call-completed", &video_call("cus_1", "appt_1")).await.status, StatusCode::OK);
    assert_eq!(
        emr.post(&gateway, "video-call-completed", &video_call("cus_2", "appt_2")).await.status,
        StatusCode::ACCEPTED
    );
    receiver.next().await;
    gateway
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_afterwards_and_work_goes_on() {
    let settings = Settings { auth: Auth::Scram("correct horse".to_owned()), ..Settings::default() };
    let Some(cluster) = Cluster::start(&settings) else { return };
    let mut receiver = Receiver::start().await;
    let gateway = populated(&mut receiver).await;
    let before = seen(&gateway).await;
    let place = gateway.stop().await;
    let url = cluster.create_database();
    let moved = migrate(place.path(), &url).expect(0);
    assert!(!moved.out.contains("correct") && !moved.err.contains("correct"), "{moved:?}");
    assert!(
        moved.err.contains("copying (table event): ") && moved.err.contains("comparing (table attempt): "),
        "{moved:?}"
    );
    assert!(moved.json()["records"].as_u64().unwrap() > 20, "{moved:?}");
    let again = migrate(place.path(), &url).expect(0).json();
    assert_eq!((&again["already"], &again["records"]), (&json!(true), &moved.json()["records"]));
    let gateway = Gateway::builder().without_plugins().set("database_url", &url).start().await;
    assert_eq!(seen(&gateway).await, before);
    gateway.running.stop().await;
}

/// The process of a move that comes to a stand in the second page of the events.
fn stuck(cluster: &Cluster, place: &Path, url: &str) -> Child {
    cluster.execute(
        url,
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT count(*) FROM event) >= 1000 THEN PERFORM pg_sleep(600); END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER stuck BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION stuck()",
    );
    let mut command = hookwright(place, ["migrate", "--to", url]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_killed_goes_on_where_it_ended_and_no_gateway_starts_before() {
    let Some(cluster) = Cluster::shared() else { return };
    let gateway = Gateway::builder().without_plugins().start().await;
    for _ in 0..2 {
        gateway.make("/admin/events", &Value::Array(vec![json!({ "type": "order.placed", "data": {} }); 700])).await;
    }
    let place = gateway.stop().await;
    let url = cluster.create_database();
    let on_postgres = |command: &'static str| {
        let database = format!("database_url={url}");
        run(place.path(), [command, "--set", &database, "--set", "keys.file=hookwright.key"])
    };
    on_postgres("migrate").expect(0);
    let mut process = stuck(cluster, place.path(), &url);
    let name = url.rsplit('/').next().unwrap();
    let sleeping = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'PgSleep'");
    let backend = eventually("the move comes to a stand", async || {
        let pid = cluster.execute("postgres", &sleeping);
        (!pid.is_empty()).then_some(pid)
    })
    .await;
    process.kill().unwrap();
    process.wait().unwrap();
    let terminated =
        cluster.execute("postgres", &format!("SELECT pg_terminate_backend({backend}, {})", PATIENCE.as_millis()));
    assert_eq!(terminated, "t");
    cluster.execute(&url, "DROP FUNCTION stuck CASCADE");
    assert_eq!(cluster.execute(&url, "SELECT count(*) FROM event"), "1000", "a page is there or it is not");
    let refused = on_postgres("serve").expect(1);
    assert!(refused.err.contains("is not filled yet: run `hookwright migrate --to` again"), "{}", refused.err);
    // Another installation has no business there.
    let other = Gateway::builder().without_plugins().start().await.stop().await;
    let foreign = migrate(other.path(), &url).expect(1);
    assert!(foreign.err.contains("is being filled from another database"), "{}", foreign.err);
    let moved = migrate(place.path(), &url).expect(0).json();
    assert_eq!(moved["already"], false);
    assert_eq!(cluster.execute(&url, "SELECT count(*) FROM event"), "1400");
    let taken = migrate(other.path(), &url).expect(1);
    assert!(taken.err.contains("holds records already"), "{}", taken.err);
    cluster.drop_database(&url);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_did_not_arrive_as_it_was_is_noticed() {
    let Some(cluster) = Cluster::shared() else { return };
    let gateway = Gateway::builder().without_plugins().start().await;
    gateway.publish("order.placed", json!({})).await;
    let place = gateway.stop().await;
    let url = cluster.create_database();
    let database = format!("database_url={url}");
    run(place.path(), ["migrate", "--set", &database, "--set", "keys.file=hookwright.key"]).expect(0);
    cluster.execute(
        &url,
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             NEW.data = set_byte(NEW.data, 40, 255 - get_byte(NEW.data, 40));
             RETURN NEW;
         END $$;
         CREATE TRIGGER spoil BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION spoil()",
    );
    let differs = migrate(place.path(), &url).expect(1);
    assert!(differs.err.contains("table event differs: 1 records with the checksum "), "{}", differs.err);
    let refused = run(place.path(), ["serve", "--set", &database, "--set", "keys.file=hookwright.key"]).expect(1);
    assert!(refused.err.contains("is not filled yet"), "{}", refused.err);
    cluster.drop_database(&url);
}

#[test]
fn a_move_to_nowhere_is_told_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let missing = migrate(directory.path(), "postgres://u:hunter2@127.0.0.1:1/d").expect(1);
    assert!(missing.err.contains("hookwright.db: there is no such database"), "{}", missing.err);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    run(directory.path(), ["migrate"]).expect(0);
    let unreachable = migrate(directory.path(), "postgres://u:hunter2@127.0.0.1:1/d").expect(1);
    assert!(unreachable.err.contains("PostgreSQL at 127.0.0.1:1 cannot be reached"), "{}", unreachable.err);
    assert!(!unreachable.err.contains("hunter2"), "{}", unreachable.err);
    let sideways = run(directory.path(), ["migrate", "--to", "sqlite:other.db"]).expect(2);
    assert!(sideways.err.contains("--to: expected postgres://"), "{}", sideways.err);
    let bad = run(directory.path(), ["migrate", "--to", "postgres://u:hunter2@h"]).expect(1);
    assert!(bad.err.contains("--to): names no database") && !bad.err.contains("hunter2"), "{}", bad.err);
}
