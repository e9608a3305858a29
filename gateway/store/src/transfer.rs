//! Records as they move from one kind of store to another: every table that both have, row by row, and a sum that tells whether they arrived.
//!
//! Sealed records move as they are: tables, rows and columns are called alike in every store, and that is what a seal covers besides what is inside.

use Kind::{Bytes, Number, Text};
use sha2::{Digest, Sha256};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A whole number.
    Number,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A table: its name, its columns, and how many of the first make a row's key, by which it is read in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, those of the key first.
    pub columns: &'static [(&'static str, Kind)],
    /// How many columns the key has.
    pub key: usize,
    /// Which rows move, as SQL that every store understands.
    pub which: &'static str,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// None.
    Null,
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// The values of a table's columns, in their order.
pub type Row = Vec<Cell>;

/// The most rows that are read at once.
pub const PAGE_ROWS_MAX: usize = 1_000;
/// How many bytes of rows are read at once, besides the row that exceeds them.
pub const PAGE_BYTES_MAX: usize = 4 << 20;

const ALL: &str = "TRUE";

const fn table(name: &'static str, key: usize, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, columns, key, which: ALL }
}

/// Every table that moves, in the order in which they do: what is small and needed first, then what grows with the traffic.
pub const TABLES: [Table; 22] = [
    Table { which: "name = 'audit_anchor'", ..table("meta", 1, &[("name", Text), ("value", Bytes)]) },
    table(
        "api_key",
        1,
        &[
            ("id", Number),
            ("name", Text),
            ("hash", Bytes),
            ("scopes", Text),
            ("expires_at", Number),
            ("revoked", Number),
            ("created_at", Number),
        ],
    ),
    table(
        "subscription",
        1,
        &[
            ("id", Number),
            ("active", Number),
            ("version", Number),
            ("created_at", Number),
            ("updated_at", Number),
            ("deleted_at", Number),
            ("document", Bytes),
        ],
    ),
    table(
        "source",
        1,
        &[
            ("id", Number),
            ("slug", Text),
            ("active", Number),
            ("version", Number),
            ("created_at", Number),
            ("updated_at", Number),
            ("document", Bytes),
        ],
    ),
    table(
        "plugin",
        1,
        &[
            ("id", Number),
            ("name", Text),
            ("world", Text),
            ("active", Text),
            ("canary", Text),
            ("policy", Text),
            ("updated_at", Number),
            ("revision", Number),
        ],
    ),
    table(
        "plugin_activation",
        1,
        &[
            ("id", Number),
            ("plugin", Text),
            ("digest", Text),
            ("previous", Text),
            ("cause", Text),
            ("at", Number),
            ("by", Text),
        ],
    ),
    table(
        "plugin_version",
        1,
        &[
            ("id", Number),
            ("plugin", Text),
            ("digest", Text),
            ("world", Text),
            ("version", Text),
            ("description", Text),
            ("size", Number),
            ("created_at", Number),
            ("created_by", Text),
            ("contract", Text),
            ("fixtures", Number),
            ("quarantine", Text),
            ("quarantine_told", Number),
        ],
    ),
    table("component", 1, &[("digest", Text), ("bytes", Bytes)]),
    table("plugin_file", 1, &[("file", Text), ("digest", Text)]),
    table("failing", 1, &[("subscription_id", Number), ("since", Number), ("warned", Number)]),
    table("notice", 1, &[("id", Number), ("event_type", Text), ("data", Text), ("ordering_key", Text)]),
    table(
        "customer",
        1,
        &[
            ("external_id", Text),
            ("region", Text),
            ("region_outcome", Text),
            ("created_at", Number),
            ("updated_at", Number),
            ("person", Bytes),
        ],
    ),
    table(
        "establishment",
        1,
        &[
            ("id", Number),
            ("customer_id", Text),
            ("region", Text),
            ("established", Number),
            ("since", Number),
            ("until", Number),
            ("appointment_id", Text),
            ("message_id", Number),
            ("updated_at", Number),
        ],
    ),
    table("dedupe", 2, &[("period", Number), ("key", Bytes), ("message_id", Number)]),
    table(
        "idempotency",
        2,
        &[("period", Number), ("key", Bytes), ("body_hash", Bytes), ("status", Number), ("body", Bytes)],
    ),
    table("resumable", 1, &[("message_id", Number)]),
    table(
        "audit",
        1,
        &[
            ("id", Number),
            ("at", Number),
            ("actor", Text),
            ("action", Text),
            ("target", Text),
            ("reason", Text),
            ("request_id", Text),
            ("detail", Text),
            ("previous", Bytes),
            ("hash", Bytes),
        ],
    ),
    table(
        "message",
        1,
        &[
            ("id", Number),
            ("source_id", Number),
            ("hook", Text),
            ("method", Text),
            ("tier", Text),
            ("received_at", Number),
            ("status", Text),
            ("reason", Text),
            ("waiting_for", Text),
            ("plugin_digest", Text),
            ("events", Text),
            ("metadata", Text),
            ("updated_at", Number),
            ("findings", Bytes),
            ("content", Bytes),
            ("secret_id", Number),
        ],
    ),
    table(
        "event",
        1,
        &[
            ("id", Number),
            ("event_type", Text),
            ("created_at", Number),
            ("message_id", Number),
            ("origin", Text),
            ("fan_out", Text),
            ("data", Bytes),
            ("ordering_key", Bytes),
        ],
    ),
    table(
        "pending",
        1,
        &[
            ("id", Number),
            ("event_id", Number),
            ("subscription_id", Number),
            ("attempts", Number),
            ("budget_from", Number),
            ("due_at", Number),
            ("order_key", Number),
        ],
    ),
    table(
        "settled",
        1,
        &[
            ("id", Number),
            ("event_id", Number),
            ("subscription_id", Number),
            ("status", Text),
            ("reason", Text),
            ("attempts", Number),
            ("response_code", Number),
            ("settled_at", Number),
        ],
    ),
    table(
        "attempt",
        2,
        &[
            ("delivery_id", Number),
            ("number", Number),
            ("id", Number),
            ("event_id", Number),
            ("subscription_id", Number),
            ("started_at", Number),
            ("duration_ms", Number),
            ("response_code", Number),
            ("error_kind", Text),
            ("plugin_digest", Text),
            ("exchange", Bytes),
        ],
    ),
];

