//! What a person is told where the gateway and a database do not go together: by real servers, with real passwords and certificates.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking, in what its cases share as well")]

use hookwright_core::seal::Keyring;
use hookwright_postgres::{PostgresConfig, PostgresStore, migrate};
use hookwright_store::{ManualClock, StoreError};
use hookwright_test_postgres::{Auth, Cluster, Mode, Settings, Tls};
use rand::TryRng;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sqlx::{Connection, PgConnection};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const PASSWORD: &str = "correct horse";

fn config(url: &str, key: u8) -> PostgresConfig {
    PostgresConfig::new(url, Keyring::from_keys(&[key; 32], &[]))
}

fn entropy() -> hookwright_postgres::Entropy {
    Arc::new(|bytes: &mut [u8]| rand::rngs::SysRng.try_fill_bytes(bytes).unwrap())
}

async fn open(url: &str) -> Result<(), StoreError> {
    let store = PostgresStore::open(config(url, 1), Arc::new(ManualClock::at(1_750_000_000_000)), entropy()).await?;
    store.close().await
}

/// What is said where a person must help.
async fn unsuitable(url: &str) -> String {
    match open(url).await {
        Err(StoreError::Unsuitable(why)) => {
            assert!(!why.contains("correct") && !why.contains("wrong%20"), "a password is told: {why}");
            why
        }
        other => panic!("{other:?}"),
    }
}

