//! What could not be loaded, pushed or kept serving: on show until it is mended.

use crate::problem::FieldFault;
use hookwright_core::timestamp::format_ms;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// So many are kept; the names of a directory's files are not ours to bound.
const TROUBLES_MAX: usize = 1_000;

/// Why something does not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// A stable code, such as `forbidden_import` or `fixtures_failed`.
    pub code: String,
    /// A sentence that says what to do.
    pub detail: String,
    /// The version, if it was read as far as that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Fixtures that failed: which, and what was expected and came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldFault>,
    /// Since when, RFC 3339.
    pub at: String,
}

impl Trouble {
    /// A trouble that began at this time.
    pub fn new(code: &str, detail: String, now_ms: i64) -> Self {
        Self { code: code.to_owned(), detail, digest: None, errors: Vec::new(), at: format_ms(now_ms) }
    }
}

/// Troubles by the name of the plugin, or of the file where there is no plugin yet.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<BTreeMap<String, Trouble>>);

impl Troubles {
    pub(super) fn add(&self, name: &str, trouble: Trouble) {
        tracing::error!(plugin = name, code = trouble.code, why = trouble.detail, "plugin trouble");
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.len() < TROUBLES_MAX || troubles.contains_key(name) {
            troubles.insert(name.to_owned(), trouble);
        }
    }

    pub(super) fn remove(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Removes what is on show of this version; what is there of another stays.
    pub(super) fn remove_of(&self, name: &str, digest: &str) {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if troubles.get(name).is_some_and(|trouble| trouble.digest.as_deref() == Some(digest)) {
            troubles.remove(name);
        }
    }

    pub(super) fn all(&self) -> BTreeMap<String, Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
