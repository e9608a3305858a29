//! Taking everything in that a store of another kind has, row by row. Until all has arrived and was compared, no gateway starts on the database.

use crate::config::PostgresConfig;
use crate::connection::Door;
use crate::database::Connection;
use crate::fault::{Failure, code};
use crate::open::prepare;
use crate::partition::{self, DAILY, day_of};
use crate::sealer::Entropy;
use crate::sealer::Sealer;
use futures_util::TryStreamExt;
use hookwright_core::id::created_at_ms;
use hookwright_store::StoreError;
use hookwright_store::transfer::{Cell, Kind, PAGE_BYTES_MAX, Row, TABLES, Table};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, Executor, Postgres, Row as _};

/// Text in the order of its bytes, as every store has it.
const BY_BYTES: &str = " COLLATE \"C\"";
/// The most days that get partitions of their own; what is older stays together.
const DAYS_MAX: i64 = 800;
/// What other programs of this kind are kept away by.
const LOCK: i64 = 7_594_036;

/// A database that is being filled.
pub struct PostgresTarget {
    connection: Connection,
    identity: Vec<u8>,
    place: String,
}

/// How far a database is.
pub enum Arrival {
    /// It is to be filled, from its beginning or from where an earlier run ended.
    Open(PostgresTarget),
    /// Everything of this source is there, and was compared.
    Complete,
}

/// Refuses a database that is not filled yet.
pub(crate) async fn refuse_half(connection: &mut Connection, place: &str) -> Result<(), StoreError> {
    let half = meta(connection, "moving_from").await?;
    half.map_or(Ok(()), |_| {
        Err(StoreError::Unsuitable(format!(
            "{place} is not filled yet: run `hookwright migrate --to` again, as it was run before; it goes on where it ended"
        )))
    })
}

impl PostgresTarget {
    /// Opens a database for the source of this identity. Refuses one that holds records of anything else, and one that a gateway runs on.
    pub async fn open(config: PostgresConfig, entropy: Entropy, identity: &[u8]) -> Result<Arrival, StoreError> {
        let door = Door::new(&config.url, config.statement_timeout)?;
        let place = door.database_at();
        let (mut connection, _) = prepare(&door, config.readers, &Sealer::new(config.keyring, entropy)).await?;
        // A page may take as long as it takes. What the disk has not seen when the server ends is copied again.
        let limits =
            "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET synchronous_commit = off";
        connection.execute(limits).await.map_err(Failure::from)?;
        let mut target = Self { connection, identity: identity.to_vec(), place };
        target.take_alone().await?;
        if meta(&mut target.connection, "moved_from").await?.is_some_and(|from| from == identity) {
            return Ok(Arrival::Complete);
        }
        match meta(&mut target.connection, "moving_from").await? {
            Some(from) if from == identity => {}
            Some(_) => {
                let why = format!("{} is being filled from another database: name an empty one", target.place);
                return Err(StoreError::Unsuitable(why));
            }
            None => target.begin().await?,
        }
        Ok(Arrival::Open(target))
    }

    async fn take_alone(&mut self) -> Result<(), StoreError> {
        let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        let is_ours: bool = lock.fetch_one(&mut self.connection).await.map_err(Failure::from)?;
        if is_ours {
            return Ok(());
        }
        Err(StoreError::Unsuitable(format!("{} is being filled by another process", self.place)))
    }

    /// Marks an empty database as one that is being filled.
    async fn begin(&mut self) -> Result<(), StoreError> {
        for table in &TABLES {
            if self.count(table).await? > 0 {
                let why = format!("{} holds records already (table {}): name an empty one", self.place, table.name);
                return Err(StoreError::Unsuitable(why));
            }
        }
        let nodes = sqlx::query_scalar("SELECT count(*) FROM node WHERE lease_until > now_ms()");
        let nodes: i64 = nodes.fetch_one(&mut self.connection).await.map_err(Failure::from)?;
        if nodes > 0 {
            let why = format!("{} is in use (living nodes: {nodes}): stop them first", self.place);
            return Err(StoreError::Unsuitable(why));
        }
        let mark = sqlx::query("INSERT INTO meta (name, value) VALUES ('moving_from', $1)").bind(&self.identity);
        mark.execute(&mut self.connection).await.map_err(Failure::from)?;
        Ok(())
    }

    /// Whether a table is kept by days: its keys begin with an id.
    pub fn is_daily(table: &Table) -> bool {
        DAILY.contains(&table.name)
    }

    /// Makes the partitions of the days from the first to the last key of a table that is kept by days.
    pub async fn make_room(&mut self, table: &Table, (least, greatest): (i64, i64)) -> Result<(), StoreError> {
        let newest = day_of(created_at_ms(greatest));
        for day in day_of(created_at_ms(least)).max(newest - DAYS_MAX)..=newest {
            partition::make(&mut self.connection, table.name, day).await?;
        }
        Ok(())
    }