/// What is said where it may pass.
async fn unavailable(url: &str) -> String {
    match open(url).await {
        Err(StoreError::Unavailable(why)) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

/// A role of its own on the shared server, without rights, and a database of its own.
fn guest(cluster: &Cluster) -> (String, String, String) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let role = format!("guest_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    cluster.execute("postgres", &format!("CREATE ROLE {role} LOGIN"));
    let url = cluster.create_database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let guest_url = cluster.url_as(&role, &name);
    (role, name, guest_url)
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named() {
    // Something else answers there at first, and then nobody.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let talker = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Read::read(&mut stream, &mut [0; 8]).unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let said = unsuitable(&format!("postgres://u:{PASSWORD}@127.0.0.1:{port}/d")).await;
    assert!(
        said.starts_with(&format!("what answers as PostgreSQL at 127.0.0.1:{port} does not speak its protocol")),
        "{said}"
    );
    talker.join().unwrap();
    let said = unavailable(&format!("postgres://u:{PASSWORD}@127.0.0.1:{port}/d")).await;
    assert!(said.starts_with(&format!("PostgreSQL at 127.0.0.1:{port} cannot be reached: ")), "{said}");
}

#[tokio::test]
async fn passwords_users_and_databases_that_are_not_there_are_told_apart() {
    let settings = Settings { auth: Auth::Scram(PASSWORD.to_owned()), ..Settings::default() };
    let Some(cluster) = Cluster::start(&settings) else { return };
    let place = format!("PostgreSQL at 127.0.0.1:{}", cluster.port());
    for (who, user) in [("hookwright:wrong%20one", "hookwright"), ("hookwright", "hookwright"), ("nobody:x", "nobody")]
    {
        assert_eq!(
            unsuitable(&cluster.url_as(who, "postgres")).await,
            format!("{place} does not let user {user} in: the password is wrong, or none is given")
        );
    }
    assert_eq!(
        unsuitable(&cluster.url("nowhere")).await,
        format!("{place} has no database nowhere: make it with `createdb nowhere`")
    );
    open(&cluster.create_database()).await.unwrap();
    // Down, it cannot be reached.
    cluster.stop(Mode::Fast);
    let said = unavailable(&cluster.url("postgres")).await;
    assert!(said.starts_with(&format!("{place} cannot be reached: ")), "{said}");
}

#[tokio::test]
async fn missing_rights_are_named_with_the_grant_that_gives_them() {
    let Some(cluster) = Cluster::shared() else { return };
    let (role, name, url) = guest(cluster);
    // Since PostgreSQL 15 the schema `public` is its owner's.
    cluster.execute(&name, "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let place = format!("database {name} at PostgreSQL at 127.0.0.1:{}", cluster.port());
    assert_eq!(
        unsuitable(&url).await,
        format!(
            "user {role} may not make tables in schema public of {place}: `GRANT CREATE ON SCHEMA public TO {role}`"
        )
    );
    cluster.execute(&name, &format!("GRANT CREATE ON SCHEMA public TO {role}"));
    open(&url).await.unwrap();
    cluster.execute(&name, "DROP SCHEMA public CASCADE");
    let said = unsuitable(&url).await;
    assert!(said.contains("has no schema to make tables in") && said.contains(&role), "{said}");
    cluster.execute("postgres", &format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"));
    let said = unsuitable(&url).await;
    assert!(said.contains(&format!("does not let user {role} into database {name}: grant CONNECT on it")), "{said}");
    cluster.execute("postgres", &format!("ALTER ROLE {role} NOLOGIN"));
    let said = unsuitable(&url).await;
    assert!(said.contains(&format!("does not let user {role} into database {name}: role ")), "{said}");
}

#[tokio::test]
async fn tables_of_another_owner_or_program_are_left_alone() {
    let Some(cluster) = Cluster::shared() else { return };
    let (role, name, url) = guest(cluster);
    open(&cluster.url(&name)).await.unwrap();
    cluster.execute(
        &name,
        &format!("GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"),
    );
    let said = unsuitable(&url).await;
    assert!(said.contains("belongs to hookwright: connect as that user") && said.contains(&role), "{said}");

    let foreign = cluster.create_database();
    cluster.execute(&foreign, "CREATE TABLE invoices (n integer)");
    let said = unsuitable(&foreign).await;
    assert!(said.contains("holds tables of another program (such as invoices)"), "{said}");
    assert_eq!(cluster.execute(&foreign, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1");
    // One that keeps its steps in the same way is another program, too.
    let alike = cluster.create_database();
    open(&alike).await.unwrap();
    cluster.execute(&alike, "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1");
    let said = unsuitable(&alike).await;
    assert!(said.contains("holds tables of another program"), "{said}");
}

#[tokio::test]
async fn servers_that_only_read_are_refused() {
    let Some(cluster) = Cluster::start(&Settings::default()) else { return };
    let url = cluster.create_database();
    cluster.execute(
        "postgres",
        &format!("ALTER DATABASE {} SET default_transaction_read_only = on", url.rsplit('/').next().unwrap()),
    );
    let said = unsuitable(&url).await;
    assert!(said.contains("only reads (default_transaction_read_only is on"), "{said}");
    // A server that follows another, which is not there, and takes readers meanwhile.
    cluster.stop(Mode::Fast);
    std::fs::write(cluster.directory().join("data/standby.signal"), "").unwrap();
    cluster.start_again();
    let said = unsuitable(&url).await;
    assert!(said.ends_with("is a replica, which only reads: name the server that takes writes"), "{said}");
}

#[tokio::test]
async fn another_encoding_is_refused_with_the_command_that_makes_the_right_one() {
    let Some(cluster) = Cluster::shared() else { return };
    cluster.execute("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    let said = unsuitable(&cluster.url("latin")).await;
    assert!(
        said.contains("is encoded as LATIN1, and UTF8 is needed: make it with `createdb --encoding=UTF8"),
        "{said}"
    );
}

#[tokio::test]
async fn connections_that_do_not_suffice_are_counted() {
    let Some(cluster) = Cluster::shared() else { return };
    let (role, name, url) = guest(cluster);
    cluster.execute(&name, &format!("GRANT CREATE ON SCHEMA public TO {role}; ALTER ROLE {role} CONNECTION LIMIT 5"));
    let said = unsuitable(&url).await;
    assert!(said.contains("5 connections at most, and a node takes 13: raise the limit, or lower"), "{said}");
    cluster.execute(&name, &format!("ALTER ROLE {role} CONNECTION LIMIT 0"));
    let said = unavailable(&url).await;
    assert!(said.contains(&format!("has no connection left for user {role} (too many connections for role")), "{said}");
    cluster.execute(&name, &format!("ALTER ROLE {role} CONNECTION LIMIT 13"));
    open(&url).await.unwrap();
}

#[tokio::test]
async fn a_server_without_a_connection_left_is_told() {
    let Some(cluster) = Cluster::start(&Settings::default().with("max_connections", "14")) else { return };
    let url = cluster.create_database();
    let mut held = Vec::new();
    while held.len() < 14 {
        held.push(PgConnection::connect(&url).await.unwrap());
    }
    let said = unavailable(&url).await;
    assert!(
        said.contains("has no connection left for user hookwright (") && said.contains("lower database.readers_max"),
        "{said}"
    );
    drop(held);
}

#[tokio::test]
async fn a_newer_schema_and_other_keys_are_refused_before_anything_is_written() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let steps = migrate(config(&url, 1), entropy()).await.unwrap();
    assert!(!steps.is_empty() && migrate(config(&url, 1), entropy()).await.unwrap().is_empty(), "{steps:?}");
    // A step of a later version beside which this one may run changes nothing for it.
    cluster.execute(
        &url,
        "INSERT INTO _sqlx_migrations SELECT 9998, 'y', now(), true, checksum, 0 FROM _sqlx_migrations LIMIT 1",
    );
    open(&url).await.unwrap();
    cluster.execute(&url, "DELETE FROM _sqlx_migrations WHERE version = 9998");
    let other = migrate(config(&url, 2), entropy()).await.unwrap_err().to_string();
    assert!(other.contains("is sealed under key ") && other.contains(", and the key given is "), "{other}");
    cluster.execute(&url, "UPDATE meta SET value = 'x' WHERE name = 'key_check'");
    assert!(unsuitable(&url).await.contains("the key check of database "), "it was changed");
    cluster.execute(&url, "DELETE FROM meta; INSERT INTO _sqlx_migrations SELECT 9999, 'y', now(), true, checksum, 0 FROM _sqlx_migrations LIMIT 1");
    let said = unsuitable(&url).await;
    assert!(
        said.contains("was written by a newer version of the program (its schema is 9999, this program knows up to "),
        "{said}"
    );
    assert_eq!(cluster.execute(&url, "SELECT count(*) FROM meta"), "0");
}

/// An authority, and what it says of a server.
struct Certificates {
    authority: String,
    tls: Tls,
}

/// A certificate for this name by an authority of its own, which the server believes of its clients as well.
fn certificates(name: &str) -> Certificates {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let tls = Tls { certificate: certificate.pem(), key: key.serialize_pem(), client_authority: authority.pem() };
    Certificates { authority: authority.pem(), tls }
}

#[tokio::test]
async fn tls_is_verified_as_was_asked_and_what_is_wrong_with_it_is_told() {
    let right = certificates("127.0.0.1");
    let hba = [
        "hostssl all needs_certificate 127.0.0.1/32 scram-sha-256 clientcert=verify-ca",
        "hostssl all all 127.0.0.1/32 scram-sha-256",
    ];
    let auth = Auth::Scram(PASSWORD.to_owned());
    let hba = hba.map(str::to_owned).to_vec();
    let Some(cluster) = Cluster::start(&Settings { auth, hba, tls: Some(right.tls), ..Settings::default() }) else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(directory.path().join(name), text).unwrap();
        directory.path().join(name).display().to_string()
    };
    let (authority, stranger) = (file("right.pem", &right.authority), file("other.pem", &certificates("x").authority));
    let url = cluster.create_database();
    let place = format!("PostgreSQL at 127.0.0.1:{}", cluster.port());
    for good in [
        format!("verify-full&sslrootcert={authority}"),
        format!("verify-ca&sslrootcert={authority}"),
        "require".to_owned(),
        "prefer".to_owned(),
    ] {
        open(&format!("{url}?sslmode={good}")).await.unwrap_or_else(|error| panic!("{good}: {error:?}"));
    }
    for bad in [
        format!("verify-full&sslrootcert={stranger}"),
        format!("verify-ca&sslrootcert={stranger}"),
        "verify-full".to_owned(),
    ] {
        assert_eq!(
            unsuitable(&format!("{url}?sslmode={bad}")).await,
            format!(
                "the certificate of {place} is by no authority that is trusted here: name its file in the URL (sslrootcert=)"
            ),
            "{bad}"
        );
    }
    let said = unsuitable(&format!("{url}?sslmode=disable")).await;
    assert!(said.contains("it may insist on TLS, which sslmode=disable rules out"), "{said}");
    let by_name = url.replace("127.0.0.1", "localhost");
    let said = unsuitable(&format!("{by_name}?sslmode=verify-full&sslrootcert={authority}")).await;
    assert!(said.contains("is not for this name") && said.contains("localhost"), "{said}");
    open(&format!("{by_name}?sslmode=verify-ca&sslrootcert={authority}")).await.unwrap();
    let said = unsuitable(&format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        file("bad.pem", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    ))
    .await;
    assert!(said.starts_with(&format!("the connection to {place} cannot be set up: ")), "{said}");

    // One that proves who the client is.
    let client = certificates("x");
    cluster.execute("postgres", "CREATE ROLE needs_certificate LOGIN SUPERUSER PASSWORD 'correct horse'");
    let guest = cluster.url_as("needs_certificate:correct%20horse", url.rsplit('/').next().unwrap());
    let said = unsuitable(&format!("{guest}?sslmode=require")).await;
    assert!(said.contains("does not let user needs_certificate into database"), "{said}");
    let (certificate, key) = (file("c.pem", &client.tls.certificate), file("k.pem", &client.tls.key));
    let said = unsuitable(&format!("{guest}?sslmode=require&sslcert={certificate}&sslkey={key}")).await;
    assert!(said.contains("does not take the client's certificate"), "{said}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_where_it_is_insisted_on() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let place = format!("PostgreSQL at 127.0.0.1:{}", cluster.port());
    for mode in ["require", "verify-ca", "verify-full"] {
        let said = unsuitable(&format!("{url}?sslmode={mode}")).await;
        assert_eq!(said, format!("{place} does not speak TLS, and sslmode insists on it"));
    }
}
