//! Reads settings one by one out of what was typed, collecting what is wrong and what is in effect.

use super::fault::{Fault, Origin};
use super::quantity::{format_duration, format_size, parse_duration, parse_size};
use super::raw::{Given, Raw, Value};
use std::ops::RangeInclusive;
use std::time::Duration;

/// One setting as it is in effect: its path, its value as TOML, and where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The setting's path.
    pub path: &'static str,
    /// Its value as TOML; `None` where it has none.
    pub value: Option<String>,
    /// Where it was given.
    pub origin: Origin,
}

/// Reads settings.
pub(super) struct Reader<'a> {
    raw: &'a Raw,
    pub(super) faults: Vec<Fault>,
    pub(super) settings: Vec<Setting>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(raw: &'a Raw) -> Self {
        Self { raw, faults: Vec::new(), settings: Vec::new() }
    }

    /// A setting that `parse` understands; its error says what was expected.
    pub(super) fn parsed<T>(
        &mut self,
        path: &'static str,
        default: T,
        show: impl Fn(&T) -> String,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let value = self.read(path, |given| match &given.value {
            Value::Text(text) => parse(text),
            Value::Integer(number) => parse(&number.to_string()),
            Value::Boolean(value) => parse(&value.to_string()),
            other => Err(format!("expected text or a whole number, found {}", kind(other))),
        });
        let value = value.unwrap_or(default);
        self.note(path, Some(show(&value)));
        value
    }

    /// A setting that may be left out.
    pub(super) fn optional<T>(
        &mut self,
        path: &'static str,
        show: impl Fn(&T) -> String,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.read(path, |given| match &given.value {
            Value::Text(text) => parse(text),
            other => Err(format!("expected text, found {}", kind(other))),
        });
        self.note(path, value.as_ref().map(show));
        value
    }

    pub(super) fn duration(
        &mut self,
        path: &'static str,
        default: Duration,
        within: RangeInclusive<Duration>,
    ) -> Duration {
        let expected = format!(
            "expected a duration from {} to {}",
            format_duration(*within.start()),
            format_duration(*within.end())
        );
        self.parsed(
            path,
            default,
            |value| quoted(&format_duration(*value)),
            |text| {
                let value = parse_duration(text)
                    .ok_or_else(|| format!("{expected}, such as 5s or 1m30s, found {}", found(text)))?;
                if within.contains(&value) { Ok(value) } else { Err(format!("{expected}, found {}", found(text))) }
            },
        )
    }

    pub(super) fn size(&mut self, path: &'static str, default: u64, within: RangeInclusive<u64>) -> usize {
        let expected =
            format!("expected a size from {} to {}", format_size(*within.start()), format_size(*within.end()));
        let value = self.parsed(
            path,
            default,
            |value| quoted(&format_size(*value)),
            |text| {
                let value = parse_size(text)
                    .ok_or_else(|| format!("{expected}, such as 65536 or 64KiB, found {}", found(text)))?;
                if within.contains(&value) { Ok(value) } else { Err(format!("{expected}, found {}", found(text))) }
            },
        );
        // No limit above is beyond what a usize holds.
        usize::try_from(value).unwrap_or(usize::MAX)
    }

    pub(super) fn number(&mut self, path: &'static str, default: u32, within: RangeInclusive<u32>) -> u32 {
        let expected = format!("expected a whole number from {} to {}", within.start(), within.end());
        self.parsed(path, default, u32::to_string, |text| {
            let value = text.trim().parse().ok().filter(|value| within.contains(value));
            value.ok_or_else(|| format!("{expected}, found {}", found(text)))
        })
    }

    pub(super) fn boolean(&mut self, path: &'static str, default: bool) -> bool {
        self.parsed(path, default, bool::to_string, |text| match text.trim() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("expected true or false, found {}", found(other))),
        })
    }

    /// A list: an array in the file, comma-separated text in a variable or flag.
    pub(super) fn list<T>(
        &mut self,
        path: &'static str,
        default: Vec<T>,
        show: impl Fn(&T) -> String,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let value = self.read(path, |given| {
            let items: Vec<String> = match &given.value {
                Value::List(items) => items.iter().map(text_of).collect::<Result<_, _>>()?,
                Value::Text(text) if !matches!(given.origin, Origin::File { .. }) => split(text),
                other => return Err(format!("expected a list, found {}", kind(other))),
            };
            let read = |(at, item): (usize, &String)| parse(item).map_err(|error| format!("entry {}: {error}", at + 1));
            all(items.iter().enumerate().map(read))
        });
        let value = value.unwrap_or(default);
        let shown: Vec<String> = value.iter().map(|item| quoted(&show(item))).collect();
        self.note(path, Some(format!("[{}]", shown.join(", "))));
        value
    }

    /// A table of whole numbers whose keys the operator chooses: `NAME=1,OTHER=2` in a variable or flag.
    pub(super) fn numbers_by<K: Ord + ToString>(
        &mut self,
        path: &'static str,
        within: RangeInclusive<u32>,
        parse_key: impl Fn(&str) -> Result<K, String>,
    ) -> std::collections::BTreeMap<K, u32> {
        let value = self.read(path, |given| {
            let items: Vec<(String, String)> = match &given.value {
                Value::Table(items) => items
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), text_of(value)?)))
                    .collect::<Result<_, String>>()?,
                Value::Text(text) if !matches!(given.origin, Origin::File { .. }) => {
                    let pair = |item: String| match item.split_once('=') {
                        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
                        None => Err(format!("expected NAME=NUMBER, separated by commas, found {}", found(&item))),
                    };
                    split(text).into_iter().map(pair).collect::<Result<_, String>>()?
                }
                other => return Err(format!("expected a table, found {}", kind(other))),
            };
            let read = |(name, value): (String, String)| {
                let number = value.parse().ok().filter(|number| within.contains(number)).ok_or_else(|| {
                    let (low, high) = (within.start(), within.end());
                    format!("{name}: expected a whole number from {low} to {high}, found {}", found(&value))
                })?;
                Ok((parse_key(&name)?, number))
            };
            all(items.into_iter().map(read))
        });
        let value: std::collections::BTreeMap<K, u32> = value.unwrap_or_default().into_iter().collect();
        let shown: Vec<String> =
            value.iter().map(|(name, number)| format!("{} = {number}", quoted(&name.to_string()))).collect();
        self.note(path, Some(if shown.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", shown.join(", ")) }));
        value
    }

    /// Records that a setting, as it was given, cannot be.
    pub(super) fn fault(&mut self, path: &str, detail: impl Into<String>) {
        let origin = self.raw.get(path).map_or(Origin::Default, |given| given.origin.clone());
        self.faults.push(Fault { key: path.to_owned(), origin, detail: detail.into() });
    }

    fn read<T>(&mut self, path: &str, parse: impl Fn(&Given) -> Result<T, String>) -> Option<T> {
        let given = self.raw.get(path)?;
        match parse(given) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(path, detail);
                None
            }
        }
    }

    fn note(&mut self, path: &'static str, value: Option<String>) {
        let origin = self.raw.get(path).map_or(Origin::Default, |given| given.origin.clone());
        self.settings.push(Setting { path, value, origin });
    }
}

/// Text as a TOML basic string: the same escapes as JSON's, which has none that TOML lacks.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What was found, short and in quotes. No setting of the file is a secret, but one may be long.
pub(super) fn found(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{}…", quoted(&cut)) } else { quoted(&cut) }
}

/// All values, or all that is wrong with them.
fn all<T>(read: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, String> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for one in read {
        match one {
            Ok(value) => values.push(value),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults.join("; ")) }
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        other => Err(format!("expected text or a number, found {}", kind(other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Integer(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::List(_) => "a list",
        Value::Table(_) => "a table",
        Value::Other(word) => word,
    }
}
