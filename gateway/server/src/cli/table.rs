//! Tables for people: columns as wide as their widest entry.

/// A table with its headings.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row; an empty entry is shown as `-`.
    pub(super) fn row(&mut self, entries: impl IntoIterator<Item = String>) {
        let shown = |entry: String| if entry.is_empty() { "-".to_owned() } else { entry };
        self.rows.push(entries.into_iter().map(shown).collect());
    }

    /// The text, without a line break at its end.
    pub(super) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| {
            self.rows.iter().filter_map(|row| row.get(at)).map(|entry| entry.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(entry, width)| format!("{entry:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["ID", "NAME"]);
        table.row(["key_1".to_owned(), "ci".to_owned()]);
        table.row(["k".to_owned(), String::new()]);
        assert_eq!(table.text(), "ID     NAME\nkey_1  ci\nk      -");
    }
}