    /// How many rows of a table are there.
    pub async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(table.count_sql()))
            .fetch_one(&mut self.connection)
            .await
            .map_err(Failure::from)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The key of the last row that is there: everything before it is there, too.
    pub async fn last(&mut self, table: &Table) -> Result<Option<Vec<Cell>>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(table.last_sql(BY_BYTES))).fetch_optional(&mut self.connection).await;
        let row = row.map_err(Failure::from)?;
        Ok(row.map(|row| read(&row, table)).transpose()?.map(|row| table.key_of(&row).to_vec()))
    }

    /// Takes rows in, all of them or none.
    pub async fn put(&mut self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        let lists: Vec<String> = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, (_, kind))| format!("${}::{}[]", at + 1, sql_type(*kind)))
            .collect();
        // Attempts made by a gateway that was alone are of no node.
        let (node, of_nobody) = if table.name == "attempt" { (", node_id", ", 0") } else { ("", "") };
        let text = format!(
            "INSERT INTO {} ({}{node}) SELECT r.*{of_nobody} FROM unnest({}) AS r",
            table.name,
            table.columns_sql(),
            lists.join(", ")
        );
        let mut query = sqlx::query(AssertSqlSafe(text));
        for (at, (_, kind)) in table.columns.iter().enumerate() {
            query = bind_list(query, *kind, rows, at);
        }
        match query.execute(&mut self.connection).await {
            Ok(_) => Ok(()),
            // Such as text with a zero byte, which PostgreSQL does not take.
            Err(error) if code(&error).is_some_and(|code| code.starts_with("22")) => Err(StoreError::Unsuitable(
                format!("a record of table {} cannot be kept in PostgreSQL: {error}", table.name),
            )),
            Err(error) => Err(Failure::from(error).into()),
        }
    }

    /// The rows that follow a key, or the first ones; none at the end.
    pub async fn page(&mut self, table: &Table, after: Option<&[Cell]>) -> Result<Vec<Row>, StoreError> {
        let mut query = sqlx::query(AssertSqlSafe(table.page_sql(after.is_none(), BY_BYTES)));
        for cell in after.unwrap_or_default() {
            query = match cell {
                Cell::Null => query.bind(None::<i64>),
                Cell::Number(number) => query.bind(*number),
                Cell::Text(text) => query.bind(text.clone()),
                Cell::Bytes(bytes) => query.bind(bytes.clone()),
            };
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let mut found = query.fetch(&mut self.connection);
        while bytes < PAGE_BYTES_MAX
            && let Some(row) = found.try_next().await.map_err(Failure::from)?
        {
            let row = read(&row, table)?;
            bytes += row.iter().map(Cell::bytes).sum::<usize>();
            rows.push(row);
        }
        Ok(rows)
    }

    /// Everything has arrived and was compared: gateways may start. What they go on from follows from the records.
    pub async fn complete(mut self) -> Result<(), StoreError> {
        self.connection.execute("SET synchronous_commit = on").await.map_err(Failure::from)?;
        let mut transaction = self.connection.begin().await.map_err(Failure::from)?;
        for text in COMPLETE {
            transaction.execute(text).await.map_err(Failure::from)?;
        }
        let mark = "UPDATE meta SET name = 'moved_from' WHERE name = 'moving_from'";
        transaction.execute(mark).await.map_err(Failure::from)?;
        transaction.commit().await.map_err(Failure::from)?;
        // What the planner knows of the tables before autovacuum comes by.
        self.connection.execute("ANALYZE").await.map_err(Failure::from)?;
        Ok(self.connection.close().await.map_err(Failure::from)?)
    }
}

/// The end of the audit's chain; ids that are greater than all there are; and word that the catalogue has changed.
const COMPLETE: [&str; 3] = [
    "UPDATE audit_end AS e SET id = a.id, hash = a.hash FROM (SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1) AS a",
    "SELECT take_places(((max(id) >> 22) << 12) | 4095, 1) FROM (
         SELECT max(id) AS id FROM event UNION ALL SELECT max(id) FROM pending UNION ALL SELECT max(id) FROM settled UNION ALL SELECT max(id) FROM attempt
         UNION ALL SELECT max(id) FROM message UNION ALL SELECT max(id) FROM audit UNION ALL SELECT max(id) FROM establishment
         UNION ALL SELECT max(id) FROM subscription UNION ALL SELECT max(id) FROM source UNION ALL SELECT max(id) FROM plugin
         UNION ALL SELECT max(id) FROM plugin_version UNION ALL SELECT max(id) FROM plugin_activation UNION ALL SELECT max(id) FROM api_key
     ) AS made HAVING max(id) IS NOT NULL",
    "UPDATE revision SET number = number + 1",
];

async fn meta(connection: &mut Connection, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let value = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name);
    Ok(value.fetch_optional(connection).await?)
}

const fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "bigint",
        Kind::Text => "text",
        Kind::Bytes => "bytea",
    }
}

type Asked<'q> = Query<'q, Postgres, PgArguments>;

/// Binds what a column holds in each of the rows.
fn bind_list<'q>(query: Asked<'q>, kind: Kind, rows: &'q [Row], at: usize) -> Asked<'q> {
    let cells = rows.iter().map(|row| &row[at]);
    match kind {
        Kind::Number => query.bind(
            cells.map(|cell| if let Cell::Number(number) = cell { Some(*number) } else { None }).collect::<Vec<_>>(),
        ),
        Kind::Text => query.bind(
            cells.map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None }).collect::<Vec<_>>(),
        ),
        Kind::Bytes => query.bind(
            cells.map(|cell| if let Cell::Bytes(bytes) = cell { Some(&bytes[..]) } else { None }).collect::<Vec<_>>(),
        ),
    }
}

fn read(row: &PgRow, table: &Table) -> Result<Row, Failure> {
    let cell = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Number => row.try_get::<Option<i64>, _>(at)?.map(Cell::Number),
            Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Cell::Text),
            Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Cell::Bytes),
        }
        .unwrap_or(Cell::Null))
    };
    table.columns.iter().enumerate().map(cell).collect()
}
