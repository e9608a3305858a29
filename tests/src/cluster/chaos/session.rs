//! A person's session at the database, who began a transaction and went to lunch.

use hookwright_test_postgres::Cluster;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// An open transaction; it ends with the session, when this is dropped or the server goes.
pub(super) struct Session {
    _psql: Child,
}

impl Session {
    /// Begins a transaction and runs `sql` in it. `None` if the server went away meanwhile.
    pub(super) async fn hold(cluster: &Cluster, url: &str, sql: &str) -> Option<Self> {
        let mut psql = Command::from(cluster.command("psql"));
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url]).kill_on_drop(true);
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut psql = psql.spawn().unwrap();
        let mut stdin = psql.stdin.take().unwrap();
        let script = format!("BEGIN ISOLATION LEVEL REPEATABLE READ;\n{sql};\n\\echo held\n");
        let _ = stdin.write_all(script.as_bytes()).await;
        let mut lines = BufReader::new(psql.stdout.take().unwrap()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line == "held" {
                psql.stdin = Some(stdin);
                return Some(Self { _psql: psql });
            }
        }
        let mut said = BufReader::new(psql.stderr.take().unwrap()).lines();
        let mut all = String::new();
        while let Ok(Some(line)) = said.next_line().await {
            all += &line;
        }
        // The server went, or the row that was to be held did, which its snapshot still shows.
        let went =
            ["terminat", "refused", "starting up", "shutting down", "closed the connection", "could not serialize"];
        assert!(went.iter().any(|word| all.contains(word)), "{sql}: {all}");
        None
    }
}
