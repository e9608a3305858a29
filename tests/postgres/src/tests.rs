use crate::{Auth, Cluster, Mode, Settings, Tls};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Tells a process that runs this test that it is to be killed.
const VICTIM: &str = "HOOKWRIGHT_TEST_POSTGRES_VICTIM";

fn psql(cluster: &Cluster, url: &str, sql: &str) -> Result<String, String> {
    super::cluster::run(cluster.command("psql").args(["-XAtq", "-d", url, "-c", sql]))
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn databases_are_empty_and_apart() {
    let Some(cluster) = Cluster::shared() else { return };
    let (first, second) = (cluster.create_database(), cluster.create_database());
    assert_ne!(first, second);
    cluster.execute(&first, "CREATE TABLE t (n integer); INSERT INTO t VALUES (1), (2)");
    assert_eq!(cluster.execute(&first, "SELECT n, n + 1 FROM t ORDER BY n"), "1|2\n2|3");
    assert!(cluster.try_execute(&second, "SELECT n FROM t").unwrap_err().contains("does not exist"));
    assert_eq!(psql(cluster, &first, "SELECT count(*) FROM t").unwrap(), "2");
    assert_eq!(cluster.execute(&first, "SHOW server_encoding"), "UTF8");
    cluster.drop_database(&first);
    assert!(psql(cluster, &first, "SELECT 1").unwrap_err().contains("does not exist"));
}

#[test]
fn restarts_keep_what_was_committed_and_the_port() {
    let Some(cluster) = Cluster::start(&Settings { fsync: true, ..Settings::default() }) else { return };
    let url = cluster.create_database();
    cluster.execute(&url, "CREATE TABLE t (n integer)");
    for (n, mode) in [Mode::Fast, Mode::Immediate].into_iter().enumerate() {
        cluster.execute(&url, &format!("INSERT INTO t VALUES ({n})"));
        cluster.restart(mode);
        assert_eq!(psql(&cluster, &url, "SELECT count(*) FROM t").unwrap(), (n + 1).to_string());
    }
    assert!(cluster.log().contains("database system was not properly shut down"), "{}", cluster.log());
    assert_eq!(cluster.execute(&url, "SHOW fsync"), "on");
    cluster.stop(Mode::Fast);
    assert!(!listens(cluster.port()));
}

#[test]
fn a_paused_server_answers_nothing_until_it_goes_on() {
    let Some(cluster) = Cluster::start(&Settings::default()) else { return };
    let mut psql = cluster.command("psql");
    let mut psql = psql.args(["-XAtq", "-d", &cluster.url("postgres")]);
    psql = psql.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = psql.spawn().unwrap();
    let (mut ask, mut answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    writeln!(ask, "SELECT 1;").unwrap();
    assert_eq!(answers.next().unwrap().unwrap(), "1");
    cluster.pause();
    writeln!(ask, "SELECT 2;").unwrap();
    let (pass_on, passed_on) = std::sync::mpsc::channel();
    std::thread::spawn(move || answers.for_each(|answer| drop(pass_on.send(answer.unwrap()))));
    assert!(passed_on.recv_timeout(Duration::from_millis(300)).is_err(), "a stopped process cannot have answered");
    cluster.resume();
    assert_eq!(passed_on.recv_timeout(Duration::from_secs(30)).unwrap(), "2");
    // A paused one ends, too.
    cluster.pause();
    let (port, directory) = (cluster.port(), cluster.directory().to_owned());
    drop(cluster);
    assert!(!listens(port) && !directory.exists());
    drop(ask);
    child.wait().unwrap();
}

#[test]
fn a_password_is_asked_for_over_tcp() {
    let password = "c'est/un @mot:de passe?";
    let settings = Settings { auth: Auth::Scram(password.to_owned()), ..Settings::default() };
    let Some(cluster) = Cluster::start(&settings) else { return };
    assert_eq!(psql(&cluster, &cluster.create_database(), "SELECT 1").unwrap(), "1");
    let wrong = psql(&cluster, &cluster.url_as("hookwright:wrong", "postgres"), "SELECT 1").unwrap_err();
    assert!(wrong.contains("password authentication failed"), "{wrong}");
}

#[test]
fn tls_is_spoken_with_the_certificate_that_was_given() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let tls = Tls { certificate: cert.pem(), key: signing_key.serialize_pem(), client_authority: String::new() };
    let hba = vec!["hostssl all all 127.0.0.1/32 trust".to_owned()];
    let settings = Settings { tls: Some(tls), hba, ..Settings::default() }.with("application_name", "it's set");
    let Some(cluster) = Cluster::start(&settings) else { return };
    assert_eq!(cluster.execute("postgres", "SHOW ssl"), "on");
    let root = cluster.directory().join("root.crt");
    cluster.write(&root, &cert.pem());
    let url = cluster.url("postgres");
    let verified = format!("{url}?sslmode=verify-full&sslrootcert={}", root.display());
    let speaks = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(psql(&cluster, &verified, speaks).unwrap(), "t");
    assert!(psql(&cluster, &format!("{url}?sslmode=disable"), "SELECT 1").unwrap_err().contains("no encryption"));
}

/// Not a test of its own: what the next one kills.
#[test]
fn a_victim() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let cluster = Cluster::start(&Settings::default()).unwrap();
    if std::env::var(VICTIM).unwrap() == "paused" {
        cluster.pause();
    }
    let _ = writeln!(std::io::stderr(), "victim {} {}", cluster.port(), cluster.directory().display());
    // Until it is killed, or who started it has gone.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

#[test]
fn nothing_is_left_of_it_when_the_tests_are_killed() {
    if crate::Binaries::find().is_none() {
        return;
    }
    for state in ["running", "paused"] {
        let mut victim = Command::new(std::env::current_exe().unwrap());
        victim.args(["--exact", "tests::a_victim", "--nocapture"]).env(VICTIM, state);
        let mut victim = victim.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let line = BufReader::new(victim.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .find(|line| line.starts_with("victim "))
            .expect("the victim says where its server is");
        let mut words = line.split(' ').skip(1);
        let (port, directory): (u16, PathBuf) = (words.next().unwrap().parse().unwrap(), words.next().unwrap().into());
        assert!(directory.join("data").is_dir() && listens(port), "{line}");
        let server = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
        let server = Path::new("/proc").join(server.lines().next().unwrap());
        victim.kill().unwrap();
        victim.wait().unwrap();
        let gone = Command::new("timeout")
            .args(["30", "sh", "-c", "while [ -e \"$0\" ] || [ -e \"$1\" ]; do sleep 0.05; done"])
            .args([&directory, &server])
            .status()
            .unwrap();
        assert!(gone.success(), "{state}: {} or {} is still there", directory.display(), server.display());
    }
}
