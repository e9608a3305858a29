//! What is wrong with a configuration.

use std::fmt;

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere.
    Default,
    /// In the file, at this line (from 1).
    File {
        /// The file's path, as it was named.
        file: String,
        /// The line.
        line: usize,
    },
    /// In this environment variable.
    Variable(String),
    /// In this flag of the command.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong: which setting, where it was given, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The setting's path, or what was taken for one.
    pub key: String,
    /// Where it was given.
    pub origin: Origin,
    /// What is wrong and what was expected.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.key.as_str()) {
            (Origin::Default, key) => write!(f, "{key}: {}", self.detail),
            (origin, "") => write!(f, "{origin}: {}", self.detail),
            (origin, key) => write!(f, "{key} ({origin}): {}", self.detail),
        }
    }
}

/// Why there is no configuration: every fault that was found, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not valid:{}", list(.0))]
pub struct BadConfig(pub Vec<Fault>);

fn list(faults: &[Fault]) -> String {
    faults.iter().fold(String::new(), |text, fault| text + "\n  " + &fault.to_string())
}
