//! What a plugin's directory holds: its language, by the manifest that is there, and what the manifest says.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{BuildError, COMPONENTIZE_PY, rust};
use crate::version::{PluginMetadata, World};

/// A manifest is a page of text.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// The languages for which there is a toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Through cargo.
    Rust,
    /// Through npm and `componentize-qjs`.
    JavaScript,
    /// Through pip and `componentize-py`.
    Python,
}

impl Language {
    /// The name that the command line uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "js",
            Self::Python => "python",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A plugin's directory.
#[derive(Clone, Debug)]
pub struct Project {
    /// Where it is.
    pub dir: PathBuf,
    /// What it is written in.
    pub language: Language,
    /// What it says about itself.
    pub metadata: PluginMetadata,
    /// Where its fixtures are.
    pub fixtures: PathBuf,
    /// Which world it is built for; of no account in Rust, where the code says so.
    pub(super) world: World,
    /// The file or module to begin with; empty in Rust.
    pub(super) entry: String,
    /// What pip shall install.
    pub(super) requirements: Vec<String>,
}

impl Project {
    /// Reads the manifest in `dir`.
    pub fn read(dir: &Path) -> Result<Self, BuildError> {
        // Programs are run in this directory, so nothing may be relative to another.
        let dir = std::path::absolute(dir).map_err(|source| BuildError::Read { path: dir.to_owned(), source })?;
        let dir = dir.as_path();
        let wrong = |output: &str| BuildError::Manifest { dir: dir.to_owned(), output: output.to_owned() };
        let package = manifest(dir, "package.json")?.map(|text| serde_json::from_str::<Value>(&text));
        let package = package.transpose().map_err(|error| wrong(&format!("package.json: {error}")))?;
        let pyproject = manifest(dir, "pyproject.toml")?.map(|text| toml::from_str::<Value>(&text));
        let pyproject = pyproject.transpose().map_err(|error| wrong(&format!("pyproject.toml: {error}")))?;
        let javascript = package.as_ref().filter(|package| package["hookwright"].is_object());
        let python = pyproject.as_ref().filter(|pyproject| pyproject["tool"]["hookwright"].is_object());
        match (javascript, python, dir.join("Cargo.toml").is_file()) {
            (Some(_), Some(_), _) => Err(wrong("package.json and pyproject.toml both have a section for Hookwright")),
            (Some(package), None, _) => Self::javascript(dir, package),
            (None, Some(pyproject), _) => Self::python(dir, pyproject),
            (None, None, true) => Self::rust(dir),
            (None, None, false) if package.is_some() => {
                Err(wrong("package.json has no section \"hookwright\": add \"hookwright\": {\"world\": \"outbound\"}"))
            }
            (None, None, false) if pyproject.is_some() => {
                Err(wrong("pyproject.toml has no table [tool.hookwright]: add it, with world = \"outbound\""))
            }
            _ => Err(wrong(
                "there is no Cargo.toml, package.json or pyproject.toml; `hookwright plugin new` makes a plugin that builds",
            )),
        }
    }

    fn rust(dir: &Path) -> Result<Self, BuildError> {
        let package = rust::package(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            language: Language::Rust,
            metadata: PluginMetadata {
                name: Some(package.name),
                version: Some(package.version),
                description: package.description,
            },
            fixtures: dir.join(package.fixtures.as_deref().unwrap_or("fixtures")),
            world: World::Inbound,
            entry: String::new(),
            requirements: Vec::new(),
        })
    }

    fn javascript(dir: &Path, package: &Value) -> Result<Self, BuildError> {
        let section = Section { dir, file: "package.json", fields: &package["hookwright"] };
        section.check(&["world", "fixtures"])?;
        Ok(Self {
            language: Language::JavaScript,
            metadata: metadata(package),
            world: section.world()?,
            entry: package["main"].as_str().unwrap_or("plugin.js").to_owned(),
            ..Self::empty(dir, &section)?
        })
    }

