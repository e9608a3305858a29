//! Connections: how each is set up, and how one that broke is made anew.

use crate::database::Connection;
use crate::fault::Failure;
use hookwright_store::{Answering, StoreError};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};
use std::str::FromStr;
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a reader waits for a connection.
const READER_PATIENCE: Duration = Duration::from_secs(5);

/// How long a statement of a group may take at most.
const GROUP: Duration = Duration::from_secs(3);

/// How long an answer may take that the server's own limits have let pass: then the way to it is broken, whatever the connection looks like. Without this, a
/// network that swallows everything would keep whoever asks waiting for as long as the kernel repeats itself.
const ANSWER: Duration = Duration::from_secs(10);
/// The same for a change of several statements.
const CHANGE: Duration = Duration::from_secs(30);

/// Waits for an answer of one statement, or a few, and no longer than is reasonable.
pub(crate) async fn answered<T, E>(asking: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    Ok(timeout(ANSWER, asking).await.map_err(|_| silent())??)
}

/// Waits for a change of several statements.
pub(crate) async fn changed<T>(changing: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(CHANGE, changing).await.map_err(|_| silent())?
}

/// The same for whoever reads, as the ports have it.
pub(crate) fn bounded<'a, T: Send + 'a>(
    reading: impl Future<Output = Result<T, StoreError>> + Send + 'a,
) -> Answering<'a, T> {
    Box::pin(async move {
        let read = timeout(ANSWER, reading).await;
        read.unwrap_or_else(|_| Err(silent().into()))
    })
}

/// The database does not answer.
fn silent() -> Failure {
    let why = std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not answer");
    Failure::Database(sqlx::Error::Io(why))
}

/// How to connect, whatever for.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    options: PgConnectOptions,
    statement_timeout: Duration,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Few rows by their keys: whatever the tables' statistics say at the moment, an index is the way to them.
    Keys,
    /// The same for readers: a plan that was made while a table was empty would read the whole of it for as long as the plan is kept.
    Reads,
    /// Anything.
    Any,
}

impl Door {
    /// From a URL. The error says nothing of it, since it may hold a password.
    pub(crate) fn new(url: &str, statement_timeout: Duration) -> Result<Self, StoreError> {
        let bad = |_| StoreError::Unsuitable("the database's URL is none that PostgreSQL knows".to_owned());
        let options = PgConnectOptions::from_str(url).map_err(bad)?;
        Ok(Self { options: options.application_name("hookwright").disable_statement_logging(), statement_timeout })
    }

    /// How it connects, for messages.
    pub(crate) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The server, for messages.
    pub(crate) fn place(&self) -> String {
        let port = self.options.get_port();
        match self.options.get_socket() {
            Some(directory) => format!("PostgreSQL at {} (port {port})", directory.display()),
            None => format!("PostgreSQL at {}:{port}", self.options.get_host()),
        }
    }

    /// The database, for messages.
    pub(crate) fn database(&self) -> &str {
        self.options.get_database().unwrap_or(self.options.get_username())
    }

    /// Database and server, for messages.
    pub(crate) fn database_at(&self) -> String {
        format!("database {} at {}", self.database(), self.place())
    }

    /// A connection, ready to use.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<Connection, Failure> {
        let connecting = timeout(CONNECT, self.options.connect()).await;
        let mut connection = connecting.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let setup = self.setup(purpose);
        timeout(CONNECT, connection.execute(sqlx::AssertSqlSafe(setup)))
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        Ok(connection)
    }

    /// The pool of readers, which connects when it is first asked.
    pub(crate) fn pool(&self, connections: u32) -> PgPool {
        let setup = self.setup(Purpose::Reads);
        PgPoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(READER_PATIENCE)
            .after_connect(move |connection, _| {
                let setup = setup.clone();
                Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(setup)).await.map(drop) })
            })
            .connect_lazy_with(self.options.clone())
    }

    /// A transaction whose node stands still holds others up no longer than a statement may take.
    fn setup(&self, purpose: Purpose) -> String {
        let usual = self.statement_timeout;
        // What a group decided by does not hold for long.
        let ms = if purpose == Purpose::Keys { usual.min(GROUP) } else { usual }.as_millis();
        let keys = match purpose {
            Purpose::Keys | Purpose::Reads => {
                "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;"
            }
            Purpose::Any => "SET jit = off;",
        };
        format!(
            "SET statement_timeout = {ms}; SET lock_timeout = {ms}; SET idle_in_transaction_session_timeout = {ms}; SET synchronous_commit = on; {keys}"
        )
    }
}

/// A connection that is made when it is needed, and made anew after it broke.
pub(crate) struct Line {
    door: Door,
    purpose: Purpose,
    connection: Option<Connection>,
}

impl Line {
    pub(crate) const fn new(door: Door, purpose: Purpose) -> Self {
        Self { door, purpose, connection: None }
    }

    /// The connection, made now if there is none.
    pub(crate) async fn get(&mut self) -> Result<&mut Connection, Failure> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.door.connect(self.purpose).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Lets go of a connection that may be in any state: the server ends its transaction.
    pub(crate) fn drop_connection(&mut self) {
        self.connection = None;
    }

    /// Takes the connection out, to be put back when what it is used for went well.
    pub(crate) async fn take(&mut self) -> Result<Connection, Failure> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.door.connect(self.purpose).await,
        }
    }

    /// Puts a connection back.
    pub(crate) fn put_back(&mut self, connection: Connection) {
        self.connection = Some(connection);
    }
}
