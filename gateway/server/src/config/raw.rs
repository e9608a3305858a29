//! The configuration as it was typed: file, environment and flags laid over one another, and every name checked to be one there is.

use super::fault::{BadConfig, Fault, Origin};
use super::key::{self, COMMAND_VARIABLES, KEY_VARIABLE, KEYS, Key, PASSWORD_VARIABLE, SECRET_VARIABLES};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: usize = 1 << 20;
const PREFIX: &str = "HOOKWRIGHT_";

/// A value as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text: all there is in variables and flags.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// An array.
    List(Vec<Value>),
    /// A table whose keys the operator chose.
    Table(Vec<(String, Value)>),
    /// What no setting is: the word for it.
    Other(&'static str),
}

/// A value and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value.
    pub value: Value,
    /// Where it was given.
    pub origin: Origin,
}

/// Everything that was given, by path. Flags win over variables, variables over the file.
#[derive(Clone, Default)]
pub struct Raw {
    given: BTreeMap<&'static str, Given>,
    key_text: Option<String>,
    database_password: Option<String>,
    faults: Vec<Fault>,
}

/// The key's text and the password are secrets, and what was given for a proxy or a database may hold one.
impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raw").field("given", &self.given.keys()).field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl Raw {
    /// Reads a file and lays it under what is given later.
    pub fn read_file(&mut self, path: &Path) -> Result<(), BadConfig> {
        let name = path.display().to_string();
        let fail =
            |detail: String| BadConfig(vec![Fault { key: String::new(), origin: Origin::Flag(name.clone()), detail }]);
        let bytes =
            std::fs::read(path).map_err(|error| fail(format!("cannot read the configuration file: {error}")))?;
        if bytes.len() > FILE_BYTES_MAX {
            return Err(fail(format!("is larger than {FILE_BYTES_MAX} bytes, and no configuration is")));
        }
        let text = String::from_utf8(bytes).map_err(|_| fail("is not UTF-8".to_owned()))?;
        self.file(&name, &text);
        Ok(())
    }

    /// Takes the text of a file.
    pub fn file(&mut self, name: &str, text: &str) {
        let at = |span: Option<Range<usize>>| Origin::File { file: name.to_owned(), line: line(text, span) };
        match DeTable::parse(text) {
            Ok(table) => self.table("", table.get_ref(), &at),
            Err(error) => self.fault("", at(error.span()), format!("not TOML: {}", error.message())),
        }
    }

    fn table(&mut self, above: &str, table: &DeTable<'_>, at: &dyn Fn(Option<Range<usize>>) -> Origin) {
        for (name, value) in table {
            let path =
                if above.is_empty() { name.get_ref().to_string() } else { format!("{above}.{}", name.get_ref()) };
            let origin = at(Some(name.span()));
            match (key::find(&path), value.get_ref()) {
                (Some(key), value) => self.give(key, Given { value: convert(value), origin }),
                (None, DeValue::Table(below)) if key::is_table(&path) => self.table(&path, below, at),
                (None, _) if key::is_table(&path) => self.fault(&path, origin, format!("expected a table: [{path}]")),
                (None, _) => self.unknown(&path, origin),
            }
        }
    }

    /// Takes the environment: every variable whose name begins with `HOOKWRIGHT_`.
    pub fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let names: BTreeMap<String, &'static Key> = KEYS.iter().map(|key| (key.variable(), key)).collect();
        for (name, text) in variables {
            if !name.starts_with(PREFIX) || COMMAND_VARIABLES.contains(&name.as_str()) || is_service_link(&name) {
                continue;
            }
            let origin = Origin::Variable(name.clone());
            if name == KEY_VARIABLE {
                self.key_text = Some(text);
            } else if name == PASSWORD_VARIABLE {
                self.database_password = Some(text);
            } else if let Some(key) = names.get(&name) {
                self.give(key, Given { value: Value::Text(text), origin });
            } else {
                let known = names.keys().map(String::as_str).chain(COMMAND_VARIABLES);
                let known = known.chain(SECRET_VARIABLES.iter().map(|(name, _)| *name));
                let detail = not_a("variable", key::nearest(&name, known));
                self.fault("", origin, detail);
            }
        }
    }

    /// Takes a setting from a flag.
    pub fn flag(&mut self, flag: &str, path: &str, text: &str) {
        let origin = Origin::Flag(flag.to_owned());
        match key::find(path) {
            Some(key) => self.give(key, Given { value: Value::Text(text.to_owned()), origin }),
            None => self.unknown(path, origin),
        }
    }

    /// What was given for a setting.
    pub fn get(&self, path: &str) -> Option<&Given> {
        self.given.get(path)
    }

    /// The text of the sealing keys, if the environment has it.
    pub fn key_text(&self) -> Option<&str> {
        self.key_text.as_deref()
    }

    /// The database's password, if the environment has it.
    pub fn database_password(&self) -> Option<&str> {
        self.database_password.as_deref()
    }

    /// What was wrong with the names.
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    fn give(&mut self, key: &'static Key, given: Given) {
        self.given.insert(key.path, given);
    }

    fn unknown(&mut self, path: &str, origin: Origin) {
        let tables = KEYS.iter().filter_map(|key| Some(key.path.rsplit_once('.')?.0));
        let detail = not_a("setting", key::nearest(path, KEYS.iter().map(|key| key.path).chain(tables)));
        self.fault(path, origin, detail);
    }

    fn fault(&mut self, key: &str, origin: Origin, detail: String) {
        self.faults.push(Fault { key: key.to_owned(), origin, detail });
    }
}

