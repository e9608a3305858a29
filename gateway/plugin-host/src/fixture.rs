//! Fixtures: what a plugin is asked and what it must answer. They are files beside the plugin's crate, are packed into
//! its component, and run before a version may serve.
//!
//! ```json
//! {
//!   "world": "inbound",
//!   "settings": {},
//!   "input": { "hook": "video-call-completed", "body": { "event": "chat.started" } },
//!   "expected": { "refusal": { "code": "unsupported", "location": "/event" } }
//! }
//! ```
//!
//! * `name`: the file's name unless it is given. `description`: for people.
//! * `context`: any of `plugin`, `binding_id`, `binding_name`, `subject_id`, `attempt`, `now_ms`, `attributes`.
//! * `input` for `inbound`: any of `method`, `hook`, `query` (a list of pairs), `headers`, `received_at_ms`, `assurance`,
//!   `scheme`, `attributes`, `resumption`, and the body as `body` (JSON), `body_text` or `body_base64`.
//! * `input` for `outbound`: `event` with `type`, `data` and any of `id`, `created_at_ms`, `attributes`; `delivery` with any
//!   of `id`, `subscription_id`, `subscription_name`, `attributes`.
//! * `expected`: one of `accepted`, `ignored`, `need_fetch`, `refusal` (inbound), `send`, `skip`, `fault` (outbound), or
//!   `failure` with the `kind` of a [`CallFailure`](crate::CallFailure).
//!
//! Answers are compared as JSON: the order of keys and the spelling of numbers make no difference. A field of the contract
//! that is null, false or empty is the same as one that is left out. Inside `body` and `data` everything counts.

mod difference;
mod input;
mod report;
mod section;
mod shown;

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::version::World;
pub use difference::{Difference, differences, without_empty};
pub(crate) use input::Call;
pub use report::FixtureReport;
pub use section::{pack, unpack};
pub use shown::{shown_decision, shown_outcome};

/// Fixtures of one plugin.
pub const FIXTURES_MAX: usize = 1000;
/// The size of one fixture, in bytes.
pub const FIXTURE_BYTES_MAX: usize = 1 << 20;
const NAME_BYTES_MAX: usize = 128;

/// Why something is no fixture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fixture {name}: {problem}")]
pub struct FixtureError {
    /// Which.
    pub name: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FixtureError {
    fn new(name: &str, problem: impl Into<String>) -> Self {
        Self { name: name.to_owned(), problem: problem.into() }
    }
}

/// One fixture, checked.
#[derive(Clone, Debug)]
pub struct Fixture {
    name: String,
    world: World,
    json: Map<String, Value>,
    call: Box<Call>,
}

/// The outer level of a fixture, as typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    world: String,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    context: input::Context,
    input: Value,
    expected: Map<String, Value>,
}

impl Fixture {
    /// Reads a fixture; `name` is for one that has no name of its own.
    pub fn parse(name: &str, json: &[u8]) -> Result<Self, FixtureError> {
        if json.len() > FIXTURE_BYTES_MAX {
            return Err(FixtureError::new(name, format!("it has more than {FIXTURE_BYTES_MAX} bytes")));
        }
        match serde_json::from_slice(json) {
            Ok(json) => Self::from_json(name, json),
            Err(error) => Err(FixtureError::new(name, error.to_string())),
        }
    }

    fn from_json(name: &str, mut json: Map<String, Value>) -> Result<Self, FixtureError> {
        let wrong = |problem: String| FixtureError::new(name, problem);
        let typed: Typed =
            serde_json::from_value(Value::Object(json.clone())).map_err(|error| wrong(error.to_string()))?;
        let name = typed.name.unwrap_or_else(|| name.to_owned());
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
            return Err(wrong(format!("its name must have 1 to {NAME_BYTES_MAX} printable bytes")));
        }
        let (world, answers) = match typed.world.as_str() {
            "inbound" => (World::Inbound, ["accepted", "ignored", "need_fetch", "refusal", "failure"].as_slice()),
            "outbound" => (World::Outbound, ["send", "skip", "fault", "failure"].as_slice()),
            other => return Err(wrong(format!("its world must be inbound or outbound, not {other}"))),
        };
        if typed.expected.len() != 1 || !typed.expected.keys().all(|key| answers.contains(&key.as_str())) {
            return Err(wrong(format!("it must expect one of {}", answers.join(", "))));
        }
        let settings = Value::Object(typed.settings).to_string();
        let call = Call::new(world, settings, typed.context, typed.input).map_err(wrong)?;
        json.insert("name".to_owned(), name.clone().into());
        Ok(Self { name, world, json, call: Box::new(call) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which direction it is for.
    pub fn world(&self) -> World {
        self.world
    }

    /// What the plugin must answer.
    pub fn expected(&self) -> &Value {
        &self.json["expected"]
    }

    /// The fixture as JSON, with its name.
    pub fn json(&self) -> &Map<String, Value> {
        &self.json
    }

    /// The same with another expectation: for snapshots of what a plugin answers now.
    #[must_use]
    pub fn expecting(mut self, expected: Value) -> Self {
        self.json.insert("expected".to_owned(), expected);
        self
    }

    pub(crate) fn call(&self) -> &Call {
        &self.call
    }
}

/// Reads the `.json` files of a directory, in the order of their names. A directory that is not there holds none.
pub fn read_dir(dir: &Path) -> Result<Vec<Fixture>, FixtureError> {
    Ok(read_files(dir)?.into_iter().map(|(_, fixture)| fixture).collect())
}

/// The same, each with its file.
pub fn read_files(dir: &Path) -> Result<Vec<(PathBuf, Fixture)>, FixtureError> {
    let unreadable = |path: &Path, error: io::Error| {
        FixtureError::new(&path.display().to_string(), format!("cannot be read: {error}"))
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(dir, error)),
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(dir, error))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    if paths.len() > FIXTURES_MAX {
        return Err(FixtureError::new(&dir.display().to_string(), format!("there are more than {FIXTURES_MAX}")));
    }
    let mut fixtures = Vec::with_capacity(paths.len());
    for path in paths {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let json = std::fs::read(&path).map_err(|error| unreadable(&path, error))?;
        let fixture = Fixture::parse(&stem, &json)?;
        fixtures.push((path, fixture));
    }
    fixtures.sort_unstable_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    unique(fixtures.iter().map(|(_, fixture)| fixture))?;
    Ok(fixtures)
}

/// Reports name fixtures, so names must tell them apart.
fn unique<'a>(fixtures: impl IntoIterator<Item = &'a Fixture>) -> Result<(), FixtureError> {
    let mut names = std::collections::BTreeSet::new();
    match fixtures.into_iter().find(|fixture| !names.insert(&fixture.name)) {
        Some(twice) => Err(FixtureError::new(&twice.name, "its name is used twice")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