impl Table {
    /// The key of a row.
    pub fn key_of<'a>(&self, row: &'a [Cell]) -> &'a [Cell] {
        &row[..self.key.min(row.len())]
    }

    /// The names of the columns, quoted and separated by commas; `text` says how those of text are told apart in the store's order.
    fn names(&self, columns: usize, text: &str) -> String {
        (0..columns).map(|at| self.name_of(at, text)).collect::<Vec<_>>().join(", ")
    }

    fn name_of(&self, at: usize, text: &str) -> String {
        let (name, kind) = self.columns[at];
        format!("\"{name}\"{}", if kind == Text { text } else { "" })
    }

    /// The names of all columns, as they stand in a statement.
    pub fn columns_sql(&self) -> String {
        self.names(self.columns.len(), "")
    }

    /// Reads rows in the order of their keys, after a key if there is one: its values are the statement's. `text` is what has text ordered by its bytes.
    pub fn page_sql(&self, is_first: bool, text: &str) -> String {
        let (name, which, key) = (self.name, self.which, self.names(self.key, text));
        let values: Vec<String> = (1..=self.key).map(|at| format!("${at}")).collect();
        let after = if is_first { String::new() } else { format!(" AND ({key}) > ({})", values.join(", ")) };
        format!("SELECT {} FROM {name} WHERE {which}{after} ORDER BY {key} LIMIT {PAGE_ROWS_MAX}", self.columns_sql())
    }

    /// Reads the row with the greatest key.
    pub fn last_sql(&self, text: &str) -> String {
        let (name, which) = (self.name, self.which);
        let key: Vec<String> = (0..self.key).map(|at| format!("{} DESC", self.name_of(at, text))).collect();
        format!("SELECT {} FROM {name} WHERE {which} ORDER BY {} LIMIT 1", self.columns_sql(), key.join(", "))
    }

    /// Counts the rows that move.
    pub fn count_sql(&self) -> String {
        format!("SELECT count(*) FROM {} WHERE {}", self.name, self.which)
    }
}

impl Cell {
    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Null | Self::Number(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// What a table's rows add up to, in the order of their keys.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    rows: u64,
    sum: Sha256,
}

/// The rows of a table, and the SHA-256 of all their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// Of what is in them.
    pub sha256: [u8; 32],
}

impl Tally {
    /// Adds the next row. No two rows that differ are written alike: each value says its kind and its length.
    pub fn add(&mut self, row: &[Cell]) {
        self.rows += 1;
        for cell in row {
            match cell {
                Cell::Null => self.sum.update(b"0"),
                Cell::Number(number) => {
                    self.sum.update(b"n");
                    self.sum.update(number.to_be_bytes());
                }
                Cell::Text(text) => self.long(b"t", text.as_bytes()),
                Cell::Bytes(bytes) => self.long(b"b", bytes),
            }
        }
    }

    /// Adds the next rows.
    pub fn add_all(&mut self, rows: &[Row]) {
        for row in rows {
            self.add(row);
        }
    }

    fn long(&mut self, kind: &[u8], bytes: &[u8]) {
        self.sum.update(kind);
        self.sum.update((bytes.len() as u64).to_be_bytes());
        self.sum.update(bytes);
    }

    /// All rows were added.
    pub fn sum(self) -> Sum {
        Sum { rows: self.rows, sha256: self.sum.finalize().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[Row]) -> Sum {
        let mut tally = Tally::default();
        tally.add_all(rows);
        tally.sum()
    }

    #[test]
    fn rows_that_differ_add_up_to_something_else() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let rows = [
            vec![],
            vec![vec![Cell::Null]],
            vec![vec![Cell::Null, Cell::Null]],
            vec![vec![Cell::Null], vec![Cell::Null]],
            vec![vec![Cell::Number(1)]],
            vec![vec![text("ab"), text("c")]],
            vec![vec![text("a"), text("bc")]],
            vec![vec![Cell::Bytes(b"ab".to_vec()), text("c")]],
        ];
        for (at, one) in rows.iter().enumerate() {
            assert_eq!(sum(one), sum(one));
            for other in &rows[..at] {
                assert_ne!(sum(one), sum(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn pages_are_read_by_the_key() {
        let table = TABLES.iter().find(|table| table.name == "dedupe").unwrap();
        assert_eq!(
            table.page_sql(false, " COLLATE \"C\""),
            "SELECT \"period\", \"key\", \"message_id\" FROM dedupe WHERE TRUE AND (\"period\", \"key\") > ($1, $2) ORDER BY \"period\", \"key\" LIMIT 1000"
        );
        let table = TABLES.iter().find(|table| table.name == "plugin_file").unwrap();
        assert_eq!(
            table.page_sql(true, " COLLATE \"C\""),
            "SELECT \"file\", \"digest\" FROM plugin_file WHERE TRUE ORDER BY \"file\" COLLATE \"C\" LIMIT 1000"
        );
    }
}