fn not_a(what: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("there is no such {what}; the nearest is {name}"),
        None => format!("there is no such {what}; `hookwright check-config --keys` lists them"),
    }
}

/// Kubernetes gives every pod variables for each service of its namespace: for one called `hookwright` they begin like ours.
fn is_service_link(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    rest == "PORT"
        || rest.starts_with("SERVICE_")
        || rest.strip_prefix("PORT_").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn convert(value: &DeValue<'_>) -> Value {
    let inner = |value: &Spanned<DeValue<'_>>| convert(value.get_ref());
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number too large"), Value::Integer),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Array(values) => Value::List(values.iter().map(inner).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().map(|(name, value)| (name.get_ref().to_string(), inner(value))).collect())
        }
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
    }
}

fn line(text: &str, span: Option<Range<usize>>) -> usize {
    let end = span.map_or(0, |span| span.start).min(text.len());
    text.get(..end).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Raw {
        let mut raw = Raw::default();
        raw.environment(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        raw
    }

    fn faults(raw: Raw) -> Vec<String> {
        raw.into_faults().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest() {
        let mut raw = Raw::default();
        raw.file("h.toml", "[public]\nlisten = \"127.0.0.1:1\"\nlistne = \"x\"\n\n[zebra]\nx = 1\n");
        assert_eq!(
            faults(raw),
            [
                "public.listne (h.toml:3): there is no such setting; the nearest is public.listen",
                "zebra (h.toml:5): there is no such setting; `hookwright check-config --keys` lists them",
            ]
        );
    }

    #[test]
    fn a_broken_file_names_its_line() {
        let mut raw = Raw::default();
        raw.file("h.toml", "[public]\nlisten = \n");
        let found = faults(raw);
        assert!(found[0].starts_with("h.toml:2: not TOML: "), "{found:?}");
    }

    #[test]
    fn a_value_in_place_of_a_table_is_told() {
        let mut raw = Raw::default();
        raw.file("h.toml", "public = 8080\n");
        assert_eq!(faults(raw), ["public (h.toml:1): expected a table: [public]"]);
    }

    #[test]
    fn an_unknown_variable_names_the_nearest() {
        let found = faults(variables(&[("HOOKWRIGHT_PUBLIC_LISTNE", "x"), ("PATH", "y"), ("HOOKWRIGHT_URL", "z")]));
        assert_eq!(
            found,
            ["HOOKWRIGHT_PUBLIC_LISTNE: there is no such variable; the nearest is HOOKWRIGHT_PUBLIC_LISTEN"]
        );
    }

    #[test]
    fn what_kubernetes_sets_for_a_service_of_our_name_is_left_alone() {
        let links =
            ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP", "PORT_8080_TCP_ADDR"];
        for link in links {
            assert_eq!(
                faults(variables(&[(&format!("HOOKWRIGHT_{link}"), "10.0.0.1")])),
                Vec::<String>::new(),
                "{link}"
            );
        }
    }

    #[test]
    fn flags_win_over_variables_and_variables_over_the_file() {
        let mut raw = Raw::default();
        raw.file("h.toml", "drain = \"1s\"\ndatabase_url = \"sqlite:a\"\n[log]\nfilter = \"a\"");
        raw.environment([
            ("HOOKWRIGHT_DRAIN".to_owned(), "2s".to_owned()),
            ("HOOKWRIGHT_LOG_FILTER".to_owned(), "b".to_owned()),
        ]);
        raw.flag("--set", "drain", "3s");
        let value = |path| raw.get(path).map(|given| given.value.clone());
        assert_eq!(value("drain"), Some(Value::Text("3s".into())));
        assert_eq!(value("log.filter"), Some(Value::Text("b".into())));
        assert_eq!(value("database_url"), Some(Value::Text("sqlite:a".into())));
    }

    #[test]
    fn secrets_are_not_printed() {
        let raw = variables(&[("HOOKWRIGHT_KEY", "hunter2"), ("HOOKWRIGHT_DATABASE_PASSWORD", "hunter2")]);
        assert_eq!(raw.key_text(), Some("hunter2"));
        assert_eq!(raw.database_password(), Some("hunter2"));
        assert!(!format!("{raw:?}").contains("hunter2"));
    }
}
