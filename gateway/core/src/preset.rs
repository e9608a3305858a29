//! Partners as we know them: how each signs, and how it checks an address, as rows of data.
//!
//! A preset is taken when a source is written: what the body does not state itself is filled in from the row, and the whole is stored. A later
//! release that changes a row changes no source.

mod apply;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::handshake::Handshake;
use crate::signature::Scheme;

pub use apply::{BadPreset, apply, forget};

const ROWS: &str = include_str!("preset/presets.json");
static ALL: LazyLock<Vec<Preset>> = LazyLock::new(|| serde_json::from_str(ROWS).unwrap_or_default());

/// One partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its name in the API: lower-case letters, digits and hyphens.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whether the row is the vendor's own word.
    pub status: Status,
    /// What to check with the partner before relying on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub check: Vec<String>,
    /// Where the facts come from.
    pub facts: Vec<String>,
    /// What the secret is, and where the partner shows it or takes it.
    pub secret: String,
    /// How requests are verified.
    pub verification: Scheme,
    /// How it checks an address.
    #[serde(default)]
    pub handshakes: Vec<Handshake>,
    /// The methods it sends.
    pub methods: Vec<String>,
    /// The plugin that reads its messages, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// Where it names a message, so that a repeat is known.
    pub dedupe: String,
    /// What else is good to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How well a row is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Read in the vendor's own specification, documentation or code.
    Confirmed,
    /// Read elsewhere: a template to be checked against a real delivery.
    Unverified,
}

impl Preset {
    /// Whether a source of it needs a `verify_token`.
    pub fn needs_verify_token(&self) -> bool {
        self.handshakes.iter().any(Handshake::takes_verify_token)
    }
}

/// Every preset, by id.
pub fn all() -> &'static [Preset] {
    &ALL
}

/// The preset of an id.
pub fn preset(id: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.id == id)
}