    fn python(dir: &Path, pyproject: &Value) -> Result<Self, BuildError> {
        let section = Section { dir, file: "pyproject.toml", fields: &pyproject["tool"]["hookwright"] };
        section.check(&["world", "fixtures", "module", "componentize-py"])?;
        let entry = section.text("module")?.unwrap_or("plugin").to_owned();
        let is_name =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if entry == section.world()?.as_str() || !entry.split('.').all(is_name) {
            return Err(section.wrong("module", "a module's name, and not the world's, which the generated code has"));
        }
        let componentizer = section.text("componentize-py")?.unwrap_or(COMPONENTIZE_PY);
        if !componentizer.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
            return Err(section.wrong("componentize-py", "a release, such as \"0.25.1\""));
        }
        let mut requirements = vec![format!("componentize-py=={componentizer}")];
        for dependency in pyproject["project"]["dependencies"].as_array().into_iter().flatten() {
            // What begins with a dash would be an option of pip's.
            let dependency = dependency.as_str().filter(|text| !text.trim_start().starts_with('-'));
            let Some(dependency) = dependency else {
                return Err(section.wrong("project.dependencies", "a list of requirements"));
            };
            requirements.push(dependency.to_owned());
        }
        Ok(Self {
            language: Language::Python,
            metadata: metadata(&pyproject["project"]),
            world: section.world()?,
            entry,
            requirements,
            ..Self::empty(dir, &section)?
        })
    }

    fn empty(dir: &Path, section: &Section<'_>) -> Result<Self, BuildError> {
        Ok(Self {
            dir: dir.to_owned(),
            language: Language::JavaScript,
            metadata: PluginMetadata::default(),
            fixtures: dir.join(section.text("fixtures")?.unwrap_or("fixtures")),
            world: World::Outbound,
            entry: String::new(),
            requirements: Vec::new(),
        })
    }
}

fn metadata(fields: &Value) -> PluginMetadata {
    let text = |name: &str| fields[name].as_str().map(str::to_owned);
    PluginMetadata { name: text("name"), version: text("version"), description: text("description") }
}

/// The part of a manifest that is about Hookwright.
struct Section<'a> {
    dir: &'a Path,
    file: &'static str,
    fields: &'a Value,
}

impl<'a> Section<'a> {
    fn wrong(&self, field: &str, expected: &str) -> BuildError {
        let output = format!("{}: {field} in the section for Hookwright: expected {expected}", self.file);
        BuildError::Manifest { dir: self.dir.to_owned(), output }
    }

    fn check(&self, known: &[&str]) -> Result<(), BuildError> {
        let unknown =
            self.fields.as_object().and_then(|fields| fields.keys().find(|key| !known.contains(&key.as_str())));
        unknown.map_or(Ok(()), |key| Err(self.wrong(key, &format!("one of {}", known.join(", ")))))
    }

    fn text(&self, field: &str) -> Result<Option<&'a str>, BuildError> {
        match self.fields.get(field) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.wrong(field, "a string")),
        }
    }

    fn world(&self) -> Result<World, BuildError> {
        match self.text("world")? {
            Some("inbound") => Ok(World::Inbound),
            Some("outbound") => Ok(World::Outbound),
            _ => Err(self.wrong("world", "\"inbound\" or \"outbound\"")),
        }
    }
}

/// The text of a manifest, if it is there.
fn manifest(dir: &Path, name: &str) -> Result<Option<String>, BuildError> {
    let path = dir.join(name);
    let failed = |source| BuildError::Read { path: path.clone(), source };
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if metadata.len() <= MANIFEST_BYTES_MAX => {}
        Ok(_) => return Err(failed(io::Error::other("it is too large for a manifest"))),
        Err(error) => return Err(failed(error)),
    }
    std::fs::read_to_string(&path).map(Some).map_err(failed)
}
